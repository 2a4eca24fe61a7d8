//! The pages for people: forms that work without any script.
//!
//! A form POSTs to its own address and is answered by a redirect, or by itself again with what
//! was typed (but for passwords) and what is wrong with it.

pub(crate) mod confirm;
mod next;
pub(crate) mod resend;
pub(crate) mod signin;
pub(crate) mod signout;
pub(crate) mod signup;
mod trouble;

use askama::Template;
use authflow_shared::host::Host;
use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

use self::next::Next;
use crate::{
    config::Config, exchange::Exchange, failure::Failure, open_session::Entry, response::Response,
};

const HTML: &str = "text/html; charset=utf-8";

/// The style of every page. It stands in the page itself, so that a page is whole wherever it is
/// shown.
const STYLE: &str = include_str!("../../templates/style.css");

/// What went wrong where there is no form to say it on.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
}

/// `/auth`: leads to the sign-in page.
pub(crate) fn start<H: Host>(exchange: &Exchange<'_, H>) -> Response {
    let next = Next::from_query(exchange);
    Response::see_other(next.page(exchange.config, signin::PATH), "start")
}

/// What a browser gets after a first factor.
fn go_on<H: Host>(exchange: &Exchange<'_, H>, entry: Entry, next: &Next) -> Response {
    match entry {
        Entry::Opened(opened) => {
            let target = next.target(&exchange.config.common.targets);
            opened.into_redirect(target)
        }
        Entry::SecondFactor(pending) => pending.into_json(),
    }
}

/// A failure as a page.
pub(crate) fn failed(failure: Failure, config: &Config) -> Response {
    let page = Message {
        title: failure.problem.title,
        text: &failure.problem.detail,
    };
    let body = render(&page);
    with_headers(failure.into_response(HTML, body), config)
}

/// A page that answers a request for it.
fn shown(page: &impl Template, outcome: &'static str, config: &Config) -> Response {
    with_headers(Response::text(200, outcome, HTML, render(page)), config)
}

/// A page that says what is wrong, with the status and the headers of `failure`.
fn refused(page: &impl Template, failure: Failure, config: &Config) -> Response {
    with_headers(failure.into_response(HTML, render(page)), config)
}

fn render(page: &impl Template) -> String {
    // Writing to a string cannot fail, and no template calls anything that can.
    page.render().unwrap_or_default()
}

/// What keeps a page from being framed, scripted or read by others.
fn with_headers(response: Response, config: &Config) -> Response {
    response
        .header("content-security-policy", content_security_policy(config))
        // Not `no-referrer`: that would send the forms with `Origin: null`. And no path: the
        // address of a page may hold a token.
        .header("referrer-policy", "strict-origin")
        .header("x-frame-options", "DENY")
        .header("cross-origin-opener-policy", "same-origin")
        .header(
            "permissions-policy",
            "camera=(), geolocation=(), microphone=()",
        )
}

/// Nothing runs and nothing is loaded. After a sign-in the form leads on to an application, and
/// Chromium applies `form-action` to that redirect too.
fn content_security_policy(config: &Config) -> String {
    let mut policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self'",
        Base64::encode_string(&Sha256::digest(STYLE))
    );
    let mut origins: Vec<_> = config.common.targets.allowed.iter().collect();
    origins.dedup();
    for origin in origins {
        policy.push(' ');
        policy.push_str(origin.as_str());
    }
    policy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{World, get, post_form};

    #[test]
    fn a_page_holds_its_style_and_nothing_else_may_run() {
        let answer = World::new().answer(&get("/auth/signin"));
        let policy = answer.header("content-security-policy").unwrap();
        let hash = Base64::encode_string(&Sha256::digest(STYLE));
        insta::assert_snapshot!(policy.replace(&hash, "[hash]"), @"default-src 'none'; style-src 'sha256-[hash]'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' https://app.test");
        let body = answer.body.unwrap();
        assert!(body.contains(STYLE));
        assert!(
            !body.contains("<script") && !body.contains(" style="),
            "{body}"
        );
    }

    #[test]
    fn auth_leads_to_the_sign_in_page_and_keeps_where_to_go_on() {
        for path in ["/auth", "/auth/"] {
            let answer = World::new().answer(&get(path).query("next=/app/x"));
            assert_eq!(answer.status, 303);
            assert_eq!(
                answer.header("location"),
                Some("https://app.test/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp%2Fx")
            );
        }
    }

    #[test]
    fn what_goes_wrong_on_a_page_is_told_by_a_page() {
        let answer = World::new().answer(&get("/auth/nowhere"));
        assert_eq!(answer.status, 404);
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        let form = post_form("/auth/signin", &[]).with("sec-fetch-site", "cross-site");
        let answer = World::new().answer(&form);
        assert_eq!(answer.status, 403);
        assert!(answer.header("set-cookie").is_none());
    }

    #[test]
    fn head_is_get_without_the_body() {
        let mut request = get("/auth/signin");
        request.method = "HEAD".into();
        let answer = World::new().answer(&request);
        assert_eq!((answer.status, answer.body), (200, None));
    }
}
