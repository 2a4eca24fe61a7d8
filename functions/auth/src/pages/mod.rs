//! The pages for people: forms that work without any script.
//!
//! A form POSTs to its own address and is answered by a redirect, or by itself again with what
//! was typed (but for passwords) and what is wrong with it.
//!
//! To add a page that is a sentence, a form and links, fill in a [`PlainForm`] as `resend.rs` does: each
//! template of its own is a kilobyte more. For any other, take `signin.rs` and `templates/signin.html` as
//! the pattern:
//!
//! 1. `pages/NAME.rs`: a struct with `t: &'static Texts` and what the page shows, a `#[template]`,
//!    and [`Page`] for its title; `IS_WIDE` for a page of sections.
//! 2. `templates/NAME.html`: what stands under the heading, and nothing else. Every sentence is
//!    `{{ t.name() }}`; `{{ trouble }}`, `{{ next }}` and each [`Field`](field::Field) show
//!    themselves.
//! 3. Its texts: the name into the list in `texts/mod.rs`, the text into every language beside it;
//!    for a new [`Failure`] `error_` and its code, for a field's error `field_FIELD_CODE`.
//! 4. Its handler: [`View::of`], then `view.shown(&page, "outcome")`, and `view.refused(&page,
//!    failure)` with [`Trouble::of_failure`](trouble::Trouble::of_failure).
//! 5. Its address: a line in `endpoint.rs`, an arm in `app.rs`.
//!
//! Classes: buttons are `second` and `danger`, a link that looks like one `button`; boxes `note`,
//! `done` and `alert`, of `<p>`s; `links` under a form; `faint` text; a `mark` beside a name; `<ul class="list">` of what
//! has a button each; `qr` an image to scan. `<pre>` is a secret, `<nav>` with `aria-current` leads
//! from one wide page to the next, and their `<section>`s have an `<h2>`.

pub(crate) mod account;
mod brand;
mod color;
pub(crate) mod confirm;
mod field;
pub(crate) mod forgot;
mod language;
mod next;
mod plain_form;
pub(crate) mod resend;
pub(crate) mod reset;
mod settings;
pub(crate) mod signin;
pub(crate) mod signout;
pub(crate) mod signup;
mod texts;
mod trouble;
mod view;

use authflow_shared::host::Host;

pub(crate) use self::settings::Settings;
use self::{next::Next, plain_form::PlainForm, trouble::Trouble, view::View};
use crate::{
    config::Config, exchange::Exchange, failure::Failure, open_session::Entry, request::Request,
    response::Response,
};

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
pub(crate) fn failed(failure: Failure, config: &Config, request: &Request) -> Response {
    let view = View::new(config, request);
    let t = view.texts();
    let title = match failure.problem.code {
        "not_found" => t.not_found_title(),
        _ => t.failed_title(),
    };
    let detail = failure.problem.detail.clone();
    let text = t.error(failure.problem.code).unwrap_or(&detail);
    let page = PlainForm {
        text,
        links: vec![(signin::PATH.to_owned(), t.signin_title())],
        ..PlainForm::new(t, title, &Next::NONE, Trouble::none())
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
