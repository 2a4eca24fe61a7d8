//! What every page has around its own content: the layout, the language, the headers.

use askama::Template;
use authflow_shared::host::Host;

use super::{language::Language, settings::Settings, texts::Texts};
use crate::{
    config::Config, exchange::Exchange, failure::Failure, request::Request, response::Response,
};

const HTML: &str = "text/html; charset=utf-8";

/// What keeps a page from being framed or read by others.
const HEADERS: [(&str, &str); 5] = [
    ("vary", "Accept-Language"),
    // Not `no-referrer`: that would send the forms with `Origin: null`. And no path: the address
    // of a page may hold a token.
    ("referrer-policy", "strict-origin"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    (
        "permissions-policy",
        "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), display-capture=(), \
         encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), \
         magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), \
         publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), \
         xr-spatial-tracking=()",
    ),
];

/// What stands in `<main>`, under the heading. A page's template writes nothing else.
pub(super) trait Page: Content {
    /// The heading, which is the title too.
    fn title(&self) -> &str;

    /// Whether it is wider than a form: a page of sections.
    fn is_wide(&self) -> bool {
        false
    }
}

/// Every template. It is apart from [`Page`] so that all pages share the code that shows them.
pub(super) trait Content {
    fn html(&self) -> String;
}

impl<T: Template> Content for T {
    fn html(&self) -> String {
        let mut html = String::new();
        // Writing to a string cannot fail, and no template calls anything that can.
        let _ = self.render_into(&mut html);
        html
    }
}

#[derive(Template)]
#[template(path = "layout.html")]
struct Layout<'a> {
    t: &'static Texts,
    settings: &'a Settings,
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
    settings: &'a Settings,
    language: Language,
}

impl<'a> View<'a> {
    /// For whoever sent the request.
    pub(super) fn of<H: Host>(exchange: &Exchange<'a, H>) -> Self {
        Self::new(exchange.config, exchange.request)
    }

    pub(super) fn new(config: &'a Config, request: &Request) -> Self {
        let settings = &config.pages;
        let wanted = request.header("accept-language");
        Self {
            settings,
            language: settings.languages.choose(wanted),
        }
    }

    /// The texts in the person's language.
    pub(super) fn texts(&self) -> &'static Texts {
        self.language.texts
    }

    /// A page that answers a request for it.
    pub(super) fn shown(&self, page: &dyn Page, outcome: &'static str) -> Response {
        let html = self.layout(page, false);
        self.with_headers(Response::text(200, outcome, HTML, html))
    }

    /// A page that says what is wrong, though its own request went well.
    pub(super) fn warned(&self, page: &dyn Page, outcome: &'static str) -> Response {
        let html = self.layout(page, true);
        self.with_headers(Response::text(200, outcome, HTML, html))
    }

    /// A page that says what is wrong, with the status and the headers of `failure`.
    pub(super) fn refused(&self, page: &dyn Page, failure: Failure) -> Response {
        let html = self.layout(page, true);
        self.with_headers(failure.into_response(HTML, html))
    }

    /// A page with what is wrong, if anything is.
    pub(super) fn answer(
        &self,
        page: &dyn Page,
        failure: Option<Failure>,
        outcome: &'static str,
    ) -> Response {
        match failure {
            Some(failure) => self.refused(page, failure),
            None => self.shown(page, outcome),
        }
    }

    fn layout(&self, page: &dyn Page, is_error: bool) -> String {
        let layout = Layout {
            t: self.texts(),
            settings: self.settings,
            language: self.language.tag,
            title: page.title(),
            is_error,
            is_wide: page.is_wide(),
            content: &page.html(),
        };
        layout.html()
    }

    fn with_headers(&self, response: Response) -> Response {
        let response = response
            .header("content-language", self.language.tag)
            .header("content-security-policy", self.settings.policy.as_str());
        HEADERS.iter().fold(response, |response, (name, value)| {
            response.header(name, *value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{World, get, post_form};

    #[test]
    fn a_page_shows_whose_it_is() {
        let shown = |logo| {
            let world = World::with(&[("BRAND_NAME", "A & B"), ("BRAND_LOGO_URL", logo)]);
            let body = world.answer(&get("/auth/signin")).body.unwrap();
            assert!(body.contains("<title>Sign in – A &#38; B</title>"));
            let (_, header) = body.split_once("<header>").unwrap();
            header.split_once("</header>").unwrap().0.to_owned()
        };
        insta::assert_snapshot!(shown(""), @"A &#38; B");
        insta::assert_snapshot!(shown("/logo.png?a=b&c"), @r#"<img src="/logo.png?a=b&#38;c" alt="A &#38; B">"#);
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
        assert_eq!(title(&get("/auth/signin")), "Sign in – app.test");
        let wrong = post_form("/auth/signin", &[]);
        assert_eq!(title(&wrong), "Error: Sign in – app.test");
        let wrong = wrong.with("accept-language", "de");
        assert_eq!(title(&wrong), "Fehler: Anmelden – app.test");
    }
}
