//! Routes whose rules meet those of others.

use authflow_verify::routes::{Pattern, Policy};

use super::Warning;
use crate::{
    describe::rules,
    patterns::{is_weaker, outer},
    setup::Setup,
};

/// A public route with protected ones below it: an origin that reads a path otherwise than the
/// gateway could serve them to everybody.
pub(super) fn public_above_protected(setup: &Setup) -> Vec<Warning> {
    let routes = setup.routes();
    let public = routes.iter().filter(|route| route.policy == Policy::Public);
    let warning = |above| {
        let protected: Vec<_> = routes
            .iter()
            .filter(|route| route.policy != Policy::Public && outer(routes, route) == Some(above))
            .map(|route| format!("\"{}\" ({})", route.id, route.pattern))
            .collect();
        (!protected.is_empty()).then(|| {
            let (pattern, below) = (&above.pattern, protected.join(", "));
            Warning::of_route(
                above,
                format!(
                    "{pattern} is public, and below it {below} is protected; let the origin ask \
                     for the assertion there, or put what is public under a prefix of its own"
                ),
            )
        })
    };
    public.filter_map(warning).collect()
}

/// A route inside another one, with weaker rules.
pub(super) fn weaker_inside_stricter(setup: &Setup) -> Vec<Warning> {
    let routes = setup.routes();
    let warning = |route| {
        let stricter = outer(routes, route)?;
        is_weaker(&route.policy, &stricter.policy).then(|| {
            let (pattern, outside) = (&route.pattern, &stricter.pattern);
            let (here, there) = (rules(&route.policy), rules(&stricter.policy));
            Warning::of_route(
                route,
                format!(
                    "{pattern} ({here}) lies inside {outside} of route \"{}\" ({there}) and is \
                     open to more people; if it is not meant so, give it the same rules",
                    stricter.id
                ),
            )
        })
    };
    routes.iter().filter_map(warning).collect()
}

/// Everything that no other route has is public.
pub(super) fn public_everywhere(setup: &Setup) -> Vec<Warning> {
    let everywhere = |pattern: &Pattern| pattern.is_prefix() && pattern.literal().is_empty();
    setup
        .routes()
        .iter()
        .filter(|route| route.policy == Policy::Public && everywhere(&route.pattern))
        .map(|route| {
            Warning::of_route(
                route,
                "/* is public, and so is every path that an application gets later; make it a \
                 protected route, and name what is public",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{routes, warns};

    const PUBLIC: &str = r#""path":"/site/*","access":"public""#;

    #[test]
    fn warns_of_a_public_route_with_protected_ones_below_it() {
        let setup = routes(&[
            PUBLIC,
            r#""path":"/site/app/*""#,
            r#""path":"/site/app/admin/*","roles":["admin"]"#,
            r#""path":"/site/shop/*""#,
            r#""path":"/other/*""#,
        ]);
        warns(
            &public_above_protected(&setup),
            &["\"a\"|/site/* is public|\"b\" (/site/app/*)|\"d\" (/site/shop/*)|assertion"],
        );
        warns(
            &public_above_protected(&routes(&[PUBLIC, r#""path":"/app/*""#])),
            &[],
        );
    }

    #[test]
    fn warns_of_a_route_inside_another_with_weaker_rules() {
        let inside = |outer: &str, inner: &str| {
            let setup = routes(&[
                &format!(r#""path":"/app/*"{outer}"#),
                &format!(r#""path":"/app/x/*"{inner}"#),
            ]);
            weaker_inside_stricter(&setup)
        };
        let public = r#","access":"public""#;
        warns(
            &inside("", public),
            &["\"b\"|/app/x/* (public)|/app/* of route \"a\" (session)|same rules"],
        );
        let admins = r#","roles":["admin"],"aal":"aal2""#;
        warns(
            &inside(admins, ""),
            &["/app/x/* (session)|(session, role admin, aal2)"],
        );
        warns(&inside("", admins), &[]);
        warns(&inside(admins, admins), &[]);
        warns(&inside(public, public), &[]);
    }

    #[test]
    fn a_route_is_compared_with_the_one_that_it_takes_from_and_no_other() {
        let setup = routes(&[
            r#""path":"/*""#,
            r#""path":"/site/*","access":"public""#,
            r#""path":"/site/news/*","access":"public""#,
        ]);
        warns(&weaker_inside_stricter(&setup), &["\"b\"|of route \"a\""]);
    }

    #[test]
    fn warns_of_a_public_route_everywhere() {
        let everywhere = [r#""path":"/*","access":"public""#];
        warns(
            &public_everywhere(&routes(&everywhere)),
            &["\"a\"|/* is public"],
        );
        for path in [r#""path":"/*""#, r#""path":"/","access":"public""#, PUBLIC] {
            warns(&public_everywhere(&routes(&[path])), &[]);
        }
    }
}
