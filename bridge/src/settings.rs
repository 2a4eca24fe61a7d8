//! What the process is told: by its environment alone, so that nothing is seen in a list of processes.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    log::Level,
    redis::{Address, Login, Options as PoolOptions, Target, Tls, TlsFiles},
    tokens::Tokens,
};

/// Everything a start needs.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) tokens: Tokens,
    pub(crate) metrics_token: Option<Tokens>,
    pub(crate) pool: PoolOptions,
    pub(crate) max_in_flight: usize,
    pub(crate) max_body: usize,
    pub(crate) drain: Duration,
    pub(crate) level: Level,
}

/// A variable: its name, what it is without being set, and what it is for.
struct Variable {
    name: &'static str,
    default: &'static str,
    help: &'static str,
    is_secret: bool,
}

impl Variable {
    const fn new(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self {
            name,
            default,
            help,
            is_secret: false,
        }
    }

    const fn secret(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            default: "",
            help,
            is_secret: true,
        }
    }
}

const LISTEN: Variable = Variable::new(
    "BRIDGE_LISTEN",
    "0.0.0.0:8079",
    "address and port to listen on",
);
const TOKEN: Variable = Variable::secret(
    "BRIDGE_TOKEN",
    "what the workers have as UPSTASH_REDIS_REST_TOKEN; several by commas while it is rotated; 24 characters or more each",
);
const METRICS_TOKEN: Variable = Variable::secret(
    "METRICS_TOKEN",
    "who sends it may read /metrics; without it, that is not there",
);
const REDIS_URL: Variable = Variable::new(
    "REDIS_URL",
    "",
    "redis://host:6379/0, or rediss:// for TLS; without a password in it",
);
const REDIS_USERNAME: Variable =
    Variable::new("REDIS_USERNAME", "", "ACL user; the default one without it");
const REDIS_PASSWORD: Variable = Variable::secret("REDIS_PASSWORD", "the user's password");
const REDIS_CA_FILE: Variable = Variable::new(
    "REDIS_CA_FILE",
    "",
    "PEM file of who signed Redis's certificate; without it, the authorities that browsers trust",
);
const REDIS_CERT_FILE: Variable = Variable::new(
    "REDIS_CERT_FILE",
    "",
    "PEM file of the bridge's own certificate, where Redis asks for one",
);
const REDIS_KEY_FILE: Variable =
    Variable::new("REDIS_KEY_FILE", "", "PEM file of that certificate's key");
const SENTINELS: Variable = Variable::new(
    "REDIS_SENTINELS",
    "",
    "host:26379,host:26379: the Sentinels to ask for Redis, in place of REDIS_URL",
);
const SENTINEL_MASTER: Variable =
    Variable::new("REDIS_SENTINEL_MASTER", "", "the name they watch it under");
const SENTINEL_USERNAME: Variable =
    Variable::new("REDIS_SENTINEL_USERNAME", "", "ACL user of the Sentinels");
const SENTINEL_PASSWORD: Variable = Variable::secret(
    "REDIS_SENTINEL_PASSWORD",
    "their password, if they ask for one",
);
const SENTINEL_TLS: Variable = Variable::new(
    "REDIS_SENTINEL_TLS",
    "0",
    "1 speaks TLS to the Sentinels and to the Redis they name",
);
const SENTINEL_DATABASE: Variable = Variable::new(
    "REDIS_SENTINEL_DATABASE",
    "0",
    "number of the database in the Redis they name",
);
const CONNECTIONS: Variable = Variable::new(
    "BRIDGE_CONNECTIONS",
    "4",
    "connections to Redis that all requests share, 1 to 64",
);
const MAX_IN_FLIGHT: Variable = Variable::new(
    "BRIDGE_MAX_IN_FLIGHT",
    "1000",
    "requests on their way at once, 1 to 100000; past it 503",
);
const MAX_BODY: Variable = Variable::new(
    "BRIDGE_MAX_BODY_BYTES",
    "1048576",
    "the largest body of a request, 1024 to 52428800; there is memory for 64 of them",
);
const TIMEOUT: Variable = Variable::new(
    "REDIS_TIMEOUT_MS",
    "1000",
    "how long Redis may take to answer, 10 to 60000",
);
const DRAIN: Variable = Variable::new(
    "BRIDGE_DRAIN_SECONDS",
    "10",
    "how long a stop may take, 0 to 600; half of it, 5 s at most, to be noticed",
);
const LOG_LEVEL: Variable = Variable::new("LOG_LEVEL", "info", "debug, info, warn or error");

const VARIABLES: [&Variable; 21] = [
    &LISTEN,
    &TOKEN,
    &METRICS_TOKEN,
    &REDIS_URL,
    &REDIS_USERNAME,
    &REDIS_PASSWORD,
    &REDIS_CA_FILE,
    &REDIS_CERT_FILE,
    &REDIS_KEY_FILE,
    &SENTINELS,
    &SENTINEL_MASTER,
    &SENTINEL_USERNAME,
    &SENTINEL_PASSWORD,
    &SENTINEL_TLS,
    &SENTINEL_DATABASE,
    &CONNECTIONS,
    &MAX_IN_FLIGHT,
    &MAX_BODY,
    &TIMEOUT,
    &DRAIN,
    &LOG_LEVEL,
];

/// The fewest characters of a token.
const MIN_TOKEN: usize = 24;

/// The fewest of the one for metrics, which gives away less.
const MIN_METRICS_TOKEN: usize = 16;

/// How to make a token.
const MAKE_ONE: &str = "make one with `openssl rand -base64 32`";

/// The text of `--help` about the environment.
pub(crate) fn help() -> String {
    VARIABLES.iter().fold(String::new(), |text, variable| {
        let Variable {
            name,
            default,
            help,
            is_secret,
        } = variable;
        let note = match (*is_secret, default.is_empty()) {
            (true, _) => format!(" (secret; or {name}_FILE, the path of a file that holds it)"),
            (false, true) => String::new(),
            (false, false) => format!(" [{default}]"),
        };
        text + &format!("  {name:<24} {help}{note}\n")
    })
}

/// Reads the environment; or every fault in it, a line each, with what to do.
pub(crate) fn read(
    variable: impl Fn(&str) -> Option<String>,
    file: impl Fn(&str) -> std::io::Result<String>,
) -> Result<Settings, String> {
    let mut reader = Reader {
        variable,
        file,
        faults: Vec::new(),
    };
    let settings = reader.settings();
    match settings {
        Some(settings) if reader.faults.is_empty() => Ok(settings),
        _ => Err(reader.faults.join("\n")),
    }
}

struct Reader<V, F> {
    variable: V,
    file: F,
    faults: Vec<String>,
}

impl<V: Fn(&str) -> Option<String>, F: Fn(&str) -> std::io::Result<String>> Reader<V, F> {
    fn settings(&mut self) -> Option<Settings> {
        let listen = self.parsed(
            &LISTEN,
            "an address and a port, as 0.0.0.0:8079 or [::]:8079",
        );
        let tokens = self.tokens(&TOKEN, MIN_TOKEN);
        if tokens.is_none()
            && self
                .faults
                .iter()
                .all(|fault| !fault.starts_with(TOKEN.name))
        {
            self.fault(
                &TOKEN,
                &format!(
                    "is missing; {MAKE_ONE} and give it to the workers as UPSTASH_REDIS_REST_TOKEN"
                ),
            );
        }
        let metrics_token = self.tokens(&METRICS_TOKEN, MIN_METRICS_TOKEN);
        let place = self.place();
        let login = self.login(&REDIS_USERNAME, &REDIS_PASSWORD);
        let sentinel_login = self.login(&SENTINEL_USERNAME, &SENTINEL_PASSWORD);
        let connections = self.number(&CONNECTIONS, 1, 64);
        let timeout = self.number(&TIMEOUT, 10, 60_000);
        let max_in_flight = self.number(&MAX_IN_FLIGHT, 1, 100_000);
        let max_body = self.number(&MAX_BODY, 1024, 52_428_800);
        let drain = self.number(&DRAIN, 0, 600);
        let level = self.parsed(&LOG_LEVEL, "debug, info, warn or error");
        let (target, database, tls) = place?;
        Some(Settings {
            listen: listen?,
            tokens: tokens?,
            metrics_token,
            pool: PoolOptions {
                target,
                login: Login { database, ..login? },
                sentinel_login: sentinel_login?,
                tls,
                connections: connections?,
                timeout: Duration::from_millis(timeout? as u64),
            },
            max_in_flight: max_in_flight?,
            max_body: max_body?,
            drain: Duration::from_secs(drain? as u64),
            level: level?,
        })
    }

    fn fault(&mut self, variable: &Variable, problem: &str) {
        self.faults.push(format!("{} {problem}", variable.name));
    }

    /// What is set; an empty value counts as none, as a shell's `NAME=` means it.
    fn given(&self, variable: &Variable) -> Option<String> {
        (self.variable)(variable.name).filter(|value| !value.is_empty())
    }

    fn value(&self, variable: &Variable) -> String {
        self.given(variable)
            .unwrap_or_else(|| variable.default.to_owned())
    }

    fn parsed<T: FromStr>(&mut self, variable: &Variable, expected: &str) -> Option<T> {
        let value = self.value(variable);
        let parsed = value.parse().ok();
        if parsed.is_none() {
            self.fault(variable, &format!("is {value:?}, and must be {expected}"));
        }
        parsed
    }

    fn number(&mut self, variable: &Variable, least: usize, most: usize) -> Option<usize> {
        let expected = format!("a number from {least} to {most}");
        let number = self.parsed(variable, &expected)?;
        if (least..=most).contains(&number) {
            return Some(number);
        }
        self.fault(variable, &format!("is {number}, and must be {expected}"));
        None
    }

    /// The variable itself, or what is in the file that `NAME_FILE` names.
    fn secret(&mut self, variable: &Variable) -> Option<SecretString> {
        let path_name = format!("{}_FILE", variable.name);
        let path = (self.variable)(&path_name).filter(|path| !path.is_empty());
        match (self.given(variable), path) {
            (Some(_), Some(_)) => {
                self.fault(
                    variable,
                    &format!("and {path_name} are both set; leave one out"),
                );
                None
            }
            (Some(value), None) => Some(value.into()),
            (None, Some(path)) => match (self.file)(&path) {
                Ok(text) => {
                    // An editor ends a file with a line's end, and no secret does.
                    let text = text.trim_end_matches(['\r', '\n']);
                    if text.is_empty() {
                        self.faults
                            .push(format!("{path_name} names {path}, which is empty"));
                        return None;
                    }
                    Some(text.to_owned().into())
                }
                Err(error) => {
                    self.faults.push(format!(
                        "{path_name} names {path}, which cannot be read: {error}"
                    ));
                    None
                }
            },
            (None, None) => None,
        }
    }

    fn tokens(&mut self, variable: &Variable, least: usize) -> Option<Tokens> {
        let list = self.secret(variable)?;
        let tokens: Vec<&str> = list.expose_secret().split(',').map(str::trim).collect();
        let problem = if tokens.iter().any(|token| token.len() < least) {
            Some(format!(
                "holds a token of fewer than {least} characters, which could be guessed; {MAKE_ONE}"
            ))
        } else if tokens
            .iter()
            .any(|token| !token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            Some(format!(
                "holds a token that a header cannot carry (spaces, or what is not ASCII); {MAKE_ONE}"
            ))
        } else {
            None
        };
        if let Some(problem) = problem {
            self.fault(variable, &problem);
            return None;
        }
        Some(Tokens::new(tokens))
    }

    fn login(&mut self, username: &Variable, password: &Variable) -> Option<Login> {
        let before = self.faults.len();
        let login = Login {
            username: self.given(username),
            password: self.secret(password),
            database: 0,
        };
        if self.faults.len() > before {
            return None;
        }
        if login.username.is_some() && login.password.is_none() {
            self.fault(username, &format!("is set without {}", password.name));
            return None;
        }
        Some(login)
    }

    /// What to ask for Redis, the database's number, and TLS.
    fn place(&mut self) -> Option<(Target, i64, Option<Tls>)> {
        let (target, database, is_encrypted) = match (
            self.given(&REDIS_URL),
            self.given(&SENTINELS),
        ) {
            (Some(_), Some(_)) => {
                self.fault(
                    &REDIS_URL,
                    "and REDIS_SENTINELS are both set; leave one out",
                );
                return None;
            }
            (None, None) => {
                self.fault(&REDIS_URL, "is missing, and so is REDIS_SENTINELS; say where Redis is, as redis://host:6379/0");
                return None;
            }
            (Some(url), None) => match parse_url(&url) {
                Ok((address, database, is_encrypted)) => {
                    (Target::Server(address), database, is_encrypted)
                }
                Err(problem) => {
                    self.fault(&REDIS_URL, &problem);
                    return None;
                }
            },
            (None, Some(list)) => self.sentinels(&list)?,
        };
        let path = |variable| self.given(variable).map(PathBuf::from);
        let (certificate, key) = (path(&REDIS_CERT_FILE), path(&REDIS_KEY_FILE));
        let authority = path(&REDIS_CA_FILE);
        if !is_encrypted {
            if authority.is_some() || certificate.is_some() || key.is_some() {
                let problem = "or REDIS_CERT_FILE or REDIS_KEY_FILE is set, but TLS is not asked for; write rediss:// or set REDIS_SENTINEL_TLS=1";
                self.fault(&REDIS_CA_FILE, problem);
                return None;
            }
            return Some((target, database, None));
        }
        let own = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                self.fault(
                    &REDIS_CERT_FILE,
                    "and REDIS_KEY_FILE go together; set both or none",
                );
                return None;
            }
        };
        match Tls::new(&TlsFiles { authority, own }) {
            Ok(tls) => Some((target, database, Some(tls))),
            Err(problem) => {
                self.faults
                    .push(format!("a file for TLS cannot be used: {problem}"));
                None
            }
        }
    }

    fn sentinels(&mut self, list: &str) -> Option<(Target, i64, bool)> {
        let addresses: Result<Vec<Address>, String> = list
            .split(',')
            .map(|address| address.trim().parse())
            .collect();
        let addresses = match addresses {
            Ok(addresses) => addresses,
            Err(problem) => {
                self.fault(
                    &SENTINELS,
                    &format!("must be host:port, several by commas: {problem}"),
                );
                return None;
            }
        };
        let Some(master) = self.given(&SENTINEL_MASTER) else {
            self.fault(
                &SENTINEL_MASTER,
                "is missing: the name in the Sentinels' `sentinel monitor NAME …`",
            );
            return None;
        };
        let is_encrypted = self.number(&SENTINEL_TLS, 0, 1)? == 1;
        let database = self.number(&SENTINEL_DATABASE, 0, 65_535)?;
        let target = Target::Sentinels { addresses, master };
        Some((target, i64::try_from(database).ok()?, is_encrypted))
    }
}

/// The address, the database's number, and whether TLS is asked for. What is wrong is told without the URL,
/// which may hold a password.
fn parse_url(url: &str) -> Result<(Address, i64, bool), String> {
    const FORM: &str = "must be redis://host:6379/0, or rediss:// for TLS";
    let (scheme, rest) = url.split_once("://").ok_or(FORM)?;
    let is_encrypted = match scheme {
        "redis" => false,
        "rediss" => true,
        _ => return Err(FORM.to_owned()),
    };
    if rest.contains('@') {
        return Err(
            "holds a user or a password; put them into REDIS_USERNAME and REDIS_PASSWORD, so that they are in no log"
                .to_owned(),
        );
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.contains(']'));
    let authority = if has_port {
        authority.to_owned()
    } else {
        format!("{authority}:6379")
    };
    let address = authority.parse().map_err(|_| FORM.to_owned())?;
    let database = match path {
        "" => 0,
        path => path.parse::<u16>().map_err(|_| FORM.to_owned())?,
    };
    Ok((address, database.into(), is_encrypted))
}

#[cfg(test)]
mod tests;
