//! What the process is told: by its environment alone, so that nothing is seen in a list of processes.

mod place;
mod variable;

use std::{io, net::SocketAddr, str::FromStr, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};

pub(crate) use self::variable::help;
use self::variable::{
    CONNECTIONS, DRAIN, LISTEN, LOG_LEVEL, MAX_BODY, MAX_IN_FLIGHT, METRICS_TOKEN, REDIS_PASSWORD,
    REDIS_USERNAME, SENTINEL_PASSWORD, SENTINEL_USERNAME, TIMEOUT, TOKEN, Variable,
};
use crate::{
    log::Level,
    redis::{Login, Options as PoolOptions},
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

/// The fewest characters of a token.
const MIN_TOKEN: usize = 24;

/// The fewest of the one for metrics, which gives away less.
const MIN_METRICS_TOKEN: usize = 16;

/// How to make a token.
const MAKE_ONE: &str = "make one with `openssl rand -base64 32`";

/// Reads the environment; or every fault in it, a line each, with what to do. None repeats what was given: a
/// secret may have got under a wrong name.
pub(crate) fn read(
    variable: impl Fn(&str) -> Option<String>,
    file: impl Fn(&str) -> io::Result<String>,
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

impl<V: Fn(&str) -> Option<String>, F: Fn(&str) -> io::Result<String>> Reader<V, F> {
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
        let parsed = self.value(variable).parse().ok();
        if parsed.is_none() {
            self.fault(variable, &format!("must be {expected}"));
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
                            .push(format!("{path_name} names a file that is empty"));
                        return None;
                    }
                    Some(text.to_owned().into())
                }
                Err(error) => {
                    self.faults.push(format!(
                        "{path_name} must be the path of a file; it cannot be read: {error}"
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
}

#[cfg(test)]
mod tests;
