//! Routes that lead to one place of one origin by different rules.
//!
//! The origin sees the path that the gateway makes, not the one that the client asked for: with
//! `strip_prefix`, or a path in `upstream`, `/files/app/x` can arrive as `/app/x`.

use authflow_verify::routes::{Pattern, Route, Upstream};

use super::Warning;
use crate::{
    describe::rules,
    patterns::{below, is_weaker, overlap, owner, with_literal},
    setup::Setup,
};

/// Paths of an origin that one route protects and another gives away.
pub(super) fn same_upstream_paths(setup: &Setup) -> Vec<Warning> {
    let routes = setup.routes();
    let mut warnings = Vec::new();
    for open in routes {
        for strict in routes {
            if is_weaker(&open.policy, &strict.policy)
                && let Some((here, there, origin)) = meeting(routes, open, strict)
            {
                let (weaker, stricter) = (rules(&open.policy), rules(&strict.policy));
                warnings.push(Warning::of_route(
                    open,
                    format!(
                        "{here} ({weaker}) leads to the same paths of {origin} as {there} of route \
                         \"{}\" ({stricter}); give it a path of its own in `upstream`, or leave \
                         out `strip_prefix`",
                        strict.id
                    ),
                ));
            }
        }
    }
    warnings
}

/// The paths by which a client reaches the same through both, and where.
fn meeting<'a>(
    routes: &[Route],
    open: &'a Route,
    strict: &Route,
) -> Option<(Pattern, Pattern, &'a str)> {
    let pairs = open
        .upstreams
        .iter()
        .flat_map(|one| strict.upstreams.iter().map(move |other| (one, other)));
    let mut same_origin = pairs.filter(|(one, other)| one.origin == other.origin);
    same_origin.find_map(|(one, other)| {
        let (reached, protected) = (arriving(open, one), arriving(strict, other));
        let both = overlap(&reached, &protected)?;
        let here = with_literal(both, asked_for(open, &reached, both)?);
        let there = with_literal(both, asked_for(strict, &protected, both)?);
        // A more specific route may have those paths.
        let leads = |pattern: &Pattern, to: &Route| owner(routes, pattern) == Some(to);
        (leads(&here, open) && leads(&there, strict)).then_some((here, there, one.origin.as_str()))
    })
}

/// The paths that reach the origin.
fn arriving(route: &Route, upstream: &Upstream) -> Pattern {
    let base = upstream.base.strip_prefix(upstream.origin.as_str());
    let base = base.unwrap_or_default();
    let own = if route.strip_prefix && route.pattern.is_prefix() {
        ""
    } else {
        route.pattern.literal()
    };
    with_literal(&route.pattern, format!("{base}{own}"))
}

/// The path that a client asks for so that `part` of `arriving` reaches the origin.
fn asked_for(route: &Route, arriving: &Pattern, part: &Pattern) -> Option<String> {
    let rest = below(arriving, part)?;
    Some(format!("{}{rest}", route.pattern.literal()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{routes, warns};

    #[track_caller]
    fn meets(written: &[&str], expected: &[&str]) {
        warns(&same_upstream_paths(&routes(written)), expected);
    }

    const APP: &str = r#""path":"/app/*""#;

    #[test]
    fn warns_of_a_stripped_prefix_that_leads_to_what_another_route_protects() {
        let files = r#""path":"/files/*","access":"public","strip_prefix":true"#;
        meets(
            &[APP, files],
            &["\"b\"|/files/app/* (public)|https://o.test|/app/* of route \"a\" (session)"],
        );
        let exact = r#""path":"/app/secret""#;
        meets(
            &[exact, files],
            &["/files/app/secret (public)|/app/secret of"],
        );
    }

    #[test]
    fn warns_of_an_upstream_path_that_leads_to_what_another_route_protects() {
        let upstream = r#""path":"/x/*","access":"public","upstream":"https://o.test/app""#;
        meets(&[APP, upstream], &["/x/* (public)|/app/x/* of route \"a\""]);
        let stripped = r#""path":"/x/*","access":"public","strip_prefix":true,"upstream":"#;
        let to = |base| format!("{stripped}\"{base}\"");
        meets(
            &[APP, &to("https://o.test/app")],
            &["/x/* (public)|/app/* of route \"a\""],
        );
        meets(
            &[APP, &to("https://o.test/app/a")],
            &["/x/* (public)|/app/a/* of route \"a\""],
        );
        meets(&[APP, &to("https://o.test/apple")], &[]);
        meets(&[APP, &to("https://other.test")], &[]);
    }

    #[test]
    fn warns_of_every_origin_of_a_list() {
        let files = r#""path":"/files/*","access":"public","strip_prefix":true,
            "upstream":["https://p.test","https://o.test"]"#;
        meets(&[APP, files], &["/files/app/*|https://o.test"]);
    }

    #[test]
    fn warns_of_a_route_for_people_that_leads_to_what_is_for_some() {
        let admin = r#""path":"/admin/*","roles":["admin"],"strip_prefix":true"#;
        let app = r#""path":"/app/*","strip_prefix":true"#;
        meets(
            &[admin, app],
            &["\"b\"|/app/* (session)|/admin/* of route \"a\""],
        );
    }

    #[test]
    fn paths_that_go_to_the_stricter_route_are_not_given_away() {
        let site = r#""path":"/*","access":"public""#;
        meets(&[APP, site], &[]);
        meets(&[APP, r#""path":"/public/*","access":"public""#], &[]);
        // What lies inside a protected route is warned of as such.
        meets(&[APP, r#""path":"/app/open/*","access":"public""#], &[]);
        let files = r#""path":"/files/*","access":"public","strip_prefix":true"#;
        meets(
            &[
                APP,
                files,
                r#""path":"/files/app/*","upstream":"https://p.test""#,
            ],
            &[],
        );
    }
}
