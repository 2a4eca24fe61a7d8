//! The gateway's configuration, read once per isolate.

use core::time::Duration;
use std::rc::Rc;

use authflow_shared::{
    config::{self, Common, Fault, Reader, Variables, shown},
    rate_limit::Quota,
    readiness::Readiness,
    redirect::split_origin,
    session::database::Settings,
};

use crate::{
    canonical::CanonicalRequest,
    jwks::AssertionKeys,
    routes::{self, RouteTable},
    signin_page,
};

/// The service's name in log lines.
pub(crate) const SERVICE: &str = "verify";

/// The default of `GATEWAY_LIMIT`.
const GATEWAY_LIMIT: u64 = 6_000;

/// Everything the gateway is configured with.
#[derive(Debug)]
pub struct Config {
    /// What both workers need.
    pub common: Common,
    /// Where sessions are looked for while Redis is away: `SUPABASE_URL`, `SUPABASE_SERVICE_ROLE_KEY`,
    /// `DATABASE_FALLBACK`, `DATABASE_TIMEOUT_MS`.
    pub database: Option<Rc<Settings>>,
    /// `ROUTES`.
    pub routes: RouteTable,
    /// `PUBLIC_HOSTS`: hosts with port under which people reach the gateway; empty for any.
    pub public_hosts: Vec<String>,
    /// The limit that every client address has.
    pub limit: AddressLimit,
    /// `ASSERTION_KEYS`; without them origins get no assertion.
    pub assertion: Option<AssertionKeys>,
    /// Where the page is asked for that stands in for the sign-in page.
    pub signin_page: Option<signin_page::Source>,
    /// `SESSION_CACHE_MS`: how long an isolate remembers a session.
    pub session_cache: Duration,
    /// `SERVER_TIMING`: whether answers tell how long their parts took.
    pub server_timing: bool,
    /// How what this isolate needs was of late.
    pub(crate) readiness: Readiness,
}

/// How often one address may come.
#[derive(Clone, Debug)]
pub struct AddressLimit {
    /// `GATEWAY_LIMIT`, requests a minute; `None` if it is 0.
    pub quota: Option<Quota>,
    /// `GATEWAY_LIMIT_BINDING`: the platform's limiter that counts too.
    pub binding: Option<Rc<str>>,
}

impl Config {
    /// Whether the gateway answers under the host of `request`.
    pub fn serves(&self, request: &CanonicalRequest) -> bool {
        let hosts = &self.public_hosts;
        let is_named = |name: &str| hosts.iter().any(|host| host.eq_ignore_ascii_case(name));
        hosts.is_empty() || is_named(request.host()) || is_named(request.authority())
    }

    /// Reads the worker's variables.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn read(variables: &Variables) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(variables);
        let common = Common::read(&mut reader, SERVICE);
        let database = database(&mut reader, common.as_ref());
        let routes = reader
            .required("ROUTES")
            .map(routes::parse)
            .and_then(|routes| match routes {
                Ok(routes) => Some(routes),
                Err(faults) => {
                    for fault in faults {
                        reader.fault("ROUTES", fault);
                    }
                    None
                }
            });
        let public_hosts = public_hosts(&mut reader);
        let limit = AddressLimit::read(&mut reader);
        let assertion = assertion_keys(&mut reader);
        let signin_page = signin_page::Source::read(&mut reader, common.as_ref());
        let session_cache = Duration::from_millis(reader.number("SESSION_CACHE_MS", 0, 0..=5_000));
        let server_timing = reader.number("SERVER_TIMING", 0, 0..=1) == 1;
        let config = common.zip(routes).map(|(common, routes)| Self {
            common,
            database,
            routes,
            public_hosts,
            limit,
            assertion,
            signin_page,
            session_cache,
            server_timing,
            readiness: Readiness::read(&reader),
        });
        reader.finish(config)
    }
}

impl AddressLimit {
    fn read(reader: &mut Reader<'_>) -> Self {
        let requests = reader.number("GATEWAY_LIMIT", GATEWAY_LIMIT, 0..=1_000_000);
        Self {
            quota: (requests > 0).then_some(Quota {
                requests,
                window: Duration::from_mins(1),
            }),
            binding: reader.word("GATEWAY_LIMIT_BINDING").map(Rc::from),
        }
    }
}

fn database(reader: &mut Reader<'_>, common: Option<&Common>) -> Option<Rc<Settings>> {
    let has_key = reader.optional("SUPABASE_SERVICE_ROLE_KEY").is_some();
    let url = match reader.optional("SUPABASE_URL") {
        Some(_) => reader.base_url("SUPABASE_URL"),
        None => None,
    };
    if has_key && url.is_none() && reader.optional("SUPABASE_URL").is_none() {
        let problem = "is missing; SUPABASE_SERVICE_ROLE_KEY is of no use without it";
        reader.fault("SUPABASE_URL", problem);
    }
    config::database::read(reader, common, url.as_deref())
}

fn assertion_keys(reader: &mut Reader<'_>) -> Option<AssertionKeys> {
    match AssertionKeys::parse(reader.optional("ASSERTION_KEYS")?) {
        Ok(keys) => Some(keys),
        Err(faults) => {
            for fault in faults {
                reader.fault("ASSERTION_KEYS", fault);
            }
            None
        }
    }
}

fn public_hosts(reader: &mut Reader<'_>) -> Vec<String> {
    let mut hosts = Vec::new();
    for host in reader.list("PUBLIC_HOSTS") {
        if split_origin(&format!("https://{host}")).is_some_and(|(_, rest)| rest.is_empty()) {
            hosts.push(host.to_ascii_lowercase());
        } else {
            let problem = format!(
                "\"{}\" is no host such as app.example.com:8443",
                shown(host)
            );
            reader.fault("PUBLIC_HOSTS", problem);
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use authflow_shared::config::{parse_variables, variables};

    use super::*;

    #[test]
    fn faults_of_routes_and_of_variables_come_together() {
        let mut variables = variables();
        variables.insert("ROUTES".into(), "[]".into());
        variables.insert("SESSION_SECRET".into(), String::new());
        let faults = Config::read(&variables).unwrap_err();
        let names: Vec<_> = faults.iter().map(|fault| fault.name).collect();
        assert_eq!(names, ["SESSION_SECRET", "ROUTES"]);
    }

    #[test]
    fn rejects_public_hosts_that_are_no_hosts() {
        for value in ["https://a.test", "[\"a.test\"]", "a.test/x", "a test"] {
            let mut variables = variables();
            variables.insert("PUBLIC_HOSTS".into(), value.into());
            assert_eq!(Config::read(&variables).unwrap_err().len(), 1, "{value}");
        }
    }

    #[test]
    fn a_variable_that_was_no_text_is_read_or_found_faulty_but_never_overlooked() {
        let json = r#"{"SESSION_TTL_SECONDS":"900","PUBLIC_HOSTS":"[\"a.test\"]"}"#;
        let mut read = parse_variables(json);
        assert_eq!(read.get("SESSION_TTL_SECONDS").unwrap(), "900");
        read.extend(variables());
        assert_eq!(Config::read(&read).unwrap_err().len(), 1);
        read.insert("PUBLIC_HOSTS".into(), "a.test".into());
        assert_eq!(Config::read(&read).unwrap().common.lifetimes.session, 900);
    }

    #[test]
    fn the_database_needs_its_address_and_its_key_and_can_be_left_out() {
        let read = |changes: &[(&str, &str)]| {
            let mut variables = variables();
            for (name, value) in changes {
                variables.insert((*name).to_owned(), (*value).to_owned());
            }
            Config::read(&variables)
        };
        let key = ("SUPABASE_SERVICE_ROLE_KEY", "key");
        assert!(read(&[]).unwrap().database.is_none(), "no key");
        let settings = read(&[key]).unwrap().database.unwrap();
        assert_eq!(settings.url, "https://supabase.test");
        assert_eq!(settings.timeout, Duration::from_secs(1));
        let without_address = read(&[key, ("SUPABASE_URL", "")]).unwrap_err();
        assert_eq!(without_address[0].name, "SUPABASE_URL");
        let off = [key, ("DATABASE_FALLBACK", "0")];
        assert!(read(&off).unwrap().database.is_none());
        for (name, value) in [
            ("SUPABASE_URL", "supabase"),
            ("SUPABASE_SERVICE_ROLE_KEY", "a b"),
            ("DATABASE_FALLBACK", "yes"),
            ("DATABASE_TIMEOUT_MS", "1"),
        ] {
            let faults = read(&[key, (name, value)]).unwrap_err();
            assert_eq!(faults.len(), 1, "{name}={value}");
            assert_eq!(faults[0].name, name);
        }
    }

    #[test]
    fn public_hosts_are_compared_without_case() {
        let mut variables = variables();
        variables.insert("PUBLIC_HOSTS".into(), "App.Test, b.test:8443".into());
        assert_eq!(
            Config::read(&variables).unwrap().public_hosts,
            ["app.test", "b.test:8443"]
        );
    }
}
