//! What every page has around its own content: the layout, the language, the headers.

use askama::Template;
use authflow_shared::host::Host;
use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};

use super::{language::Language, texts::Texts};
use crate::{
    config::Config, exchange::Exchange, failure::Failure, request::Request, response::Response,
};

const HTML: &str = "text/html; charset=utf-8";

/// The style of every page. It stands in the page itself, so that a page is whole wherever it is
/// shown.
pub(super) const STYLE: &str = include_str!("../../templates/style.css");

/// What stands in `<main>`, under the heading. A page's template writes nothing else.
pub(super) trait Page: Template {
    /// The heading, which is the title too.
    fn title(&self) -> &str;

    /// Whether it is wider than a form: a page of sections.
    const IS_WIDE: bool = false;
}

#[derive(Template)]
#[template(path = "layout.html")]
struct Layout<'a> {
    t: &'a Texts,
    language: &'static str,
    title: &'a str,
    /// Whether something is wrong.
    is_error: bool,
    is_wide: bool,
    /// HTML.
    content: &'a str,
}

/// How one person sees the pages.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    config: &'a Config,
    language: &'a Language,
}

impl<'a> View<'a> {
    /// For whoever sent the request.
    pub(super) fn of<H: Host>(exchange: &Exchange<'a, H>) -> Self {
        Self::new(exchange.config, exchange.request)
    }

    pub(super) fn new(config: &'a Config, request: &Request) -> Self {
        let wanted = request.header("accept-language");
        let language = config.languages.choose(wanted);
        Self { config, language }
    }

    /// The texts in the person's language.
    pub(super) fn texts(&self) -> &'a Texts {
        &self.language.texts
    }

    /// A page that answers a request for it.
    pub(super) fn shown<P: Page>(&self, page: &P, outcome: &'static str) -> Response {
        let html = self.layout(page.title(), &render(page), false, P::IS_WIDE);
        self.with_headers(Response::text(200, outcome, HTML, html))
    }

    /// A page that says what is wrong, with the status and the headers of `failure`.
    pub(super) fn refused<P: Page>(&self, page: &P, failure: Failure) -> Response {
        let html = self.layout(page.title(), &render(page), true, P::IS_WIDE);
        self.with_headers(failure.into_response(HTML, html))
    }

    fn layout(&self, title: &str, content: &str, is_error: bool, is_wide: bool) -> String {
        render(&Layout {
            t: self.texts(),
            language: self.language.tag,
            title,
            is_error,
            is_wide,
            content,
        })
    }

    /// What keeps a page from being framed, scripted or read by others.
    fn with_headers(&self, response: Response) -> Response {
        response
            .header("content-language", self.language.tag)
            .header("vary", "Accept-Language")
            .header(
                "content-security-policy",
                content_security_policy(self.config),
            )
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
}

fn render(page: &impl Template) -> String {
    // Writing to a string cannot fail, and no template calls anything that can.
    page.render().unwrap_or_default()
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
    fn a_page_is_in_the_language_of_its_reader() {
        let world = World::new();
        let german = get("/auth/signin").with("accept-language", "de-CH, en;q=0.5");
        let answer = world.answer(&german);
        assert_eq!(answer.header("content-language"), Some("de"));
        assert_eq!(answer.header("vary"), Some("Accept-Language"));
        assert!(answer.main().contains("<h1>Anmelden</h1>"));
        assert!(answer.body.unwrap().contains("<html lang=\"de\">"));
        let wrong = post_form("/auth/signin", &[]).with("accept-language", "de");
        let answer = world.answer(&wrong);
        assert_eq!(answer.header("content-language"), Some("de"));
        assert!(answer.main().contains("Geben Sie ein Passwort ein."));
        let api = world.answer(&get("/api/v1/simple_auth/me").with("accept-language", "de"));
        assert_eq!(api.json()["detail"], "Sign in first.");
    }

    #[test]
    fn the_title_says_when_something_is_wrong() {
        let title = |request: &Request| {
            let body = World::new().answer(request).body.unwrap();
            let (_, title) = body.split_once("<title>").unwrap();
            title.split_once("</title>").unwrap().0.to_owned()
        };
        assert_eq!(title(&get("/auth/signin")), "Sign in");
        let wrong = post_form("/auth/signin", &[]);
        assert_eq!(title(&wrong), "Error: Sign in");
        let wrong = wrong.with("accept-language", "de");
        assert_eq!(title(&wrong), "Fehler: Anmelden");
    }
}
