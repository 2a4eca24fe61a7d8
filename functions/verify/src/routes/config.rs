//! Reading `ROUTES`.

use core::time::Duration;
use std::collections::BTreeSet;

use authflow_shared::redirect::split_origin;
use serde::Deserialize;

use super::{Pattern, Policy, Route, RouteTable};
use crate::{canonical::canonical_path, gateway::is_own_path};

/// The default of `timeout_ms`.
const TIMEOUT_MS: u64 = 30_000;
/// The range of `timeout_ms`.
const TIMEOUT_RANGE: core::ops::RangeInclusive<u64> = 100..=600_000;

/// One entry as it is written. A field that is not known is an error: it could be a misspelt
/// demand, and the route would be open to more people than its writer believes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    path: String,
    upstream: String,
    #[serde(default)]
    access: Access,
    methods: Option<Vec<String>>,
    #[serde(default)]
    strip_prefix: bool,
    roles: Option<Vec<String>>,
    aal: Option<Aal>,
    timeout_ms: Option<u64>,
}

#[derive(Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Access {
    #[default]
    Session,
    Public,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Aal {
    Aal1,
    Aal2,
}

/// Reads `ROUTES`.
///
/// # Errors
/// Every fault, each with its route and how to mend it.
pub fn parse(json: &str) -> Result<RouteTable, Vec<String>> {
    let entries: Vec<Entry> = serde_json::from_str(json).map_err(|error| {
        vec![format!(
            "is no list of routes: {error}; see docs/CONFIGURATION.md"
        )]
    })?;
    let mut faults = Vec::new();
    if entries.is_empty() {
        faults.push("has no route; nothing could be reached".to_owned());
    }
    let (mut ids, mut paths) = (BTreeSet::new(), BTreeSet::new());
    let mut routes = Vec::with_capacity(entries.len());
    for entry in entries {
        let id = entry.id.clone();
        let mut fault = |problem: String| faults.push(format!("route \"{id}\": {problem}"));
        if !ids.insert(entry.id.clone()) {
            fault("`id` stands twice; give each route its own".into());
        }
        if !paths.insert(entry.path.clone()) {
            fault(format!(
                "`path` {} stands twice; only one could ever be used",
                entry.path
            ));
        }
        routes.extend(route(entry, &mut fault));
    }
    faults.extend(holes(&routes));
    if faults.is_empty() {
        Ok(RouteTable::new(routes))
    } else {
        Err(faults)
    }
}

/// Protected exact paths below a public prefix: with a slash more they would be public.
fn holes(routes: &[Route]) -> Vec<String> {
    let public_above = |path: &str| {
        routes.iter().find(|other| {
            matches!(other.pattern, Pattern::Prefix(_))
                && other.policy == Policy::Public
                && other.pattern.matches(path)
        })
    };
    let hole = |route: &Route| match &route.pattern {
        Pattern::Exact(path) if route.policy != Policy::Public => {
            public_above(path).map(|public| {
                format!(
                    "route \"{}\": `path` {path} is one path alone, and all below it is public by \
                     route \"{}\"; write {path}/*",
                    route.id, public.id
                )
            })
        }
        _ => None,
    };
    routes.iter().filter_map(hole).collect()
}

fn route(entry: Entry, fault: &mut impl FnMut(String)) -> Option<Route> {
    if entry.id.is_empty() || !entry.id.bytes().all(|byte| byte.is_ascii_graphic()) {
        fault("`id` must be a word of printable ASCII".into());
    }
    let pattern = pattern(&entry.path, fault);
    let upstream = upstream(&entry.upstream, fault);
    let methods = entry.methods.unwrap_or_default();
    if !methods.iter().all(|method| is_method(method)) {
        fault("`methods` must be names in capitals, as in [\"GET\",\"POST\"]".into());
    }
    let timeout = entry.timeout_ms.unwrap_or(TIMEOUT_MS);
    if !TIMEOUT_RANGE.contains(&timeout) {
        let (low, high) = (TIMEOUT_RANGE.start(), TIMEOUT_RANGE.end());
        fault(format!("`timeout_ms` must be from {low} to {high}"));
    }
    if entry
        .roles
        .as_ref()
        .is_some_and(|roles| roles.iter().any(String::is_empty))
    {
        fault("`roles` has an empty name, which would match people without a role".into());
    }
    if entry.roles.as_ref().is_some_and(Vec::is_empty) {
        fault("`roles` is empty; leave it out to let in every role".into());
    }
    let policy = match entry.access {
        Access::Public if entry.roles.is_some() || entry.aal.is_some() => {
            fault("a public route cannot ask for `roles` or `aal`; remove them or `access`".into());
            return None;
        }
        Access::Public => Policy::Public,
        Access::Session => Policy::Session {
            roles: entry.roles.unwrap_or_default(),
            second_factor: entry.aal == Some(Aal::Aal2),
        },
    };
    Some(Route {
        id: entry.id,
        pattern: pattern?,
        upstream: upstream?,
        policy,
        methods,
        strip_prefix: entry.strip_prefix,
        timeout: Duration::from_millis(timeout),
    })
}

fn pattern(path: &str, fault: &mut impl FnMut(String)) -> Option<Pattern> {
    let (literal, is_prefix) = match path.strip_suffix("/*") {
        Some(prefix) => (prefix, true),
        None => (path, false),
    };
    let written = if is_prefix && literal.is_empty() {
        "/"
    } else {
        literal
    };
    if literal.contains('*') || canonical_path(written).as_deref() != Ok(written) {
        fault(format!(
            "`path` {path} must be a plain path such as /app, or a prefix such as /app/*"
        ));
        return None;
    }
    if is_prefix && literal.ends_with('/') {
        fault(format!("`path` {path} has an empty segment before the *"));
        return None;
    }
    if is_own_path(literal) {
        fault(format!(
            "`path` {path} is one of the gateway's own; choose another"
        ));
        return None;
    }
    let literal = literal.to_owned();
    Some(if is_prefix {
        Pattern::Prefix(literal)
    } else {
        Pattern::Exact(literal)
    })
}

fn upstream(url: &str, fault: &mut impl FnMut(String)) -> Option<String> {
    let base = split_origin(url).and_then(|(origin, path)| {
        let path = path.trim_end_matches('/');
        let plain = path.is_empty() || canonical_path(path).as_deref() == Ok(path);
        (plain && !path.contains('?')).then(|| format!("{origin}{path}"))
    });
    if base.is_none() {
        fault(format!(
            "`upstream` {url} must be a URL such as https://origin.example.com"
        ));
    }
    base
}

fn is_method(method: &str) -> bool {
    !method.is_empty()
        && method
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The only fault of a route with the field `extra`.
    #[track_caller]
    fn rejects(extra: &str, expected: &str) {
        let mut fields = vec![
            ("id", r#""r""#.to_owned()),
            ("path", r#""/app/*""#.to_owned()),
            ("upstream", r#""http://o.test""#.to_owned()),
        ];
        for field in extra.split(" & ") {
            let (name, value) = field.split_once('=').unwrap();
            fields.retain(|(known, _)| *known != name);
            fields.push((name, value.to_owned()));
        }
        let json: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        let faults = parse(&format!("[{{{}}}]", json.join(","))).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains(expected), "{faults:?}");
    }

    #[test]
    fn a_route_is_protected_unless_it_says_public() {
        let table = parse(r#"[{"id":"a","path":"/a","upstream":"https://o.test/base/"}]"#).unwrap();
        let route = table.find("/a").unwrap();
        assert_eq!(
            route.policy,
            Policy::Session {
                roles: Vec::new(),
                second_factor: false
            }
        );
        assert_eq!(route.upstream, "https://o.test/base");
        assert_eq!(route.timeout, Duration::from_secs(30));
    }

    #[test]
    fn rejects_what_is_no_list_of_routes() {
        for json in ["", "{}", "[1]", "[{}]", "null", "[]"] {
            assert_eq!(parse(json).unwrap_err().len(), 1, "{json}");
        }
    }

    #[test]
    fn rejects_a_field_it_does_not_know() {
        rejects(r#"role=["admin"]"#, "unknown field `role`");
    }

    #[test]
    fn rejects_an_access_it_does_not_know() {
        rejects(r#"access="open""#, "unknown variant `open`");
    }

    #[test]
    fn rejects_a_path_that_no_request_could_have() {
        for path in [
            "app", "", "/a*", "/a//b", "/a/../b", "/a;b", "/a%2fb", "/%61", "/a/*/b", "//*",
        ] {
            rejects(&format!("path=\"{path}\""), "`path`");
        }
    }

    #[test]
    fn rejects_the_gateways_own_paths() {
        for path in [
            "/auth/*",
            "/auth",
            "/health",
            "/metrics",
            "/auth/x",
            "/.well-known/authflow/*",
        ] {
            rejects(&format!("path=\"{path}\""), "own");
        }
    }

    #[test]
    fn rejects_an_upstream_that_is_no_base_url() {
        for url in [
            "o.test",
            "ftp://o.test",
            "http://o.test?x",
            "http://o.test/a#b",
            "http://u@o.test",
            "http://o.test/a/../b",
        ] {
            rejects(&format!("upstream=\"{url}\""), "`upstream`");
        }
    }

    #[test]
    fn rejects_methods_that_are_no_methods() {
        rejects(r#"methods=["get"]"#, "`methods`");
        rejects(r#"methods=[""]"#, "`methods`");
    }

    #[test]
    fn rejects_an_empty_role_or_no_roles() {
        rejects(r#"roles=["admin",""]"#, "empty name");
        rejects("roles=[]", "leave it out");
    }

    #[test]
    fn rejects_demands_on_a_public_route() {
        rejects(r#"access="public" & roles=["admin"]"#, "public");
        rejects(r#"access="public" & aal="aal2""#, "public");
    }

    #[test]
    fn rejects_an_assurance_level_it_does_not_know() {
        rejects(r#"aal="aal3""#, "unknown variant `aal3`");
    }

    #[test]
    fn rejects_a_timeout_out_of_range() {
        rejects("timeout_ms=0", "`timeout_ms`");
        rejects("timeout_ms=600001", "`timeout_ms`");
    }

    #[test]
    fn rejects_an_id_that_is_no_word() {
        rejects(r#"id="""#, "`id`");
        rejects(r#"id="a b""#, "`id`");
    }

    #[test]
    fn rejects_a_protected_path_that_would_be_public_with_a_slash() {
        let routes = |path: &str| {
            parse(&format!(
                r#"[{{"id":"a","path":"{path}","upstream":"http://o.test"}},
                    {{"id":"b","path":"/x/*","upstream":"http://o.test","access":"public"}}]"#
            ))
        };
        let faults = routes("/x/admin").unwrap_err();
        assert!(faults[0].contains("write /x/admin/*"), "{faults:?}");
        assert!(routes("/x/admin/*").is_ok());
        assert!(routes("/y").is_ok());
    }

    #[test]
    fn rejects_an_id_or_a_path_that_stands_twice() {
        let faults = parse(
            r#"[{"id":"a","path":"/a","upstream":"http://o.test"},
                {"id":"a","path":"/a","upstream":"http://o.test"}]"#,
        )
        .unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
    }
}
