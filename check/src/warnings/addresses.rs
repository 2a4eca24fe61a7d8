//! Addresses at which people and workers are reached.

use super::Warning;
use crate::{
    describe::{host, is_loopback, is_plain_http},
    setup::Setup,
    variables::Worker,
};

/// People's sessions over plain http.
pub(super) fn plain_http_for_people(setup: &Setup) -> Vec<Warning> {
    let addresses = [
        ("GATEWAY_URL", gateway_url(setup)),
        ("AUTH_URL", auth_url(setup)),
    ];
    addresses
        .into_iter()
        .filter(|(_, url)| url.is_some_and(is_plain_http))
        .map(|(name, _)| {
            Warning::new(
                name,
                "is not https: no browser keeps the session cookie there, and the way can read \
                 what people send; use https",
            )
        })
        .collect()
}

/// Secrets and tokens over plain http.
pub(super) fn plain_http_for_secrets(setup: &Setup) -> Vec<Warning> {
    ["UPSTASH_REDIS_REST_URL", "SUPABASE_URL"]
        .into_iter()
        .filter(|name| {
            let url = setup.given.get(name).map(|url| url.trim());
            url.is_some_and(is_plain_http) && is_read(setup, name)
        })
        .map(|name| {
            let problem = "is not https, and the way there can read its secret and everybody's \
                           session; use https";
            Warning::new(name, problem)
        })
        .collect()
}

/// A host under which people should find the worker, and nothing in `wrangler.toml` leads there.
pub(super) fn no_route_leads_here(setup: &Setup) -> Vec<Warning> {
    let (name, url) = match setup.worker {
        Worker::Verify => ("GATEWAY_URL", gateway_url(setup)),
        Worker::Auth => ("AUTH_URL", auth_url(setup)),
    };
    let is_faulty = setup.faults.iter().any(|fault| fault.name == name);
    let host = url.filter(|_| !is_faulty).map(host);
    let leads = |host: &str| {
        setup
            .environment
            .hosts
            .iter()
            .any(|known| matches(known, host))
    };
    host.filter(|host| !is_loopback(host) && !leads(host))
        .map(|host| {
            let worker = setup.environment.target.name();
            Warning::new(
                name,
                format!(
                    "is at {host}, and no `routes` of [env.{worker}] in wrangler.toml leads there; \
                     add one, or mend the one of the two that is wrong"
                ),
            )
        })
        .into_iter()
        .collect()
}

fn gateway_url(setup: &Setup) -> Option<&str> {
    Some(setup.common()?.targets.base.as_str())
}

fn auth_url(setup: &Setup) -> Option<&str> {
    Some(setup.common()?.auth_url.as_str())
}

fn is_read(setup: &Setup, name: &str) -> bool {
    crate::variables::Variable::named(name).is_some_and(|known| known.is_read_by(setup.worker))
}

fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(end) => host.ends_with(end),
        None => pattern == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{verify, warns, worker};

    #[test]
    fn warns_of_people_on_plain_http() {
        let with = |url| plain_http_for_people(&verify(&[("GATEWAY_URL", url)]));
        warns(&with("http://app.test"), &["GATEWAY_URL|use https"]);
        warns(&with("https://app.test"), &[]);
        warns(&with("http://localhost:8000"), &[]);
        let auth = worker(Worker::Auth, &[("AUTH_URL", "http://a.test")], "");
        warns(&plain_http_for_people(&auth), &["AUTH_URL"]);
    }

    #[test]
    fn warns_of_secrets_on_plain_http() {
        let with = |name, url| {
            let https = [("UPSTASH_REDIS_REST_URL", "https://r.test"), (name, url)];
            Worker::ALL.map(|name| plain_http_for_secrets(&worker(name, &https, "")))
        };
        let [verify, auth] = with("UPSTASH_REDIS_REST_URL", "http://r.test");
        warns(&verify, &["UPSTASH_REDIS_REST_URL"]);
        warns(&auth, &["UPSTASH_REDIS_REST_URL"]);
        let [verify, auth] = with("SUPABASE_URL", "HTTP://s.test");
        warns(&verify, &["SUPABASE_URL"]);
        warns(&auth, &["SUPABASE_URL"]);
    }

    #[test]
    fn warns_of_an_address_to_which_no_route_leads() {
        let with = |routes: &str| {
            let routes = format!("routes = {routes}");
            no_route_leads_here(&worker(Worker::Verify, &[], &routes))
        };
        warns(
            &with("['other.test/*']"),
            &["GATEWAY_URL|app.test|[env.verify]"],
        );
        warns(&with("['*.app.test/*']"), &["GATEWAY_URL"]);
        warns(&with("[]"), &["GATEWAY_URL"]);
        for fine in [
            "['app.test/*']",
            "['*.test/*']",
            "[{ pattern = 'app.test', custom_domain = true }]",
        ] {
            warns(&with(fine), &[]);
        }
        warns(
            &no_route_leads_here(&verify(&[("GATEWAY_URL", "http://localhost:8000")])),
            &[],
        );
        warns(
            &no_route_leads_here(&worker(Worker::Auth, &[], "")),
            &["AUTH_URL|[env.auth]"],
        );
    }
}
