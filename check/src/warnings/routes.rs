//! Single routes.

use authflow_verify::{canonical::Escapes, routes::Route};

use super::Warning;
use crate::{describe::is_plain_http, setup::Setup};

/// An upstream over plain http, on the way to which everybody can read and change what people do.
pub(super) fn plain_http_upstream(setup: &Setup) -> Vec<Warning> {
    each(setup, |route| {
        let plain = route
            .upstreams
            .iter()
            .find(|upstream| is_plain_http(upstream.origin.as_str()))?;
        Some(format!(
            "{} is not encrypted, and the way there can read people's data and tell the origin \
             that it is somebody; use https, or a Cloudflare Tunnel",
            plain.base
        ))
    })
}

/// Escapes that the origin must read as the gateway does.
pub(super) fn allowed_escapes(setup: &Setup) -> Vec<Warning> {
    each(setup, |route| {
        let known = ["%2f", "%5c", "%3b", "%25", "%23", "%3f"];
        let is_allowed = |escape: &&str| {
            Escapes::parse(escape).is_some_and(|escape| escape.within(route.allow_encoded))
        };
        let allowed: Vec<_> = known.into_iter().filter(is_allowed).collect();
        (!allowed.is_empty()).then(|| {
            format!(
                "`allow_encoded` lets {} through; the origin must part the path at its slashes \
                 first, then decode each segment once, and never part or resolve it again",
                allowed.join(", ")
            )
        })
    })
}

/// Answers that every page may read.
pub(super) fn any_cross_origin_page(setup: &Setup) -> Vec<Warning> {
    each(setup, |route| {
        route
            .cors
            .as_ref()
            .filter(|cors| cors.is_for_any_origin())?;
        Some(
            "`cors` is \"*\", so that a page of anybody's may read its answers; name the origins, \
             unless all of it is meant for everybody"
                .to_owned(),
        )
    })
}

/// Headers in which a client may tell the origin who he is.
pub(super) fn kept_headers(setup: &Setup) -> Vec<Warning> {
    each(setup, |route| {
        (!route.keep_headers.is_empty()).then(|| {
            format!(
                "`keep_headers` passes {} as any client wrote it; make sure that the origin \
                 believes nothing in it",
                route.keep_headers.join(", ")
            )
        })
    })
}

fn each(setup: &Setup, problem: impl Fn(&Route) -> Option<String>) -> Vec<Warning> {
    let routes = setup.routes().iter();
    routes
        .filter_map(|route| Some(Warning::of_route(route, problem(route)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{routes, warns};

    fn with(fields: &str) -> Setup {
        routes(&[&format!(r#""path":"/app/*",{fields}"#)])
    }

    #[test]
    fn warns_of_an_upstream_over_plain_http() {
        let to = |upstream: &str| plain_http_upstream(&with(&format!(r#""upstream":{upstream}"#)));
        warns(
            &to(r#""http://o.test:8080/x""#),
            &["\"a\"|http://o.test:8080/x|use https"],
        );
        warns(&to(r#""http://10.0.0.1""#), &["http://10.0.0.1"]);
        warns(
            &to(r#"["https://o.test","http://o.internal"]"#),
            &["http://o.internal"],
        );
        for fine in [
            "https://o.test",
            "http://localhost:9000",
            "http://127.0.0.1",
            "http://[::1]",
        ] {
            warns(&to(&format!("\"{fine}\"")), &[]);
        }
    }

    #[test]
    fn warns_of_escapes_that_pass() {
        let setup = with(r#""allow_encoded":["%2F","%25"]"#);
        warns(
            &allowed_escapes(&setup),
            &["\"a\"|%2f, %25 |decode each segment once"],
        );
        warns(&allowed_escapes(&with(r#""allow_encoded":[]"#)), &[]);
    }

    #[test]
    fn warns_of_cors_for_every_origin() {
        warns(
            &any_cross_origin_page(&with(r#""cors":["*"]"#)),
            &["\"a\"|`cors`"],
        );
        warns(
            &any_cross_origin_page(&with(r#""cors":["https://b.test"]"#)),
            &[],
        );
        warns(&any_cross_origin_page(&with(r#""methods":["GET"]"#)), &[]);
    }

    #[test]
    fn warns_of_headers_that_a_client_may_set() {
        let setup = with(r#""keep_headers":["X-Original-URL"]"#);
        warns(&kept_headers(&setup), &["\"a\"|x-original-url"]);
        warns(&kept_headers(&with(r#""keep_headers":[]"#)), &[]);
    }
}
