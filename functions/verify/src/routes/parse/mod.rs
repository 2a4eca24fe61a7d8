//! Reading `ROUTES`: what each route says is in [`entry`], what they say together is here.

mod entry;
mod fields;
#[cfg(test)]
mod tests;

use authflow_shared::json::{self, Value};

pub(super) use self::fields::Fields;
use super::{Pattern, Route, RouteTable};

/// Reads `ROUTES`.
///
/// # Errors
/// Every fault, each with its route and how to mend it.
pub fn parse(json: &str) -> Result<RouteTable, Vec<String>> {
    let written = match json::parse_unique(json) {
        Ok(Value::Array(written)) => written,
        read => {
            let reason = read
                .err()
                .map(|error| format!(": {error}"))
                .unwrap_or_default();
            return Err(vec![format!(
                "is no list of routes{reason}; see docs/CONFIGURATION.md"
            )]);
        }
    };
    let mut faults = Vec::new();
    if written.is_empty() {
        faults.push("has no route; nothing could be reached".to_owned());
    }
    let mut routes = Vec::with_capacity(written.len());
    for (index, value) in written.into_iter().enumerate() {
        let name = name(&value, index);
        let mut fault = |problem: String| faults.push(format!("route {name}: {problem}"));
        let Some(mut fields) = Fields::of(value, "", &mut fault) else {
            continue;
        };
        for required in ["id", "path", "upstream"] {
            fields.require(required);
        }
        routes.extend(entry::route(&mut fields));
        fields.finish();
    }
    faults.extend(twins(&routes));
    faults.extend(holes(&routes));
    if faults.is_empty() {
        Ok(RouteTable::new(routes))
    } else {
        Err(faults)
    }
}

/// How a fault names a route: by its id, or by its place in the list.
fn name(value: &Value, index: usize) -> String {
    match value.get("id") {
        Some(Value::String(id)) => format!("\"{id}\""),
        _ => format!("number {}", index.saturating_add(1)),
    }
}

/// Routes that have an id or a path in common.
fn twins(routes: &[Route]) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, Route { id, pattern, .. }) in routes.iter().enumerate() {
        let before = || routes.iter().take(index);
        if before().any(|other| other.id == *id) {
            faults.push(format!(
                "route \"{id}\": `id` stands twice; give each route its own"
            ));
        }
        if before().any(|other| other.pattern == *pattern) {
            faults.push(format!(
                "route \"{id}\": `path` {pattern} stands twice; only one could ever be used"
            ));
        }
    }
    faults
}

/// Exact paths below a prefix that asks for less: with a slash more, they would ask for as little.
fn holes(routes: &[Route]) -> Vec<String> {
    let weaker_above = |route: &Route, path: &str| {
        routes.iter().find(|other| {
            other.pattern.is_prefix()
                && other.pattern.matches(path)
                && other.policy.admits_more_than(&route.policy)
        })
    };
    let hole = |route: &Route| match &route.pattern {
        Pattern::Exact(path) => weaker_above(route, path).map(|weaker| {
            format!(
                "route \"{}\": `path` {path} is one path alone, and all below it asks for less by \
                 route \"{}\"; write {path}/*",
                route.id, weaker.id
            )
        }),
        Pattern::Prefix(_) => None,
    };
    routes.iter().filter_map(hole).collect()
}
