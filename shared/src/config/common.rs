//! What both workers are configured with.

use core::time::Duration;
use std::rc::Rc;

use super::{Reader, shown};
use crate::{
    breaker,
    client_ip::{self, ClientIp},
    dependency::Dependency,
    fingerprint::{Factor, Fingerprinter, Mode},
    log::Level,
    redirect::{Origin, Targets},
    redis,
    session::{TokenKeys, renewals::Renewals},
    telemetry::{self, Collector, Exports, Telemetry},
    timestamp::millis,
};

/// The longest lifetime that can be set, in seconds.
const YEAR: u64 = 31_536_000;
/// How long Redis may take for what nobody waits for.
const METRICS_TIMEOUT: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Clone, Debug)]
pub struct Common {
    /// `UPSTASH_REDIS_REST_URL`, `UPSTASH_REDIS_REST_TOKEN`, `REDIS_TIMEOUT_MS`.
    pub redis: Rc<redis::Settings>,
    /// `SESSION_SECRET`.
    pub token_keys: TokenKeys,
    /// `FINGERPRINT_SECRET`, `FINGERPRINT_FACTORS`, `FINGERPRINT_MODE`.
    pub fingerprinter: Fingerprinter,
    /// `AUTH_URL`: where people sign in.
    pub auth_url: Origin,
    /// `GATEWAY_URL`, which relative targets are resolved against, and `REDIRECT_ORIGINS`.
    pub targets: Targets,
    /// `CLIENT_IP_HEADER`, `CLIENT_IP_FALLBACK`.
    pub client_ip: client_ip::Source,
    /// How long things are kept.
    pub lifetimes: Lifetimes,
    /// The sessions that this isolate let live on.
    pub renewals: Rc<Renewals>,
    /// `LOG_LEVEL`.
    pub log_level: Level,
    /// `BREAKER_FAILURES`, `BREAKER_OPEN_MS`: of every dependency.
    pub breaker: breaker::Settings,
    /// What an operator sees of this isolate: `METRICS_TOKEN`, `TRACE_ONE_IN`, `TELEMETRY_DELAY_MS`.
    pub telemetry: Rc<Telemetry>,
    /// Where that goes: Redis, and `OTLP_URL`, `OTLP_HEADERS`.
    pub exports: Exports,
}

/// How long things are kept in Redis, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// `SESSION_TTL_SECONDS`: a session that is not used.
    pub session: u64,
    /// `SESSION_MAX_SECONDS`: a session that is used all the time.
    pub session_max: u64,
    /// `DEVICE_TTL_SECONDS`: the list of a user's devices.
    pub device: u64,
    /// `USER_ID_TTL_SECONDS`: whose session it was.
    pub user_id: u64,
    /// `USER_PROFILE_TTL_SECONDS`: a user's profile.
    pub user_profile: u64,
}

impl Common {
    /// Reads everything for the worker `service`; `None` after a fault.
    pub fn read(reader: &mut Reader<'_>, service: &'static str) -> Option<Self> {
        let redis_url = reader.base_url("UPSTASH_REDIS_REST_URL");
        let redis_token = reader.token("UPSTASH_REDIS_REST_TOKEN");
        let redis_timeout = reader.number("REDIS_TIMEOUT_MS", 300, 10..=10_000);
        let token_keys = reader
            .secrets("SESSION_SECRET")
            .map(|(first, others)| TokenKeys::new(&first, &others));
        let fingerprinter = fingerprinter(reader);
        let gateway_url = reader.origin("GATEWAY_URL");
        let auth_url = reader.origin("AUTH_URL");
        let allowed = redirect_origins(reader);
        let client_ip = client_ip_source(reader);
        let lifetimes = Lifetimes::read(reader);
        let log_level = log_level(reader);
        let breaker = breaker_settings(reader);
        let settings = telemetry::Settings::read(reader);
        let telemetry = Telemetry::new(service, log_level, settings);
        let otlp = Collector::read(reader)
            .map(|it| it.settings(Dependency::new("otlp", breaker, &telemetry)));
        let redis = redis::Settings {
            url: redis_url?,
            token: redis_token?,
            timeout: Duration::from_millis(redis_timeout),
            dependency: Dependency::new("redis", breaker, &telemetry),
        };
        // A trouble with the metrics is none of people's.
        let for_metrics = redis::Settings {
            timeout: redis.timeout.max(METRICS_TIMEOUT),
            dependency: Dependency::new("metrics", breaker, &telemetry),
            ..redis.clone()
        };

        let (gateway_url, auth_url) = (gateway_url?, auth_url?);
        let allowed = allowed.unwrap_or_else(|| vec![gateway_url.clone(), auth_url.clone()]);
        Some(Self {
            exports: Exports {
                redis: Rc::new(for_metrics),
                otlp,
            },
            redis: Rc::new(redis),
            token_keys: token_keys?,
            fingerprinter: fingerprinter?,
            targets: Targets {
                base: gateway_url,
                allowed,
            },
            auth_url,
            client_ip,
            lifetimes,
            renewals: Renewals::new(lifetimes.session),
            log_level,
            breaker,
            telemetry,
        })
    }

    /// The dependency `name`, as this isolate is to know it.
    pub fn dependency(&self, name: &str) -> Rc<Dependency> {
        Dependency::new(name, self.breaker, &self.telemetry)
    }
}

impl Lifetimes {
    fn read(reader: &mut Reader<'_>) -> Self {
        let lifetimes = Self {
            session: reader.number("SESSION_TTL_SECONDS", 3600, 1..=YEAR),
            session_max: reader.number("SESSION_MAX_SECONDS", 86_400, 1..=YEAR),
            device: reader.number("DEVICE_TTL_SECONDS", 86_400, 1..=YEAR),
            user_id: reader.number("USER_ID_TTL_SECONDS", 7200, 1..=YEAR),
            user_profile: reader.number("USER_PROFILE_TTL_SECONDS", 1800, 1..=YEAR),
        };
        if lifetimes.user_id < lifetimes.session {
            reader.fault(
                "USER_ID_TTL_SECONDS",
                "is below SESSION_TTL_SECONDS; a late sign-out would not find its owner",
            );
        }
        lifetimes
    }
}

fn breaker_settings(reader: &mut Reader<'_>) -> breaker::Settings {
    let default = breaker::Settings::default();
    let failures = reader.number("BREAKER_FAILURES", default.failures.into(), 0..=1000);
    let open = reader.number("BREAKER_OPEN_MS", millis(default.open), 100..=600_000);
    breaker::Settings {
        failures: u32::try_from(failures).unwrap_or(default.failures),
        open: Duration::from_millis(open),
    }
}

fn fingerprinter(reader: &mut Reader<'_>) -> Option<Fingerprinter> {
    let secrets = reader.secrets("FINGERPRINT_SECRET");
    let mut factors = Vec::new();
    for name in reader.list("FINGERPRINT_FACTORS") {
        match Factor::ALL
            .into_iter()
            .find(|factor| factor.as_str() == name)
        {
            Some(factor) => factors.push(factor),
            None => reader.fault(
                "FINGERPRINT_FACTORS",
                format!("\"{name}\" is none of ip, user_agent, language, client_hints"),
            ),
        }
    }
    if factors.is_empty() {
        factors = Factor::ALL.to_vec();
    }
    if factors == [Factor::ClientHints] {
        reader.fault(
            "FINGERPRINT_FACTORS",
            "must name more than client_hints: browsers send none with a WebSocket, and every \
             device would be the same then",
        );
    }
    let mode = reader.optional("FINGERPRINT_MODE").map(Mode::parse);
    if mode == Some(None) {
        reader.fault("FINGERPRINT_MODE", "must be strict or graded");
    }
    let (first, others) = secrets?;
    let mode = mode.flatten().unwrap_or_default();
    Some(Fingerprinter::new(&first, &others, &factors, mode))
}

fn redirect_origins(reader: &mut Reader<'_>) -> Option<Vec<Origin>> {
    reader.optional("REDIRECT_ORIGINS")?;
    let mut origins = Vec::new();
    for text in reader.list("REDIRECT_ORIGINS") {
        match Origin::parse(text) {
            Some(origin) => origins.push(origin),
            None => reader.fault(
                "REDIRECT_ORIGINS",
                format!(
                    "\"{}\" is no origin such as https://app.example.com",
                    shown(text)
                ),
            ),
        }
    }
    Some(origins)
}

fn client_ip_source(reader: &mut Reader<'_>) -> client_ip::Source {
    let header = reader
        .optional("CLIENT_IP_HEADER")
        .unwrap_or("CF-Connecting-IP");
    let fallback = reader.optional("CLIENT_IP_FALLBACK").and_then(|text| {
        let ip = ClientIp::parse(text);
        if ip.is_none() {
            reader.fault(
                "CLIENT_IP_FALLBACK",
                "must be an IP address, on a developer's machine",
            );
        }
        ip
    });
    client_ip::Source {
        header: header.to_ascii_lowercase(),
        fallback,
    }
}

fn log_level(reader: &mut Reader<'_>) -> Level {
    match reader.optional("LOG_LEVEL").map(str::parse) {
        None => Level::default(),
        Some(Ok(level)) => level,
        Some(Err(())) => {
            reader.fault("LOG_LEVEL", "must be debug, info, warn or error");
            Level::default()
        }
    }
}

#[cfg(any(test, feature = "fake"))]
pub use fake::variables;

#[cfg(any(test, feature = "fake"))]
mod fake {
    use crate::config::Variables;

    /// Variables under which both workers start, for tests.
    pub fn variables() -> Variables {
        [
            ("UPSTASH_REDIS_REST_URL", "http://redis.test"),
            ("UPSTASH_REDIS_REST_TOKEN", "token"),
            ("SESSION_SECRET", "session-secret-of-thirty-two-chars"),
            ("FINGERPRINT_SECRET", "finger-secret-of-thirty-two-chars"),
            ("FERNET_KEYS", "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="),
            ("GATEWAY_URL", "https://app.test"),
            ("AUTH_URL", "https://app.test"),
            ("SUPABASE_URL", "https://supabase.test"),
            ("SUPABASE_ANON_KEY", "anon"),
            (
                "ROUTES",
                r#"[{"id":"app","path":"/app/*","upstream":"http://origin.test"},
                    {"id":"public","path":"/public/*","upstream":"http://origin.test","access":"public"}]"#,
            ),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong after `change`.
    fn faults(changes: &[(&str, &str)]) -> Vec<String> {
        let mut variables = variables();
        for (name, value) in changes {
            variables.insert((*name).to_owned(), (*value).to_owned());
        }
        let mut reader = Reader::new(&variables);
        let common = Common::read(&mut reader, "test");
        let faults = reader.finish(common).err().unwrap_or_default();
        faults.iter().map(|fault| fault.name.to_owned()).collect()
    }

    #[test]
    fn the_defaults_need_no_more_than_the_required_variables() {
        assert_eq!(faults(&[]), [""; 0]);
    }

    #[test]
    fn each_secret_of_ours_may_be_several() {
        for name in ["SESSION_SECRET", "FINGERPRINT_SECRET"] {
            let two = "a-new-secret-of-thirty-two-chars!,the-old-one-of-thirty-two-chars!!";
            assert_eq!(faults(&[(name, two)]), [""; 0], "{name}");
        }
    }

    #[test]
    fn both_modes_of_fingerprints_are_taken() {
        for mode in ["strict", "graded"] {
            assert_eq!(faults(&[("FINGERPRINT_MODE", mode)]), [""; 0]);
        }
    }

    #[test]
    fn each_bad_value_is_named() {
        for (name, value) in [
            ("UPSTASH_REDIS_REST_URL", "redis://x"),
            ("UPSTASH_REDIS_REST_TOKEN", ""),
            ("REDIS_TIMEOUT_MS", "fast"),
            ("SESSION_SECRET", "short"),
            ("FINGERPRINT_SECRET", ""),
            (
                "FINGERPRINT_SECRET",
                "finger-secret-of-thirty-two-chars,short",
            ),
            ("FINGERPRINT_FACTORS", "ip,shoe_size"),
            ("FINGERPRINT_MODE", "off"),
            ("GATEWAY_URL", "https://app.test/path"),
            ("AUTH_URL", "app.test"),
            ("REDIRECT_ORIGINS", "https://a.test,*"),
            ("CLIENT_IP_FALLBACK", "localhost"),
            ("SESSION_TTL_SECONDS", "0"),
            ("USER_ID_TTL_SECONDS", "60"),
            ("LOG_LEVEL", "loud"),
            ("BREAKER_FAILURES", "-1"),
            ("BREAKER_OPEN_MS", "0"),
            ("METRICS_TOKEN", "a b"),
            ("TRACE_ONE_IN", "0.1"),
            ("TELEMETRY_DELAY_MS", "60000"),
            ("OTLP_URL", "collector:4318"),
        ] {
            assert_eq!(faults(&[(name, value)]), [name], "{name}={value}");
        }
    }

    #[test]
    fn a_header_for_the_collector_is_a_name_and_a_value() {
        for (value, fault) in [
            ("authorization=Basic YTpi,x-team=1", false),
            ("authorization", true),
            ("=x", true),
            ("a b=x", true),
            ("x=", true),
            ("x=\u{e9}", true),
        ] {
            let url = ("OTLP_URL", "https://otlp.test");
            let expected: &[&str] = if fault { &["OTLP_HEADERS"] } else { &[] };
            assert_eq!(faults(&[url, ("OTLP_HEADERS", value)]), expected, "{value}");
        }
    }

    #[test]
    fn faults_of_several_variables_come_together() {
        let found = faults(&[("SESSION_SECRET", ""), ("LOG_LEVEL", "x"), ("AUTH_URL", "")]);
        assert_eq!(found, ["SESSION_SECRET", "AUTH_URL", "LOG_LEVEL"]);
    }
}
