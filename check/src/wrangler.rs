//! What `wrangler.toml` says of a worker's environment.
//!
//! An environment has its own `vars`, `ratelimits` and `services` and no others; `routes`, `workers_dev` and
//! `preview_urls` it takes from the top where it says nothing.

use std::collections::BTreeMap;

use authflow_shared::config::Variables;
use serde_json::Value;

use crate::target::{Stage, Target};

/// An environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// Which one it is.
    pub(crate) target: Target,
    /// The variables, as the workers get them.
    pub(crate) vars: Variables,
    /// The limiters by the name of their binding.
    pub(crate) limiters: BTreeMap<String, Limiter>,
    /// The names of the bindings that lead to other workers.
    pub(crate) services: Vec<String>,
    /// The hosts of `routes`, in lower case; a `*` at the start stands for anything.
    pub(crate) hosts: Vec<String>,
    /// `None` where it is not said.
    pub(crate) workers_dev: Option<bool>,
    /// `None` where it is not said.
    pub(crate) preview_urls: Option<bool>,
}

/// A limiter of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limiter {
    /// The requests.
    pub(crate) limit: u64,
    /// The seconds.
    pub(crate) period: u64,
}

/// The text of a `wrangler.toml`, read.
#[derive(Debug)]
pub(crate) struct Wrangler(Value);

impl Wrangler {
    /// Reads a `wrangler.toml`.
    ///
    /// # Errors
    /// Where it is no TOML.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map(Self).map_err(|error| {
            let before = error.span().map_or(0, |span| span.start);
            let breaks = text.bytes().take(before).filter(|byte| *byte == b'\n');
            let message = error.message().trim();
            format!("is no TOML, line {}: {message}", breaks.count() + 1)
        })
    }

    /// Whether it has either worker of `stage`.
    pub(crate) fn has(&self, stage: Stage) -> bool {
        let known = self.0.get("env");
        let is_known = |target: &Target| known.is_some_and(|it| it.get(target.name()).is_some());
        Target::of(stage).iter().any(is_known)
    }

    /// The environment `target`; `None` if there is none.
    pub(crate) fn environment(&self, target: Target) -> Option<Environment> {
        let own = self.0.get("env")?.get(target.name())?;
        let inherited = |name: &str| own.get(name).or_else(|| self.0.get(name));
        let routes = inherited("routes").into_iter().chain(inherited("route"));
        Some(Environment {
            target,
            vars: variables(own.get("vars")),
            limiters: items(own.get("ratelimits")).filter_map(limiter).collect(),
            services: items(own.get("services"))
                .filter_map(|service| Some(service.get("binding")?.as_str()?.to_owned()))
                .collect(),
            hosts: routes
                .flat_map(|routes| items(Some(routes)))
                .filter_map(host)
                .collect(),
            workers_dev: inherited("workers_dev").and_then(Value::as_bool),
            preview_urls: inherited("preview_urls").and_then(Value::as_bool),
        })
    }
}

/// The items of a list; one that is no list stands for itself.
fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let one = value.filter(|value| !value.is_array());
    let many = value.and_then(Value::as_array).into_iter().flatten();
    one.into_iter().chain(many)
}

/// Texts as they are and all else as its JSON, as the workers get them.
fn variables(vars: Option<&Value>) -> Variables {
    let vars = vars.and_then(Value::as_object).into_iter().flatten();
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => plain(number),
        other => other.to_string(),
    };
    vars.map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// JavaScript writes a whole number without a point.
fn plain(number: &serde_json::Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn limiter(value: &Value) -> Option<(String, Limiter)> {
    let number = |name: &str| value.get("simple")?.get(name)?.as_u64();
    let limiter = Limiter {
        limit: number("limit")?,
        period: number("period")?,
    };
    Some((value.get("name")?.as_str()?.to_owned(), limiter))
}

/// The host of a route, which is a pattern or a table that has one.
fn host(route: &Value) -> Option<String> {
    let pattern = route.get("pattern").unwrap_or(route).as_str()?;
    let pattern = pattern.split_once("://").map_or(pattern, |(_, rest)| rest);
    let host = pattern.split('/').next()?;
    Some(host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(text: &str) -> Environment {
        let wrangler = Wrangler::parse(text).unwrap();
        wrangler.environment(Target::default()).unwrap()
    }

    #[test]
    fn what_is_no_text_counts_as_its_json() {
        let environment = verify(
            r#"
            [env.verify.vars]
            TEXT = "a"
            NUMBER = 900
            WHOLE = 2.0
            FLAG = true
            ROUTES = [{ id = "app", methods = ["GET"] }]
            "#,
        );
        let vars: Vec<_> = environment
            .vars
            .iter()
            .map(|(_, text)| text.as_str())
            .collect();
        let routes = r#"[{"id":"app","methods":["GET"]}]"#;
        assert_eq!(vars, ["true", "900", routes, "a", "2"]);
    }

    #[test]
    fn variables_and_limiters_of_the_top_reach_no_environment() {
        let environment = verify(
            r#"
            vars = { A = "1" }
            ratelimits = [{ name = "A", namespace_id = "1", simple = { limit = 1, period = 10 } }]
            services = [{ binding = "A", service = "a" }]
            [[env.verify.ratelimits]]
            name = "B"
            namespace_id = "2"
            simple = { limit = 6000, period = 60 }
            [[env.verify.services]]
            binding = "C"
            service = "c"
            "#,
        );
        assert!(environment.vars.is_empty());
        assert_eq!(environment.services, ["C"]);
        let limiter = Limiter {
            limit: 6000,
            period: 60,
        };
        assert_eq!(environment.limiters, [("B".to_owned(), limiter)].into());
    }

    #[test]
    fn what_an_environment_does_not_say_the_top_says_for_it() {
        let environment = verify(
            r#"
            workers_dev = false
            preview_urls = false
            routes = ["https://A.test/*", { pattern = "b.test", custom_domain = true }]
            [env.verify]
            preview_urls = true
            "#,
        );
        assert_eq!(environment.workers_dev, Some(false));
        assert_eq!(environment.preview_urls, Some(true));
        assert_eq!(environment.hosts, ["a.test", "b.test"]);
        assert_eq!(verify("[env.verify]\nroute = 'c.test/x'").hosts, ["c.test"]);
    }

    #[test]
    fn a_fault_of_the_file_is_told_with_its_line() {
        let error = Wrangler::parse("name = \"a\"\n[env.verify\n").unwrap_err();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn an_environment_that_is_missing_is_none() {
        let wrangler = Wrangler::parse("[env.verify]").unwrap();
        for name in ["auth", "verify-staging"] {
            for target in Target::named(name).unwrap() {
                assert!(wrangler.environment(target).is_none());
            }
        }
        assert!(wrangler.has(Stage::Production) && !wrangler.has(Stage::Staging));
        let wrangler = Wrangler::parse("[env.auth-staging]").unwrap();
        assert!(wrangler.has(Stage::Staging) && !wrangler.has(Stage::Production));
    }
}
