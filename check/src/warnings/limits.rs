//! Limits, and the platform's limiters that count for them.

use core::time::Duration;

use authflow_shared::rate_limit::Quota;
use authflow_verify::routes::{By, Counted, Policy};

use super::Warning;
use crate::{setup::Setup, wrangler::Limiter};

/// Periods that a limiter of the platform can have, in seconds.
const PERIODS: [u64; 2] = [10, 60];

/// A limit that a limiter of the platform counts.
struct Bound<'a> {
    /// How a warning begins.
    subject: String,
    variable: &'static str,
    binding: &'a str,
    quota: Quota,
}

/// No limit for everybody.
pub(super) fn no_gateway_limit(setup: &Setup) -> Vec<Warning> {
    let limit = setup.gateway().map(|config| &config.limit);
    limit
        .filter(|limit| limit.quota.is_none())
        .map(|_| {
            let problem = "is 0: one address may come as often as it likes, and guess; leave it \
                           out for 6000 a minute";
            Warning::new("GATEWAY_LIMIT", problem)
        })
        .into_iter()
        .collect()
}

/// A binding that `wrangler.toml` does not have.
pub(super) fn unbound(setup: &Setup) -> Vec<Warning> {
    each(setup, |bound| {
        let has = setup.environment.limiters.contains_key(bound.binding);
        (!has && is_possible(bound.quota)).then(|| {
            let Quota { requests, window } = bound.quota;
            format!(
                "no limiter of wrangler.toml is called {name}, so that each isolate counts alone; \
                 add `[[env.verify.ratelimits]]` with `name = \"{name}\"`, a `namespace_id` of its \
                 own and `simple = {{ limit = {requests}, period = {} }}`",
                window.as_secs(),
                name = bound.binding,
            )
        })
    })
}

/// A limiter that counts otherwise than the limit says.
pub(super) fn bound_otherwise(setup: &Setup) -> Vec<Warning> {
    each(setup, |bound| {
        let Limiter { limit, period } = *setup.environment.limiters.get(bound.binding)?;
        let (requests, seconds) = (bound.quota.requests, bound.quota.window.as_secs());
        ((limit, period) != (requests, seconds) && is_possible(bound.quota)).then(|| {
            format!(
                "allows {requests} requests in {seconds} s, and its limiter {} of wrangler.toml \
                 {limit} in {period} s; make them the same",
                bound.binding
            )
        })
    })
}

/// A limit that no limiter of the platform can count.
pub(super) fn impossible_period(setup: &Setup) -> Vec<Warning> {
    each(setup, |bound| {
        (!is_possible(bound.quota)).then(|| {
            format!(
                "counts over {} s, and Cloudflare's limiters count over 10 or 60 s alone; set \
                 `seconds` to one of them, or `exact` in place of `binding`",
                bound.quota.window.as_secs()
            )
        })
    })
}

/// A limit by address that the gateway's own always comes before.
pub(super) fn never_reached(setup: &Setup) -> Vec<Warning> {
    let Some(first) = setup.gateway().and_then(|config| config.limit.quota) else {
        return Vec::new();
    };
    let limited = setup.routes().iter().filter_map(|route| {
        let limit = route.rate_limit.as_ref()?;
        (limit.by == By::Address).then_some((route, limit.quota))
    });
    limited
        .filter(|(_, quota)| quota.requests >= most(first, quota.window))
        .map(|(route, _)| {
            let problem = format!(
                "its `rate_limit` by address is never reached, because GATEWAY_LIMIT allows an \
                 address {} a minute on all routes together; lower the one or raise the other",
                first.requests
            );
            Warning::of_route(route, problem)
        })
        .collect()
}

/// A public route that asks Redis to count: everybody can have it asked, and each command is paid.
pub(super) fn redis_for_everybody(setup: &Setup) -> Vec<Warning> {
    let counted = setup.routes().iter().filter(|route| {
        let limit = route.rate_limit.as_ref();
        route.policy == Policy::Public && limit.is_some_and(|limit| limit.counted == Counted::Redis)
    });
    counted
        .map(|route| {
            let problem = "is public with an `exact` limit, so that everybody who comes costs a \
                           command of Redis; a `binding` counts without";
            Warning::of_route(route, problem)
        })
        .collect()
}

/// What `quota` can let through in `time`, at the most.
fn most(quota: Quota, time: Duration) -> u64 {
    let windows = time.as_secs().div_ceil(quota.window.as_secs().max(1));
    quota.requests.saturating_mul(windows)
}

fn is_possible(quota: Quota) -> bool {
    PERIODS.contains(&quota.window.as_secs())
}

fn each(setup: &Setup, problem: impl Fn(&Bound<'_>) -> Option<String>) -> Vec<Warning> {
    let limit = setup.gateway().map(|config| &config.limit);
    let gateway = limit.and_then(|limit| {
        Some(Bound {
            subject: String::new(),
            variable: "GATEWAY_LIMIT_BINDING",
            binding: limit.binding.as_deref()?,
            quota: limit.quota?,
        })
    });
    let routes = setup.routes().iter().filter_map(|route| {
        let limit = route.rate_limit.as_ref()?;
        let Counted::Platform(binding) = &limit.counted else {
            return None;
        };
        Some(Bound {
            subject: format!("route \"{}\": ", route.id),
            variable: "ROUTES",
            binding,
            quota: limit.quota,
        })
    });
    let bounds = gateway.into_iter().chain(routes);
    bounds
        .filter_map(|bound| {
            let problem = format!("{}{}", bound.subject, problem(&bound)?);
            Some(Warning::new(bound.variable, problem))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        test_support::{verify, warns, worker},
        variables::Worker,
    };

    /// The gateway with a limit of one route, and one limiter `L` of 100 in 60 s.
    fn limited(access: &str, rate_limit: &str) -> Setup {
        let route = format!(
            r#"[{{"id":"a","path":"/a/*","upstream":"https://o.test","access":"{access}",
                "rate_limit":{rate_limit}}}]"#
        );
        let setup = worker(Worker::Verify, &[("ROUTES", &route)], LIMITER);
        assert!(setup.faults.is_empty(), "{:?}", setup.faults);
        setup
    }

    const LIMITER: &str = r#"
        [[env.verify.ratelimits]]
        name = "L"
        namespace_id = "1"
        simple = { limit = 100, period = 60 }"#;

    #[test]
    fn warns_of_a_gateway_without_a_limit() {
        let with = |limit| no_gateway_limit(&verify(&[("GATEWAY_LIMIT", limit)]));
        warns(&with("0"), &["GATEWAY_LIMIT|is 0"]);
        warns(&with("1"), &[]);
        warns(&with(""), &[]);
    }

    #[test]
    fn warns_of_a_binding_that_is_not_bound() {
        let setup = limited("session", r#"{"requests":5,"seconds":10,"binding":"M"}"#);
        warns(
            &unbound(&setup),
            &["route \"a\"|called M|[[env.verify.ratelimits]]|limit = 5, period = 10"],
        );
        let setup = limited("session", r#"{"requests":100,"seconds":60,"binding":"L"}"#);
        warns(&unbound(&setup), &[]);
        let setup = verify(&[("GATEWAY_LIMIT_BINDING", "M")]);
        warns(
            &unbound(&setup),
            &["GATEWAY_LIMIT_BINDING|limit = 6000, period = 60"],
        );
        let off = verify(&[("GATEWAY_LIMIT_BINDING", "M"), ("GATEWAY_LIMIT", "0")]);
        warns(&unbound(&off), &[]);
    }

    #[test]
    fn warns_of_a_limiter_that_counts_otherwise() {
        for (limit, expected) in [
            (r#"{"requests":100,"seconds":60,"binding":"L"}"#, &[][..]),
            (
                r#"{"requests":100,"seconds":10,"binding":"L"}"#,
                &["100 requests in 10 s|100 in 60 s"],
            ),
            (
                r#"{"requests":99,"seconds":60,"binding":"L"}"#,
                &["99 requests in 60 s|100 in 60 s"],
            ),
        ] {
            warns(&bound_otherwise(&limited("session", limit)), expected);
        }
        let setup = worker(Worker::Verify, &[("GATEWAY_LIMIT_BINDING", "L")], LIMITER);
        warns(
            &bound_otherwise(&setup),
            &["GATEWAY_LIMIT_BINDING|6000 requests"],
        );
    }

    #[test]
    fn warns_of_a_period_that_no_limiter_has() {
        let setup = limited("session", r#"{"requests":100,"seconds":30,"binding":"L"}"#);
        warns(
            &impossible_period(&setup),
            &["route \"a\"|30 s|10 or 60 s alone"],
        );
        assert!(unbound(&setup).is_empty() && bound_otherwise(&setup).is_empty());
        let setup = limited("session", r#"{"requests":100,"seconds":30}"#);
        warns(&impossible_period(&setup), &[]);
    }

    #[test]
    fn warns_of_a_limit_that_is_never_reached() {
        for (limit, expected) in [
            (
                r#"{"requests":6000,"seconds":60,"by":"address"}"#,
                &["route \"a\"|6000 a minute"][..],
            ),
            (
                r#"{"requests":6000,"seconds":1,"by":"address"}"#,
                &["route \"a\""],
            ),
            (r#"{"requests":5999,"seconds":60,"by":"address"}"#, &[]),
            (r#"{"requests":7000,"seconds":90,"by":"address"}"#, &[]),
            (r#"{"requests":9000,"seconds":60,"by":"session"}"#, &[]),
        ] {
            warns(&never_reached(&limited("session", limit)), expected);
        }
    }

    #[test]
    fn warns_of_a_public_route_that_redis_counts() {
        let exact = r#"{"requests":5,"seconds":60,"exact":true}"#;
        warns(
            &redis_for_everybody(&limited("public", exact)),
            &["route \"a\"|command of Redis"],
        );
        warns(&redis_for_everybody(&limited("session", exact)), &[]);
        let isolate = r#"{"requests":5,"seconds":60}"#;
        warns(&redis_for_everybody(&limited("public", isolate)), &[]);
    }
}
