//! Refuses what another site made a browser send (cross-site request forgery).
//!
//! A browser says where a request comes from, and no page can change what it says. No tokens in
//! forms are needed. In this order:
//!
//! 1. GET, HEAD and OPTIONS change nothing: they pass.
//! 2. `Sec-Fetch-Site: same-origin` or `none` (the person's own doing) passes.
//! 3. `Sec-Fetch-Site: same-site` passes with an `Origin` in `REDIRECT_ORIGINS`.
//! 4. Any other `Sec-Fetch-Site` is refused.
//! 5. Without `Sec-Fetch-Site` (an old browser, or a page without TLS), an `Origin` passes if it
//!    is our own, `AUTH_URL`, or in `REDIRECT_ORIGINS`; any other is refused, `null` too.
//! 6. With neither it is no browser, so nobody's cookie was used against them: it passes.
//!
//! # Deployment caveat
//!
//! Rule 5 needs `AUTH_URL` to be what people see in the address bar. A proxy in front must not
//! remove `Origin` or `Sec-Fetch-Site`.

use authflow_shared::redirect::Origin;

use crate::{config::Config, request::Request};

/// The request comes from another site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CrossSite;

/// Lets a request pass or not, by the rules above.
pub(crate) fn check(request: &Request, config: &Config) -> Result<(), CrossSite> {
    let allowed = &config.common.targets.allowed;
    let origin = request.header("origin");
    // `null` is no origin, and so equals none.
    let named = origin.and_then(Origin::parse);
    let is_listed = named
        .as_ref()
        .is_some_and(|origin| allowed.contains(origin));
    let is_own = named.as_ref() == Some(&config.common.auth_url);
    let passes = match (request.method.as_str(), request.header("sec-fetch-site")) {
        ("GET" | "HEAD" | "OPTIONS", _) | (_, Some("same-origin" | "none")) => true,
        (_, Some("same-site")) => is_listed,
        (_, Some(_)) => false,
        (_, None) => origin.is_none() || is_own || is_listed,
    };
    if passes { Ok(()) } else { Err(CrossSite) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config_with, post};

    fn passes(headers: &[(&str, &str)]) -> bool {
        let config = config_with(&[
            ("AUTH_URL", "https://auth.test"),
            ("REDIRECT_ORIGINS", "https://app.test,https://docs.test"),
        ]);
        let request = headers
            .iter()
            .fold(post("/x", ""), |request, (name, value)| {
                request.with(name, value)
            });
        check(&request, &config).is_ok()
    }

    const SITE: &str = "sec-fetch-site";

    #[test]
    fn a_request_of_our_own_pages_passes() {
        assert!(passes(&[
            (SITE, "same-origin"),
            ("origin", "https://auth.test")
        ]));
        assert!(passes(&[(SITE, "none")]));
        assert!(passes(&[("origin", "https://auth.test")]));
    }

    #[test]
    fn a_sibling_passes_only_if_it_is_listed() {
        assert!(passes(&[
            (SITE, "same-site"),
            ("origin", "https://docs.test")
        ]));
        assert!(!passes(&[
            (SITE, "same-site"),
            ("origin", "https://evil.test")
        ]));
        assert!(!passes(&[(SITE, "same-site")]));
    }

    #[test]
    fn another_site_is_refused_whatever_origin_it_has() {
        for origin in ["https://evil.test", "https://docs.test", "null"] {
            assert!(
                !passes(&[(SITE, "cross-site"), ("origin", origin)]),
                "{origin}"
            );
        }
        assert!(!passes(&[(SITE, "same-origin, cross-site")]));
        assert!(!passes(&[(SITE, "")]));
    }

    #[test]
    fn an_old_browser_is_judged_by_its_origin() {
        assert!(passes(&[("origin", "https://docs.test")]));
        for origin in [
            "https://evil.test",
            "http://auth.test",
            "https://auth.test.evil.test",
            "null",
            "",
        ] {
            assert!(!passes(&[("origin", origin)]), "{origin}");
        }
    }

    #[test]
    fn what_is_no_browser_passes() {
        assert!(passes(&[("user-agent", "curl/8")]));
    }

    #[test]
    fn reading_is_open_to_every_site() {
        let request = crate::test_support::get("/x").with(SITE, "cross-site");
        assert_eq!(check(&request, &config_with(&[])), Ok(()));
    }
}
