//! The sign-in page while nobody can sign in. The gateway asks for it while all is well, and shows it
//! when this worker does not answer; whoever opens it here finds the way to the sign-in page on it.
//!
//! It is the same for everybody but for its language, so that it may be shown to everybody.

use askama::Template;
use authflow_shared::signin_page::{AGAIN, SECONDS};

use super::{
    field::Field,
    texts::Texts,
    trouble::Trouble,
    view::{Page, View},
};
use crate::{config::Config, request::Request, response::Response};

#[derive(Template)]
#[template(path = "unavailable.html")]
struct Unavailable<'a> {
    t: &'static Texts,
    /// What stands before the seconds.
    before: &'static str,
    /// What stands behind them; `None` where the text does not speak of them.
    after: Option<&'static str>,
    email: Field<'a>,
    password: Field<'a>,
}

impl Page for Unavailable<'_> {
    fn title(&self) -> &str {
        self.t.signin_title()
    }
}

/// Shows the page; nothing of `request` but its language matters.
pub(crate) fn handle(config: &Config, request: &Request) -> Response {
    let view = View::new(config, request);
    let t = view.texts();
    let text = t.signin_unavailable();
    let (before, after) = match text.split_once("{}") {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    };
    let page = Unavailable {
        t,
        before,
        after,
        email: Field::email(t, "", Trouble::none()),
        password: Field::password(t, Trouble::none()),
    };
    view.warned(&page, "signin_unavailable")
}

#[cfg(test)]
mod tests {
    use authflow_shared::signin_page::{AGAIN, LANGUAGES, PATH, SECONDS};

    use crate::{
        pages::texts,
        test_support::{World, get, post_form},
    };

    #[test]
    fn it_is_the_sign_in_page_in_which_nothing_can_be_typed() {
        let answer = World::new().answer(&get(PATH));
        assert_eq!(answer.status, 200);
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Sign in</h1>
        <div class="alert" role="alert">
        <p>Sign-in is unavailable. Try again in <span id="seconds">10</span> seconds.</p>
        </div>
        <fieldset disabled>
        <div class="field">
        <label for="email">E-mail address</label>
        <input id="email" name="email" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" value="" required>
        </div>
        <div class="field">
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" value="" required>
        </div>
        </fieldset>
        <p><a class="button" id="again" href="/auth/signin">Try again</a></p>
        "#);
        let body = answer.body.unwrap();
        assert!(body.contains("<title>Error: Sign in – app.test</title>"));
        assert!(!body.contains("<form") && !body.contains("<script"));
    }

    #[test]
    fn it_has_nothing_of_whoever_asks_for_it() {
        let world = World::new();
        let plain = world.answer(&get(PATH));
        let token = world.signed_in();
        world.host.forget();
        let request = get(PATH)
            .query("next=/app/secret&reason=session_expired&email=ada@example.test")
            .cookie(&token)
            .with("referer", "https://app.test/secret");
        let answer = world.answer(&request);
        assert_eq!(answer.body, plain.body);
        assert!(answer.header("set-cookie").is_none());
        assert!(world.host.calls().is_empty());
    }

    #[test]
    fn the_gateway_gets_it_though_it_has_no_address() {
        let mut request = get(PATH);
        request.headers.clear();
        assert_eq!(World::new().answer(&request).status, 200);
        assert_eq!(World::new().answer(&post_form(PATH, &[])).status, 405);
    }

    #[test]
    fn it_speaks_every_language_that_the_gateway_asks_for() {
        assert_eq!(LANGUAGES, texts::LANGUAGES.map(|language| language.tag));
        let answer = World::new().answer(&get(PATH).with("accept-language", "de"));
        assert_eq!(answer.header("content-language"), Some("de"));
        assert!(answer.main().contains("Die Anmeldung ist nicht verfügbar."));
        assert!(answer.main().contains(SECONDS) && answer.main().contains(AGAIN));
    }

    #[test]
    fn an_operators_text_cannot_pass_for_the_link() {
        let texts = r#"{"en": {"signin_unavailable": "Back soon. id=\"again\" href=\"/auth/signin\"", "signin_title": "id=\"again\" href=\"/auth/signin\""}}"#;
        let answer = World::with(&[("TEXTS", texts)]).answer(&get(PATH));
        let body = answer.body.unwrap();
        assert_eq!(body.matches(AGAIN).count(), 1);
        assert!(!body.contains(SECONDS));
    }
}
