//! One worker as it would be deployed, read by its own parser.

use authflow_auth::config as auth;
use authflow_shared::config::{Common, Fault, Variables};
use authflow_verify::{
    config as verify,
    routes::{Route, RouteTable},
};

use crate::{
    key_pairs,
    variables::{VARIABLES, Variable, Worker},
    wrangler::Environment,
};

/// See the module.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) worker: Worker,
    pub(crate) environment: Environment,
    /// All that was given.
    pub(crate) given: Variables,
    pub(crate) faults: Vec<Fault>,
    /// Secrets that the worker needs and that were not given.
    pub(crate) secrets_to_set: Vec<&'static str>,
    /// What the worker reads, with something else in the place of what is faulty or missing.
    config: Option<Config>,
}

#[derive(Debug)]
enum Config {
    Verify(Box<verify::Config>),
    Auth(Box<auth::Config>),
}

impl Setup {
    /// Reads a worker; `overrides` go before what its environment says.
    pub(crate) fn read(worker: Worker, environment: Environment, overrides: &Variables) -> Self {
        let mut given = environment.vars.clone();
        given.extend(overrides.clone());
        given.retain(|_, value| !value.trim().is_empty());

        let mut variables = given.clone();
        let mut secrets_to_set = Vec::new();
        for known in VARIABLES {
            if known.is_secret
                && known.is_read_by(worker)
                && !given.contains_key(known.name)
                && known.belongs_to.is_none_or(|name| given.contains_key(name))
                && let Some(value) = known.stand_in
            {
                variables.insert(known.name.to_owned(), value.to_owned());
                secrets_to_set.push(known.name);
            }
        }
        let (config, mut faults) = match Config::read(worker, &variables) {
            Ok(config) => (Some(config), Vec::new()),
            Err(faults) => {
                mend(&mut variables, &faults);
                (Config::read(worker, &variables).ok(), faults)
            }
        };
        if let (Worker::Verify, Some(keys)) = (worker, given.get("ASSERTION_KEYS")) {
            faults.extend(key_pairs::faults(keys).into_iter().map(|problem| Fault {
                name: "ASSERTION_KEYS",
                problem,
            }));
        }
        Self {
            worker,
            environment,
            given,
            faults,
            secrets_to_set,
            config,
        }
    }

    /// What both workers need.
    pub(crate) fn common(&self) -> Option<&Common> {
        self.config.as_ref().map(|config| match config {
            Config::Verify(config) => &config.common,
            Config::Auth(config) => &config.common,
        })
    }

    /// The gateway's configuration; `None` for the other worker.
    pub(crate) fn gateway(&self) -> Option<&verify::Config> {
        match &self.config {
            Some(Config::Verify(config)) => Some(config),
            _ => None,
        }
    }

    /// The gateway's routes, the most specific first; none where they are faulty.
    pub(crate) fn routes(&self) -> &[Route] {
        let is_faulty = |name| self.faults.iter().any(|fault| fault.name == name);
        self.gateway()
            .filter(|_| !is_faulty("ROUTES"))
            .map(|config| &config.routes)
            .map_or(&[], RouteTable::routes)
    }
}

impl Config {
    fn read(worker: Worker, variables: &Variables) -> Result<Self, Vec<Fault>> {
        match worker {
            Worker::Verify => verify::Config::read(variables)
                .map(Box::new)
                .map(Self::Verify),
            Worker::Auth => auth::Config::read(variables).map(Box::new).map(Self::Auth),
        }
    }
}

/// Puts something without fault in the place of what has one.
fn mend(variables: &mut Variables, faults: &[Fault]) {
    for Fault { name, .. } in faults {
        match Variable::named(name).and_then(|known| known.stand_in) {
            Some(value) => variables.insert((*name).to_owned(), value.to_owned()),
            None => variables.remove(name),
        };
    }
}

#[cfg(test)]
mod tests {
    use authflow_shared::config::variables;

    use super::*;

    /// A worker whose variables are those of the tests with `changes`; an empty one is not given.
    fn read(worker: Worker, changes: &[(&str, &str)]) -> Setup {
        let mut variables = variables();
        variables.extend(
            changes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        Setup::read(worker, Environment::default(), &variables)
    }

    fn names(setup: &Setup) -> Vec<&str> {
        setup.faults.iter().map(|fault| fault.name).collect()
    }

    #[test]
    fn a_secret_that_is_missing_is_listed_and_hides_no_fault() {
        let given = [
            ("SESSION_SECRET", ""),
            ("FINGERPRINT_SECRET", ""),
            ("UPSTASH_REDIS_REST_TOKEN", " "),
            ("FERNET_KEYS", ""),
            ("SUPABASE_ANON_KEY", ""),
            ("LOG_LEVEL", "loud"),
        ];
        let verify = read(Worker::Verify, &given);
        let common = [
            "UPSTASH_REDIS_REST_TOKEN",
            "SESSION_SECRET",
            "FINGERPRINT_SECRET",
        ];
        assert_eq!(verify.secrets_to_set, common);
        assert_eq!(names(&verify), ["LOG_LEVEL"]);
        let auth = read(Worker::Auth, &given);
        assert_eq!(
            auth.secrets_to_set[3..],
            ["SUPABASE_ANON_KEY", "FERNET_KEYS"]
        );
        assert_eq!(names(&auth), ["LOG_LEVEL"]);
    }

    #[test]
    fn both_workers_take_both_modes_of_fingerprints() {
        for worker in Worker::ALL {
            for (mode, expected) in [("strict", 0), ("graded", 0), ("off", 1)] {
                let setup = read(worker, &[("FINGERPRINT_MODE", mode)]);
                assert_eq!(names(&setup).len(), expected, "{mode}");
            }
        }
    }

    #[test]
    fn a_secret_that_is_given_is_checked() {
        let setup = read(Worker::Verify, &[("SESSION_SECRET", "short")]);
        assert_eq!(names(&setup), ["SESSION_SECRET"]);
        assert!(setup.secrets_to_set.is_empty());
    }

    #[test]
    fn every_variable_can_be_mended_so_that_the_others_are_still_looked_at() {
        for worker in Worker::ALL {
            for known in VARIABLES {
                for value in ["", "?", "\u{1}", "-1", "1", "http://h", "[{}]"] {
                    let changes = [(known.name, value), ("SESSION_TTL_SECONDS", "31536000")];
                    let setup = read(worker, &changes);
                    assert!(setup.config.is_some(), "{}={value}", known.name);
                }
            }
        }
    }

    #[test]
    fn routes_are_those_that_were_given_or_none() {
        assert_eq!(read(Worker::Verify, &[]).routes().len(), 2);
        assert_eq!(
            read(Worker::Verify, &[("LOG_LEVEL", "x")]).routes().len(),
            2
        );
        assert!(
            read(Worker::Verify, &[("ROUTES", "[{}]")])
                .routes()
                .is_empty()
        );
        assert!(read(Worker::Auth, &[]).routes().is_empty());
    }

    #[test]
    fn a_file_goes_before_wrangler_toml() {
        let mut environment = Environment::default();
        let mut set = |name: &str, value: &str| {
            environment.vars.insert(name.to_owned(), value.to_owned());
        };
        set("GATEWAY_URL", "nonsense");
        set("LOG_LEVEL", "debug");
        let setup = Setup::read(Worker::Verify, environment, &variables());
        assert_eq!(names(&setup), [""; 0]);
        assert_eq!(setup.given.get("LOG_LEVEL").unwrap(), "debug");
    }
}
