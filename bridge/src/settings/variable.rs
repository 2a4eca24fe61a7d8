//! The variables, each with what it is for.

/// A variable: its name, what it is without being set, and what it is for.
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) default: &'static str,
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

pub(super) const LISTEN: Variable = Variable::new(
    "BRIDGE_LISTEN",
    "0.0.0.0:8079",
    "address and port to listen on",
);
pub(super) const TOKEN: Variable = Variable::secret(
    "BRIDGE_TOKEN",
    "what the workers have as UPSTASH_REDIS_REST_TOKEN; several by commas while it is rotated; 24 characters or more each",
);
pub(super) const METRICS_TOKEN: Variable = Variable::secret(
    "METRICS_TOKEN",
    "who sends it may read /metrics; without it, that is not there",
);
pub(super) const REDIS_URL: Variable = Variable::new(
    "REDIS_URL",
    "",
    "redis://host:6379/0, or rediss:// for TLS; without a password in it",
);
pub(super) const REDIS_USERNAME: Variable =
    Variable::new("REDIS_USERNAME", "", "ACL user; the default one without it");
pub(super) const REDIS_PASSWORD: Variable =
    Variable::secret("REDIS_PASSWORD", "the user's password");
pub(super) const REDIS_CA_FILE: Variable = Variable::new(
    "REDIS_CA_FILE",
    "",
    "PEM file of who signed Redis's certificate; without it, the authorities that browsers trust",
);
pub(super) const REDIS_CERT_FILE: Variable = Variable::new(
    "REDIS_CERT_FILE",
    "",
    "PEM file of the bridge's own certificate, where Redis asks for one",
);
pub(super) const REDIS_KEY_FILE: Variable =
    Variable::new("REDIS_KEY_FILE", "", "PEM file of that certificate's key");
pub(super) const SENTINELS: Variable = Variable::new(
    "REDIS_SENTINELS",
    "",
    "host:26379,host:26379: the Sentinels to ask for Redis, in place of REDIS_URL",
);
pub(super) const SENTINEL_MASTER: Variable =
    Variable::new("REDIS_SENTINEL_MASTER", "", "the name they watch it under");
pub(super) const SENTINEL_USERNAME: Variable =
    Variable::new("REDIS_SENTINEL_USERNAME", "", "ACL user of the Sentinels");
pub(super) const SENTINEL_PASSWORD: Variable = Variable::secret(
    "REDIS_SENTINEL_PASSWORD",
    "their password, if they ask for one",
);
pub(super) const SENTINEL_TLS: Variable = Variable::new(
    "REDIS_SENTINEL_TLS",
    "0",
    "1 speaks TLS to the Sentinels and to the Redis they name",
);
pub(super) const SENTINEL_DATABASE: Variable = Variable::new(
    "REDIS_SENTINEL_DATABASE",
    "0",
    "number of the database in the Redis they name",
);
pub(super) const CONNECTIONS: Variable = Variable::new(
    "BRIDGE_CONNECTIONS",
    "4",
    "connections to Redis that all requests share, 1 to 64",
);
pub(super) const MAX_IN_FLIGHT: Variable = Variable::new(
    "BRIDGE_MAX_IN_FLIGHT",
    "1000",
    "requests on their way at once, 1 to 100000; past it 503",
);
pub(super) const MAX_BODY: Variable = Variable::new(
    "BRIDGE_MAX_BODY_BYTES",
    "1048576",
    "the largest body of a request, 1024 to 52428800; there is memory for 64 of them",
);
pub(super) const TIMEOUT: Variable = Variable::new(
    "REDIS_TIMEOUT_MS",
    "1000",
    "how long Redis may take to answer, 10 to 60000",
);
pub(super) const DRAIN: Variable = Variable::new(
    "BRIDGE_DRAIN_SECONDS",
    "10",
    "how long a stop may take, 0 to 600; half of it, 5 s at most, to be noticed",
);
pub(super) const LOG_LEVEL: Variable =
    Variable::new("LOG_LEVEL", "info", "debug, info, warn or error");

pub(super) const VARIABLES: [&Variable; 21] = [
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
