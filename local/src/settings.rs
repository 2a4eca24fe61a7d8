//! What the program is told: flags first, then the environment, then the defaults of a developer's
//! machine.

use redis::{ConnectionInfo, IntoConnectionInfo};

/// What the caller asked for.
#[derive(Debug)]
pub(crate) enum Order {
    /// Show what can be said.
    Help,
    /// Start the companions.
    Start(Box<Settings>),
}

/// Everything a start needs.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The port of Redis over HTTP; 0 takes a free one, as for the others.
    pub(crate) bridge_port: u16,
    /// The port of the Supabase stand-in.
    pub(crate) supabase_port: u16,
    /// The port of the demo origin.
    pub(crate) origin_port: u16,
    /// The Redis behind the bridge.
    pub(crate) redis: ConnectionInfo,
    /// The PostgreSQL behind Supabase's `/rest/v1`, if there is one.
    pub(crate) postgres: Option<tokio_postgres::Config>,
    /// The bearer token that the bridge wants.
    pub(crate) token: String,
    /// The auth worker's address, which the links in mails lead to.
    pub(crate) site_url: String,
    /// The gateway's address.
    pub(crate) gateway_url: String,
    /// Whether to stop as soon as standard input ends, so that no orphan outlives its parent.
    pub(crate) stop_with_stdin: bool,
}

/// A flag that takes a value, the variable that stands in for it, its default and its explanation.
struct Flag {
    name: &'static str,
    variable: &'static str,
    default: &'static str,
    help: &'static str,
}

const BRIDGE_PORT: Flag = Flag {
    name: "--bridge-port",
    variable: "AUTHFLOW_BRIDGE_PORT",
    default: "8079",
    help: "port of Redis over HTTP (Upstash REST)",
};
const SUPABASE_PORT: Flag = Flag {
    name: "--supabase-port",
    variable: "AUTHFLOW_SUPABASE_PORT",
    default: "9999",
    help: "port of the Supabase stand-in",
};
const ORIGIN_PORT: Flag = Flag {
    name: "--origin-port",
    variable: "AUTHFLOW_ORIGIN_PORT",
    default: "9000",
    help: "port of the demo origin",
};
const REDIS_PORT: Flag = Flag {
    name: "--redis-port",
    variable: "AUTHFLOW_REDIS_PORT",
    default: "6379",
    help: "port of the Redis on 127.0.0.1 behind the bridge",
};
const REDIS_URL: Flag = Flag {
    name: "--redis-url",
    variable: "AUTHFLOW_REDIS_URL",
    default: "",
    help: "redis://[:password@]host:port, in place of --redis-port",
};
const POSTGRES_URL: Flag = Flag {
    name: "--postgres-url",
    variable: "AUTHFLOW_POSTGRES_URL",
    default: "",
    help: "PostgreSQL behind Supabase's /rest/v1, as postgresql://user@/database?host=folder",
};
const TOKEN: Flag = Flag {
    name: "--token",
    variable: "AUTHFLOW_BRIDGE_TOKEN",
    default: "local",
    help: "bearer token of the bridge",
};
const SITE_URL: Flag = Flag {
    name: "--site-url",
    variable: "AUTHFLOW_SITE_URL",
    default: "http://localhost:8001",
    help: "address of the auth worker, for the links in mails",
};
const GATEWAY_URL: Flag = Flag {
    name: "--gateway-url",
    variable: "AUTHFLOW_GATEWAY_URL",
    default: "http://localhost:8000",
    help: "address of the gateway",
};

const FLAGS: [&Flag; 9] = [
    &BRIDGE_PORT,
    &SUPABASE_PORT,
    &ORIGIN_PORT,
    &REDIS_PORT,
    &REDIS_URL,
    &POSTGRES_URL,
    &TOKEN,
    &SITE_URL,
    &GATEWAY_URL,
];

/// Reads the arguments (without the program's name); `variable` looks into the environment.
pub(crate) fn read(
    arguments: impl IntoIterator<Item = String>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Order, String> {
    let mut given: Vec<(&str, String)> = Vec::new();
    let mut stop_with_stdin = false;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if argument == "--help" || argument == "-h" {
            return Ok(Order::Help);
        }
        if argument == "--stop-with-stdin" {
            stop_with_stdin = true;
            continue;
        }
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let flag = FLAGS
            .into_iter()
            .find(|flag| flag.name == name)
            .ok_or_else(|| format!("unknown argument {argument}; --help shows what there is"))?;
        let value = attached
            .or_else(|| arguments.next())
            .ok_or_else(|| format!("{name} needs a value"))?;
        given.push((flag.name, value));
    }
    // An empty value counts as none, as a shell's `NAME=` means it.
    let value = |flag: &Flag| {
        let flagged = given
            .iter()
            .rev()
            .find(|(name, _)| *name == flag.name)
            .map(|(_, value)| value.clone());
        flagged
            .or_else(|| variable(flag.variable))
            .filter(|value| !value.is_empty())
            .unwrap_or_else(|| flag.default.to_owned())
    };
    let port = |flag: &Flag| {
        let text = value(flag);
        text.parse::<u16>()
            .map_err(|_| format!("{} or {}: {text:?} is not a port", flag.name, flag.variable))
    };
    let redis = match value(&REDIS_URL) {
        url if url.is_empty() => format!("redis://127.0.0.1:{}", port(&REDIS_PORT)?),
        url => url,
    };
    let postgres = match value(&POSTGRES_URL) {
        url if url.is_empty() => None,
        // Its error says nothing of a password in the URL, and nothing else either.
        url => Some(
            url.parse()
                .map_err(|_| format!("{} is no postgresql:// URL", POSTGRES_URL.name))?,
        ),
    };
    Ok(Order::Start(Box::new(Settings {
        bridge_port: port(&BRIDGE_PORT)?,
        supabase_port: port(&SUPABASE_PORT)?,
        origin_port: port(&ORIGIN_PORT)?,
        // The URL may hold a password, so the message does not repeat it.
        redis: redis
            .as_str()
            .into_connection_info()
            .map_err(|error| format!("{} is no redis:// URL: {error}", REDIS_URL.name))?,
        postgres,
        token: value(&TOKEN),
        site_url: value(&SITE_URL),
        gateway_url: value(&GATEWAY_URL),
        stop_with_stdin,
    })))
}

/// The text of `--help`.
pub(crate) fn help() -> String {
    let mut text = "Starts the companions of a developer's machine: Redis over HTTP, Supabase, a demo origin.\n\
        Prints one JSON line once all answer; stops on SIGINT or SIGTERM. Port 0 is any free port.\n\n"
        .to_owned();
    for Flag {
        name,
        variable,
        default,
        help,
    } in FLAGS
    {
        let or = if default.is_empty() { "" } else { ", default " };
        let line = format!("  {name:<16} {help} [{variable}{or}{default}]\n");
        text.push_str(&line);
    }
    text.push_str("  --stop-with-stdin stop when standard input ends\n  --help\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Settings, String> {
        let order = read(arguments.iter().map(ToString::to_string), |name| {
            environment
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })?;
        match order {
            Order::Start(settings) => Ok(*settings),
            Order::Help => Err("help".to_owned()),
        }
    }

    #[test]
    fn starts_with_the_contract_s_ports_when_told_nothing() {
        let settings = settings(&[], &[]).unwrap();
        assert_eq!(
            (
                settings.bridge_port,
                settings.supabase_port,
                settings.origin_port
            ),
            (8079, 9999, 9000)
        );
        assert_eq!(settings.redis.addr().to_string(), "127.0.0.1:6379");
        assert_eq!(settings.token, "local");
        assert!(!settings.stop_with_stdin);
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_the_environment_over_the_default() {
        let environment = [
            ("AUTHFLOW_BRIDGE_PORT", "1"),
            ("AUTHFLOW_ORIGIN_PORT", "2"),
            ("AUTHFLOW_REDIS_PORT", ""),
        ];
        let settings = settings(&["--bridge-port", "0", "--token=a=b"], &environment).unwrap();
        assert_eq!((settings.bridge_port, settings.origin_port), (0, 2));
        assert_eq!(settings.redis.addr().to_string(), "127.0.0.1:6379");
        assert_eq!(settings.token, "a=b");
    }

    #[test]
    fn takes_redis_with_a_password_from_a_url() {
        let settings = settings(&["--redis-url", "redis://:secret@localhost:7000"], &[]).unwrap();
        assert_eq!(settings.redis.addr().to_string(), "localhost:7000");
        assert_eq!(settings.redis.redis_settings().password(), Some("secret"));
    }

    #[test]
    fn takes_postgresql_from_a_url_and_does_without() {
        assert!(settings(&[], &[]).unwrap().postgres.is_none());
        let url = "postgresql://authenticator@/postgres?host=%2Ftmp%2Fdata";
        let postgres = settings(&["--postgres-url", url], &[]).unwrap().postgres;
        let postgres = postgres.unwrap();
        assert_eq!(
            (postgres.get_user(), postgres.get_dbname()),
            (Some("authenticator"), Some("postgres"))
        );
        assert_eq!(
            postgres.get_hosts(),
            [tokio_postgres::config::Host::Unix("/tmp/data".into())]
        );
        let refused = settings(&["--postgres-url", "mysql://a:secret@b/c"], &[]).unwrap_err();
        assert!(refused.contains("--postgres-url") && !refused.contains("secret"));
    }

    #[test]
    fn refuses_what_it_does_not_understand_and_says_why() {
        assert!(
            settings(&["--prot", "1"], &[])
                .unwrap_err()
                .contains("unknown argument --prot")
        );
        assert!(
            settings(&["--token"], &[])
                .unwrap_err()
                .contains("needs a value")
        );
        assert!(
            settings(&[], &[("AUTHFLOW_BRIDGE_PORT", "70000")])
                .unwrap_err()
                .contains("is not a port")
        );
        assert!(
            !settings(&["--redis-url", "http://:secret@x"], &[])
                .unwrap_err()
                .contains("secret")
        );
    }
}
