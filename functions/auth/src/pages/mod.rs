//! The pages for people: forms that work without any script.
//!
//! A form POSTs to its own address and is answered by a redirect, or by itself again with what
//! was typed (but for passwords) and what is wrong with it.
//!
//! A page that is a sentence, a form and links is a [`PlainForm`](plain_form::PlainForm), as in
//! `resend.rs`. To add any other, take `signin.rs` and `templates/signin.html` as the pattern:
//!
//! 1. `pages/NAME.rs`: a struct with `t: &'static Texts` and what the page shows, a `#[template]`,
//!    and [`Page`] for its title; `is_wide` for a page of sections.
//! 2. `templates/NAME.html`: what stands under the heading, and nothing else. Every sentence is
//!    `{{ t.name() }}`; `{{ trouble }}`, `{{ next }}` and each [`Field`](field::Field) show
//!    themselves.
//! 3. Its texts: the name into the list in `texts/mod.rs`, the text into every language beside it;
//!    for a new [`Failure`] `error_` and its code, for a field's error `field_FIELD_CODE`.
//! 4. Its handler: [`View::of`], then `view.shown(&page, "outcome")`, and `view.refused(&page,
//!    failure)` with [`Trouble::of_failure`](trouble::Trouble::of_failure).
//! 5. Its address: a line in `endpoint.rs`, an arm in `app.rs`.
//! 6. Its states, with its errors: a line each in `tests/support/tour`, where tests of all pages find them.
//!
//! Classes: buttons are `second` and `danger`, a link that looks like one `button`; boxes `note`,
//! `done` and `alert`, of `<p>`s; `links` under a form; `faint` text; a `mark` beside a name;
//! `<ul class="list">` of what has a button each; `qr` an image to scan. `<pre>` is a secret,
//! `<nav>` with `aria-current` leads from one wide page to the next, and their `<section>`s have an
//! `<h2>`.

pub(crate) mod account;
pub(crate) mod admin;
mod again;
mod brand;
mod code_form;
mod color;
pub(crate) mod confirm;
mod device;
pub(crate) mod factors;
mod field;
pub(crate) mod forgot;
mod language;
mod next;
pub(crate) mod oauth;
mod plain_form;
pub(crate) mod resend;
pub(crate) mod reset;
pub(crate) mod second_factor;
mod settings;
pub(crate) mod signin;
pub(crate) mod signout;
pub(crate) mod signup;
pub(crate) mod step_up;
mod texts;
mod trouble;
pub(crate) mod unavailable;
mod view;

use askama::Template;
use authflow_shared::host::Host;

pub(crate) use self::settings::Settings;
use self::{
    next::Next,
    view::{Page, View},
};
use crate::{
    config::Config, exchange::Exchange, failure::Failure, open_session::Entry, request::Request,
    response::Response,
};

/// What went wrong where there is no form to say it on.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
    /// Where it can be put right, and what stands on the link there.
    way_on: String,
    way_on_text: &'a str,
}

impl Page for Message<'_> {
    fn title(&self) -> &str {
        self.title
    }
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
        Entry::SecondFactor(pending) => second_factor::ask(exchange, &pending, next),
    }
}

/// Where `failure` is that nobody is signed in, leads to the sign-in page, and then on to `next`.
fn sign_in_first(failure: Failure, config: &Config, next: &Next) -> Result<Response, Failure> {
    if failure.problem.code != "no_session" {
        return Err(failure);
    }
    Ok(failure.into_redirect(next.page(config, signin::PATH)))
}

/// A failure as a page: with the form that was sent, if that may be sent again.
pub(crate) fn failed(failure: Failure, config: &Config, request: &Request) -> Response {
    let next = match failure.problem.code {
        "step_up_required" => Next::back(config, request),
        _ => Next::NONE,
    };
    let view = View::new(config, request);
    again::page(view, request, failure).unwrap_or_else(|failure| said(view, &next, failure))
}

/// A failure as a page that leads to the sign-in page, or to where the second factor is given.
fn said(view: View<'_>, next: &Next, failure: Failure) -> Response {
    let t = view.texts();
    let title = match failure.problem.code {
        "not_found" => t.not_found_title(),
        _ => t.failed_title(),
    };
    let detail = failure.problem.detail.clone();
    let text = t.error(failure.text()).unwrap_or(&detail);
    let (way_on, way_on_text) = match failure.problem.code {
        "step_up_required" => (step_up::PATH, t.step_up_title()),
        _ => (signin::PATH, t.signin_title()),
    };
    let page = Message {
        title,
        text,
        way_on: next.link(way_on),
        way_on_text,
    };
    view.refused(&page, failure)
}

#[cfg(test)]
mod tests {
    use crate::test_support::{World, get, post_form};

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
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Not found</h1>
        <p>There is nothing here.</p>
        <p class="links"><a href="/auth/signin">Sign in</a></p>
        "#);
        let form = post_form("/auth/signin", &[]).with("sec-fetch-site", "cross-site");
        let answer = World::new().answer(&form);
        assert_eq!(answer.status, 403);
        assert!(answer.main().contains("<h1>That did not work</h1>"));
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
