//! What two patterns of paths have in common.

use authflow_verify::routes::{Pattern, Policy, Route};

/// Whether `outer` matches all that `inner` does.
pub(crate) fn covers(outer: &Pattern, inner: &Pattern) -> bool {
    below(outer, inner).is_some()
}

/// What both match: the narrower one, if the other covers it.
pub(crate) fn overlap<'a>(one: &'a Pattern, other: &'a Pattern) -> Option<&'a Pattern> {
    if covers(one, other) {
        Some(other)
    } else {
        covers(other, one).then_some(one)
    }
}

/// What the path of `inner` has more than that of `outer`, which covers it.
pub(crate) fn below<'a>(outer: &Pattern, inner: &'a Pattern) -> Option<&'a str> {
    match outer {
        Pattern::Exact(_) => (outer == inner).then_some(""),
        Pattern::Prefix(prefix) => inner
            .literal()
            .strip_prefix(prefix.as_str())
            .filter(|rest| rest.is_empty() || rest.starts_with('/')),
    }
}

/// `pattern` with another path.
pub(crate) fn with_literal(pattern: &Pattern, literal: String) -> Pattern {
    if pattern.is_prefix() {
        Pattern::Prefix(literal)
    } else {
        Pattern::Exact(literal)
    }
}

/// The route that all of `pattern` goes to, but for what is more specific still. `routes` are in
/// the order in which they match.
pub(crate) fn owner<'a>(routes: &'a [Route], pattern: &Pattern) -> Option<&'a Route> {
    routes.iter().find(|route| covers(&route.pattern, pattern))
}

/// The route that would have the requests of `route` if it were not there.
pub(crate) fn outer<'a>(routes: &'a [Route], route: &Route) -> Option<&'a Route> {
    routes
        .iter()
        .find(|other| other.id != route.id && covers(&other.pattern, &route.pattern))
}

/// Whether `one` lets in somebody whom `other` does not.
pub(crate) fn is_weaker(one: &Policy, other: &Policy) -> bool {
    match (one, other) {
        (_, Policy::Public) => false,
        (Policy::Public, _) => true,
        (
            Policy::Session {
                roles,
                second_factor,
            },
            Policy::Session {
                roles: other_roles,
                second_factor: other_factor,
            },
        ) => {
            let more_roles =
                roles.is_empty() || roles.iter().any(|role| !other_roles.contains(role));
            (*other_factor && !second_factor) || (!other_roles.is_empty() && more_roles)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(path: &str) -> Pattern {
        match path.strip_suffix("/*") {
            Some(prefix) => Pattern::Prefix(prefix.to_owned()),
            None => Pattern::Exact(path.to_owned()),
        }
    }

    #[track_caller]
    fn overlaps(one: &str, other: &str, expected: Option<&str>) {
        let (one, other) = (pattern(one), pattern(other));
        let expected = expected.map(pattern);
        assert_eq!(overlap(&one, &other), expected.as_ref());
        assert_eq!(overlap(&other, &one), expected.as_ref());
    }

    #[test]
    fn patterns_overlap_by_whole_segments() {
        overlaps("/*", "/app/*", Some("/app/*"));
        overlaps("/*", "/*", Some("/*"));
        overlaps("/app/*", "/app", Some("/app"));
        overlaps("/app/*", "/app/x", Some("/app/x"));
        overlaps("/app/*", "/apple", None);
        overlaps("/app/*", "/apple/*", None);
        overlaps("/app", "/app/x", None);
        overlaps("/app", "/app", Some("/app"));
    }

    fn session(roles: &[&str], second_factor: bool) -> Policy {
        Policy::Session {
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            second_factor,
        }
    }

    #[test]
    fn weaker_is_what_lets_in_somebody_more() {
        let strength =
            |one: &Policy, other: &Policy| (is_weaker(one, other), is_weaker(other, one));
        let plain = session(&[], false);
        assert_eq!(strength(&Policy::Public, &plain), (true, false));
        assert_eq!(strength(&Policy::Public, &Policy::Public), (false, false));
        assert_eq!(strength(&plain, &plain), (false, false));
        assert_eq!(strength(&plain, &session(&[], true)), (true, false));
        assert_eq!(strength(&plain, &session(&["a"], false)), (true, false));
        let both = session(&["a", "b"], false);
        assert_eq!(strength(&both, &session(&["a"], false)), (true, false));
        assert_eq!(strength(&session(&["c"], false), &both), (true, true));
        assert_eq!(
            strength(&session(&["a"], false), &session(&[], true)),
            (true, true)
        );
    }
}
