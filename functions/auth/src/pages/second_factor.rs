//! `/auth/second-factor`: the code after a password or a link.
//!
//! It is what the form before is answered by; there is nothing to see at its address alone.

use askama::Template;
use authflow_shared::host::Host;

use super::{
    code_form::{Asked, CodeForm, press},
    next::Next,
    signin,
    texts::Texts,
    trouble::Trouble,
    view::{Page, View},
};
use crate::{
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    response::Response,
    second_factor::{self, Choice, Pending},
};

const PATH: &str = "/auth/second-factor";

#[derive(Template)]
#[template(path = "second_factor.html")]
struct Code<'a> {
    t: &'a Texts,
    trouble: &'a Trouble,
    is_sent: bool,
    /// None where nothing waits for a code any more.
    form: Option<CodeForm<'a>>,
    sign_in: String,
}

impl Page for Code<'_> {
    fn title(&self) -> &str {
        self.t.second_factor_title()
    }
}

/// What the form of a first factor is answered by.
pub(super) fn ask<H: Host>(exchange: &Exchange<'_, H>, pending: &Pending, next: &Next) -> Response {
    let asked = Asked::default();
    let token = pending.token.expose();
    let response = show(exchange, &pending.factors, token, next, asked);
    response.of_user(&pending.user_id)
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method != "POST" {
        let page = Next::from_query(exchange).page(exchange.config, signin::PATH);
        return Ok(Response::see_other(page, "start"));
    }
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let token = fields.sent("mfa_token").to_owned();
    let waiting = match second_factor::waiting(exchange, &token).await {
        Ok(waiting) => waiting,
        Err(failure) if failure.problem.status == 503 => return Err(failure),
        Err(failure) => return Ok(over(exchange, &next, failure)),
    };
    let asked = match press(exchange, fields, &waiting.unraised).await {
        Ok(given) => match second_factor::complete(exchange, &token, &given).await {
            Ok(opened) => {
                return Ok(opened.into_redirect(next.target(&exchange.config.common.targets)));
            }
            Err(failure) if failure.problem.status == 401 => {
                return Ok(over(exchange, &next, failure));
            }
            Err(failure) => Asked::again(&given, failure),
        },
        Err(asked) => asked,
    };
    Ok(show(
        exchange,
        &waiting.unraised.factors,
        &token,
        &next,
        asked,
    ))
}

/// Nothing waits any more.
fn over<H: Host>(exchange: &Exchange<'_, H>, next: &Next, failure: Failure) -> Response {
    let asked = Asked {
        failure: Some(failure),
        ..Asked::default()
    };
    show(exchange, &[], "", next, asked)
}

fn show<H: Host>(
    exchange: &Exchange<'_, H>,
    factors: &[Choice],
    token: &str,
    next: &Next,
    mut asked: Asked,
) -> Response {
    let view = View::of(exchange);
    let t = view.texts();
    let failure = asked.failure.take();
    let trouble = Trouble::of_any(failure.as_ref(), t);
    let form = CodeForm::new(t, PATH, next, factors, &asked, &trouble);
    let page = Code {
        t,
        trouble: &trouble,
        is_sent: asked.is_sent,
        form: form.map(|form| form.mfa_token(token)),
        sign_in: next.link(signin::PATH),
    };
    view.answer(&page, failure, "mfa_required")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::PATH;
    use crate::test_support::{
        APP, Answer, PHONE, World, get, post_form, session_at, session_of, user_with_factors,
    };

    const CHALLENGE: &str = "/factors/bbbbbbbb-0000-4000-8000-000000000002/challenge";
    const APP_CHALLENGE: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001/challenge";
    const VERIFY: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001/verify";
    const CHALLENGE_ID: &str = "cccccccc-0000-4000-8000-000000000003";

    fn world(verified: &[&str]) -> World {
        let user = user_with_factors(verified);
        World::new()
            .supabase("/token", 200, session_of(&user))
            .supabase(CHALLENGE, 200, json!({"id": CHALLENGE_ID}))
            .supabase(APP_CHALLENGE, 200, json!({"id": CHALLENGE_ID}))
            .supabase(VERIFY, 200, session_at("aal2", &user))
    }

    fn sign_in(world: &World) -> Answer {
        let fields = [
            ("email", "ada@example.test"),
            ("password", "p"),
            ("next", "/app/x"),
        ];
        world.answer(&post_form("/auth/signin", &fields))
    }

    fn hidden<'a>(answer: &'a Answer, name: &str) -> &'a str {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = answer.main().split_once(&start).unwrap_or_default();
        rest.split_once('"').unwrap_or_default().0
    }

    /// Sends the form of `page` with more fields.
    fn send(world: &World, page: &Answer, more: &[(&str, &str)]) -> Answer {
        let mut fields: Vec<_> = ["mfa_token", "factor_id", "challenge_id", "next"]
            .map(|name| (name, hidden(page, name)))
            .to_vec();
        fields.retain(|(_, value)| !value.is_empty());
        fields.extend(more);
        world.answer(&post_form(PATH, &fields))
    }

    #[test]
    fn a_password_is_answered_by_the_form_for_the_code() {
        let answer = sign_in(&world(&[APP, PHONE]));
        assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
        let main = answer
            .main()
            .replace(hidden(&answer, "mfa_token"), "[token]");
        insta::assert_snapshot!(main, @r#"

        <h1>Second factor</h1>
        <p>Enter the code that your authenticator app shows.</p>
        <form method="post" action="/auth/second-factor">
        <input type="hidden" name="mfa_token" value="[token]">
        <input type="hidden" name="factor_id" value="aaaaaaaa-0000-4000-8000-000000000001">
        <input type="hidden" name="next" value="https://app.test/app/x">
        <div class="field">
        <label for="code">Code</label>
        <input id="code" name="code" class="code" type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="10" value="" required>
        </div>
        <button>Confirm</button>
        <button class="second" name="use" value="bbbbbbbb-0000-4000-8000-000000000002" formnovalidate>Use instead: my phone</button>
        </form>
        <p class="links"><a href="/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp%2Fx">Sign in</a></p>
        "#);
    }

    #[test]
    fn the_right_code_leads_on_with_the_cookie() {
        let world = world(&[APP]);
        let answer = send(&world, &sign_in(&world), &[("code", "123 456")]);
        assert_eq!(answer.status, 303);
        assert_eq!(answer.header("location"), Some("https://app.test/app/x"));
        assert!(answer.header("set-cookie").is_some());
    }

    #[test]
    fn a_wrong_code_brings_the_form_back_without_it() {
        let world = world(&[APP, PHONE]).supabase_refuses(VERIFY, "mfa_verification_failed");
        let form = sign_in(&world);
        let answer = send(&world, &form, &[("code", "424242")]);
        assert_eq!(answer.status, 422);
        assert!(answer.main().contains("aria-describedby=\"code-note\""));
        assert!(!answer.main().contains("424242"));
        for name in ["mfa_token", "factor_id", "next"] {
            assert_eq!(hidden(&answer, name), hidden(&form, name), "{name}");
        }
    }

    #[test]
    fn a_phone_has_its_code_sent_by_a_button() {
        let world = world(&[PHONE]);
        let form = sign_in(&world);
        assert!(
            !form.main().contains("name=\"code\""),
            "there is no code yet"
        );
        assert_eq!(world.asked().len(), 1, "nothing is sent by itself");
        let answer = send(&world, &form, &[("send", "1")]);
        assert_eq!(answer.status, 200);
        assert!(answer.main().contains("role=\"status\""));
        assert_eq!(hidden(&answer, "challenge_id"), CHALLENGE_ID);
        assert!(answer.main().contains("autocomplete=\"one-time-code\""));
        assert!(answer.main().contains("Send another code"));
    }

    #[test]
    fn another_factor_can_be_used_and_forgets_the_challenge() {
        let world = world(&[APP, PHONE]);
        let phone = send(&world, &sign_in(&world), &[("use", PHONE)]);
        assert_eq!(hidden(&phone, "factor_id"), PHONE);
        let sent = send(&world, &phone, &[("send", "1")]);
        let app = send(&world, &sent, &[("use", APP)]);
        assert_eq!(
            (hidden(&app, "factor_id"), hidden(&app, "challenge_id")),
            (APP, "")
        );
    }

    #[test]
    fn a_wait_that_is_over_leads_to_the_sign_in_page() {
        let world = world(&[APP]);
        let form = sign_in(&world);
        send(&world, &form, &[("code", "123456")]);
        for answer in [
            send(&world, &form, &[("code", "654321")]),
            world.answer(&post_form(PATH, &[("next", "/app/x")])),
        ] {
            assert_eq!(answer.status, 401);
            assert!(!answer.main().contains("<form"));
            let link = "href=\"/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp%2Fx\"";
            assert!(answer.main().contains(link));
        }
    }

    #[test]
    fn there_is_nothing_to_see_at_its_address() {
        let answer = World::new().answer(&get(PATH).query("next=%2Fapp"));
        let expected = "https://app.test/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp";
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some(expected))
        );
    }
}
