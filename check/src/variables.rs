//! Which variables the workers read. scripts/common/secret-names.mjs says more of the secrets among them; tests hold the two,
//! and whoever else lists them, to this.

/// A worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Worker {
    /// The gateway.
    #[default]
    Verify,
    /// Sign-in.
    Auth,
}

/// A variable that a worker reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// `None` for both.
    reader: Option<Worker>,
    pub(crate) is_secret: bool,
    /// Whether the workers work together if it is not the same in both.
    pub(crate) may_differ: bool,
    /// The variable without which this one means nothing.
    pub(crate) belongs_to: Option<&'static str>,
    /// A value without fault, with which the others are checked if this one is missing or faulty.
    /// A variable that has none may be missing.
    pub(crate) stand_in: Option<&'static str>,
}

/// All of them.
pub(crate) const VARIABLES: &[Variable] = &[
    Variable::new("GATEWAY_URL").stand_in("https://stand-in.invalid"),
    Variable::new("AUTH_URL").stand_in("https://stand-in.invalid"),
    Variable::new("UPSTASH_REDIS_REST_URL").stand_in("https://stand-in.invalid"),
    Variable::new("UPSTASH_REDIS_REST_TOKEN")
        .secret()
        .stand_in("stand-in"),
    Variable::new("SESSION_SECRET").secret().stand_in(SECRET),
    Variable::new("FINGERPRINT_SECRET")
        .secret()
        .stand_in(SECRET),
    Variable::new("FINGERPRINT_FACTORS"),
    Variable::new("FINGERPRINT_MODE"),
    Variable::new("REDIRECT_ORIGINS"),
    Variable::new("CLIENT_IP_HEADER"),
    Variable::new("CLIENT_IP_FALLBACK"),
    Variable::new("SESSION_TTL_SECONDS"),
    Variable::new("SESSION_MAX_SECONDS"),
    Variable::new("DEVICE_TTL_SECONDS"),
    // Without fault beside every SESSION_TTL_SECONDS.
    Variable::new("USER_ID_TTL_SECONDS").stand_in("31536000"),
    Variable::new("USER_PROFILE_TTL_SECONDS"),
    Variable::new("REDIS_TIMEOUT_MS").may_differ(),
    Variable::new("BREAKER_FAILURES").may_differ(),
    Variable::new("BREAKER_OPEN_MS").may_differ(),
    Variable::new("SUPABASE_URL").stand_in("https://stand-in.invalid"),
    // Each worker may have one of its own, which can be taken back by itself.
    Variable::new("SUPABASE_SERVICE_ROLE_KEY")
        .secret()
        .may_differ(),
    Variable::new("DATABASE_FALLBACK"),
    Variable::new("DATABASE_TIMEOUT_MS").may_differ(),
    Variable::new("LOG_LEVEL").may_differ(),
    Variable::new("METRICS_TOKEN").secret().may_differ(),
    Variable::new("OTLP_URL").may_differ(),
    Variable::new("OTLP_HEADERS")
        .secret()
        .may_differ()
        .belongs_to("OTLP_URL"),
    Variable::new("TRACE_ONE_IN"),
    Variable::new("TELEMETRY_DELAY_MS").may_differ(),
    Variable::new("AUDIT_DATASET").may_differ(),
    Variable::of(Worker::Verify, "ROUTES").stand_in(ROUTES),
    Variable::of(Worker::Verify, "AUTH_BINDING"),
    Variable::of(Worker::Verify, "PUBLIC_HOSTS"),
    Variable::of(Worker::Verify, "SERVER_TIMING"),
    Variable::of(Worker::Verify, "SESSION_CACHE_MS"),
    Variable::of(Worker::Verify, "GATEWAY_LIMIT"),
    Variable::of(Worker::Verify, "GATEWAY_LIMIT_BINDING"),
    Variable::of(Worker::Verify, "ASSERTION_KEYS").secret(),
    Variable::of(Worker::Auth, "SUPABASE_ANON_KEY")
        .secret()
        .stand_in("stand-in"),
    Variable::of(Worker::Auth, "SUPABASE_TIMEOUT_MS"),
    Variable::of(Worker::Auth, "FERNET_KEYS")
        .secret()
        .stand_in(SECRET),
    Variable::of(Worker::Auth, "ANSWER_FLOOR_MS"),
    Variable::of(Worker::Auth, "SIGNIN_LIMIT_ACCOUNT"),
    Variable::of(Worker::Auth, "SIGNIN_LIMIT_ADDRESS"),
    Variable::of(Worker::Auth, "SIGNIN_DELAY_MS"),
    Variable::of(Worker::Auth, "SIGNUP_LIMIT_ACCOUNT"),
    Variable::of(Worker::Auth, "SIGNUP_LIMIT_ADDRESS"),
    Variable::of(Worker::Auth, "FORGOT_LIMIT_ACCOUNT"),
    Variable::of(Worker::Auth, "FORGOT_LIMIT_ADDRESS"),
    Variable::of(Worker::Auth, "RESEND_LIMIT_ACCOUNT"),
    Variable::of(Worker::Auth, "RESEND_LIMIT_ADDRESS"),
    Variable::of(Worker::Auth, "CODE_LIMIT_ACCOUNT"),
    Variable::of(Worker::Auth, "CODE_LIMIT_ADDRESS"),
    Variable::of(Worker::Auth, "ADMIN_AAL"),
    Variable::of(Worker::Auth, "NEW_DEVICE_HOOK_URL"),
    Variable::of(Worker::Auth, "NEW_DEVICE_HOOK_SECRET")
        .secret()
        .belongs_to("NEW_DEVICE_HOOK_URL")
        .stand_in(HOOK_SECRET),
    Variable::of(Worker::Auth, "OAUTH_PROVIDERS"),
    Variable::of(Worker::Auth, "LANGUAGES"),
    Variable::of(Worker::Auth, "TEXTS"),
    Variable::of(Worker::Auth, "BRAND_NAME"),
    Variable::of(Worker::Auth, "BRAND_LOGO_URL"),
    Variable::of(Worker::Auth, "BRAND_COLOR"),
    Variable::of(Worker::Auth, "PHONE_FACTORS"),
];

/// 32 bytes in base64url, all zero.
const SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const HOOK_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const ROUTES: &str = r#"[{"id":"stand-in","path":"/*","upstream":"https://stand-in.invalid"}]"#;

// === impl Worker ===

impl Worker {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Verify, Self::Auth];

    /// The name, which is that of its environment in production too.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Auth => "auth",
        }
    }
}

// === impl Variable ===

impl Variable {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            reader: None,
            is_secret: false,
            may_differ: false,
            belongs_to: None,
            stand_in: None,
        }
    }

    const fn of(worker: Worker, name: &'static str) -> Self {
        Self {
            reader: Some(worker),
            ..Self::new(name)
        }
    }

    const fn secret(self) -> Self {
        Self {
            is_secret: true,
            ..self
        }
    }

    const fn may_differ(self) -> Self {
        Self {
            may_differ: true,
            ..self
        }
    }

    const fn belongs_to(self, name: &'static str) -> Self {
        Self {
            belongs_to: Some(name),
            ..self
        }
    }

    const fn stand_in(self, value: &'static str) -> Self {
        Self {
            stand_in: Some(value),
            ..self
        }
    }

    /// The variable `name`, if anybody reads it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        VARIABLES.iter().copied().find(|known| known.name == name)
    }

    /// Whether `worker` reads it.
    pub(crate) fn is_read_by(self, worker: Worker) -> bool {
        self.reader.is_none_or(|reader| reader == worker)
    }

    /// Whether both workers read it.
    pub(crate) fn is_read_by_both(self) -> bool {
        self.reader.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The names in the first column of the tables of variables.
    fn documented() -> BTreeSet<&'static str> {
        let rows = include_str!("../../docs/CONFIGURATION.md").lines();
        let names = rows.filter_map(|line| line.strip_prefix("| `")?.split('|').next());
        let names = names.flat_map(|column| column.split('`').step_by(2));
        let is_variable = |name: &&str| name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        names.filter(is_variable).collect()
    }

    #[test]
    fn the_variables_are_those_of_the_documentation() {
        let known: BTreeSet<_> = VARIABLES.iter().map(|variable| variable.name).collect();
        assert_eq!(documented(), known);
    }
}
