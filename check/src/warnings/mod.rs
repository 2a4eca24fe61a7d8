//! What is no fault, and dangerous. Each warning is one function, and says what to do.

mod addresses;
mod deployment;
mod limits;
mod outage;
mod reach;
mod routes;
mod rules;
mod stages;
mod variables;

use authflow_verify::routes::Route;

use crate::setup::Setup;

/// Something dangerous, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    /// The variable, or the file.
    pub(crate) name: String,
    /// What is dangerous and what to do.
    pub(crate) problem: String,
}

/// What is wrong with one worker by itself.
const OF_A_WORKER: [fn(&Setup) -> Vec<Warning>; 30] = [
    rules::public_above_protected,
    rules::weaker_inside_stricter,
    rules::public_everywhere,
    reach::same_upstream_paths,
    routes::plain_http_upstream,
    routes::allowed_escapes,
    routes::any_cross_origin_page,
    routes::kept_headers,
    variables::no_assertion,
    variables::no_public_hosts,
    variables::public_hosts_without_our_own,
    variables::client_ip_fallback,
    variables::client_ip_header,
    variables::short_metrics_token,
    variables::unknown,
    variables::no_second_store,
    addresses::plain_http_for_people,
    addresses::plain_http_for_secrets,
    addresses::no_route_leads_here,
    limits::no_gateway_limit,
    limits::unbound,
    limits::bound_otherwise,
    limits::impossible_period,
    limits::never_reached,
    limits::redis_for_everybody,
    outage::not_noticed,
    outage::binding_leads_nowhere,
    deployment::workers_dev,
    deployment::preview_urls,
    deployment::secret_in_the_open,
];

/// Every warning of one worker.
pub(crate) fn of(setup: &Setup) -> Vec<Warning> {
    OF_A_WORKER.iter().flat_map(|find| find(setup)).collect()
}

/// Every warning of what two environments have otherwise, or have both, and should not.
pub(crate) fn between(first: &Setup, second: &Setup) -> Vec<Warning> {
    let (one, other) = (first.environment.target, second.environment.target);
    if one.stage == other.stage {
        variables::differing(first, second)
    } else if one.worker == other.worker {
        stages::shared(first, second)
    } else {
        Vec::new()
    }
}

impl Warning {
    fn new(name: impl Into<String>, problem: impl Into<String>) -> Self {
        let (name, problem) = (name.into(), problem.into());
        Self { name, problem }
    }

    fn of_route(route: &Route, problem: impl AsRef<str>) -> Self {
        let problem = format!("route \"{}\": {}", route.id, problem.as_ref());
        Self::new("ROUTES", problem)
    }
}
