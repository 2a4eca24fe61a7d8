//! `/auth/reset`: where the link in the mail for a forgotten password leads.
//!
//! Opening the page does nothing yet: mail scanners open every link, and would use it up. The form
//! takes the new password; one that is refused comes back with the link still good. Who has a
//! second factor is asked for its code on the same page, once the link has proved whose it is; a
//! phone has it sent by a button.

use authflow_shared::{host::Host, secret::Secret};

use super::{
    field::{Field, Kind},
    forgot,
    next::Next,
    plain_form::PlainForm,
    signin,
    texts::Texts,
    trouble::Trouble,
    view::View,
};
use crate::{
    api::{reset_password, verify_email::read_token},
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    reset_link,
    response::Response,
    second_factor::{self, Choice},
};

const PATH: &str = "/auth/reset";

/// The factors of which one has to be given, and what names the code that was sent to the only one.
#[derive(Debug, Default)]
struct Asked {
    factors: Vec<Choice>,
    challenge_id: String,
}

/// The form for `link`; without a link there is only the way to a new one.
fn page<'a>(
    t: &'static Texts,
    next: &'a Next,
    link: Option<&'a Secret>,
    asked: &'a Asked,
    trouble: &'a Trouble,
) -> PlainForm<'a> {
    let mut page = PlainForm {
        factors: &asked.factors,
        button: t.reset_button(),
        ..PlainForm::new(t, t.reset_title(), next, trouble)
    };
    let Some(link) = link else {
        page.links = vec![
            (next.link(forgot::PATH), t.reset_again()),
            (next.link(signin::PATH), t.signin_title()),
        ];
        return page;
    };
    page.action = Some(PATH);
    page.hidden.push(("token_hash", link.expose()));
    page.fields.push(Field::new_password(t, trouble));
    if !asked.challenge_id.is_empty() {
        page.hidden.push(("challenge_id", &asked.challenge_id));
        page.text = t.code_sent();
    } else if !asked.factors.is_empty() {
        page.text = t.reset_code_text();
    }
    if !asked.factors.is_empty() {
        page.fields
            .push(Field::new(Kind::Code, "code", t.code_label(), trouble));
    }
    page
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return submit(exchange).await;
    }
    let view = View::of(exchange);
    let next = Next::from_query(exchange);
    let mut fields = Fields::from_query(exchange.request)?;
    let link = read_token(&mut fields);
    let kind = fields.choice("type", &["recovery"], Some("recovery"));
    match fields.finish(link.zip(kind)) {
        Ok((link, _)) => {
            let asked = Asked::default();
            let page = page(view.texts(), &next, Some(&link), &asked, Trouble::none());
            Ok(view.shown(&page, "reset_form"))
        }
        Err(failure) => Ok(refused(view, &next, None, &Asked::default(), failure)),
    }
}

async fn submit<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let view = View::of(exchange);
    let mut fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let Some(link) = read_token(&mut fields) else {
        let failure = Failure::validation_failed(Vec::new());
        return Ok(refused(view, &next, None, &Asked::default(), failure));
    };
    if fields.has("send") {
        let sent = send(exchange, &link, fields.sent("send")).await;
        return Ok(match sent {
            Ok(asked) => {
                let page = page(view.texts(), &next, Some(&link), &asked, Trouble::none());
                view.shown(&page, "code_sent")
            }
            Err(failure) => refused_by(exchange, view, &next, &link, None, failure).await,
        });
    }
    let was_asked = fields.has("factor_id");
    let challenge_id = fields.sent("challenge_id").to_owned();
    let factor_id = fields.sent("factor_id").to_owned();
    let redeemed = match reset_password::read_reset(fields) {
        Ok(reset) => reset_link::redeem(exchange, &reset).await,
        Err(failure) => Err(failure),
    };
    let failure = match redeemed {
        Ok(user_id) => {
            let reason = format!("reason={}", signin::PASSWORD_CHANGED);
            let page = next.page_with(exchange.config, signin::PATH, &reason);
            return Ok(Response::see_other(page, "password_changed").of_user(&user_id));
        }
        Err(failure) => failure,
    };
    // Whether a code is asked for is looked up, not believed: one that was right is not needed
    // again.
    if !was_asked && !failure.is_about("code") {
        let link = (failure.problem.status != 401).then_some(&link);
        return Ok(refused(view, &next, link, &Asked::default(), failure));
    }
    let sent = (!challenge_id.is_empty()).then_some((factor_id, challenge_id));
    Ok(refused_by(exchange, view, &next, &link, sent, failure).await)
}

/// Has a code sent to the phone `factor_id`.
async fn send<H: Host>(
    exchange: &Exchange<'_, H>,
    link: &Secret,
    factor_id: &str,
) -> Result<Asked, Failure> {
    let mut unraised = reset_link::asked_for_code(exchange, link).await?;
    let challenge_id = second_factor::send_code(exchange, &unraised, factor_id).await?;
    unraised.factors.retain(|factor| factor.id == factor_id);
    Ok(Asked {
        factors: unraised.factors,
        challenge_id,
    })
}

/// The form with the factors of the link's owner, and the code that was `sent` to one of them.
async fn refused_by<H: Host>(
    exchange: &Exchange<'_, H>,
    view: View<'_>,
    next: &Next,
    link: &Secret,
    sent: Option<(String, String)>,
    mut failure: Failure,
) -> Response {
    let mut asked = Asked::default();
    match reset_link::factors(exchange, link).await {
        Ok(factors) => asked.factors = factors,
        Err(other) => failure = other,
    }
    if let Some((factor_id, challenge_id)) = sent
        && asked.factors.iter().any(|factor| factor.id == factor_id)
    {
        asked.factors.retain(|factor| factor.id == factor_id);
        asked.challenge_id = challenge_id;
    }
    let link = (failure.problem.status != 401).then_some(link);
    refused(view, next, link, &asked, failure)
}

fn refused(
    view: View<'_>,
    next: &Next,
    link: Option<&Secret>,
    asked: &Asked,
    failure: Failure,
) -> Response {
    let t = view.texts();
    let trouble = match (link, failure.problem.code) {
        (None, "validation_failed") => Trouble::saying(t.reset_incomplete()),
        _ => Trouble::of_failure(&failure, t),
    };
    view.refused(&page(t, next, link, asked, &trouble), failure)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::PATH;
    use crate::test_support::{Answer, LOST, World, get, post_form, session, session_of, user};

    const FACTOR: &str = "5f6b7c8d-0000-4000-8000-0000000000fa";

    fn world() -> World {
        World::new()
            .supabase("/verify", 200, session())
            .supabase("/user", 200, user())
            .supabase("/logout", 204, Value::Null)
    }

    /// A user whose factors have these names.
    fn with_factors(names: &[&str]) -> Value {
        let factor = |(index, name): (usize, &&str)| {
            let id = format!("5f6b7c8d-0000-4000-8000-0000000000f{:x}", 10 + index);
            json!({"id": id, "status": "verified", "factor_type": "totp", "friendly_name": name})
        };
        let mut user = user();
        user["factors"] = names.iter().enumerate().map(factor).collect();
        session_of(&user)
    }

    fn submit(world: &World, further: &[(&str, &str)]) -> Answer {
        let fields = [
            ("token_hash", "0a1b"),
            ("password", "new words"),
            ("next", "/app/x"),
        ];
        world.answer(&post_form(PATH, &[&fields, further].concat()))
    }

    #[test]
    fn opening_the_link_uses_nothing_up() {
        let world = world();
        let query = "token_hash=pkce_0a1b&type=recovery&next=https%3A%2F%2Fapp.test%2Fapp";
        let answer = world.answer(&get(PATH).query(query));
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Choose a new password</h1>
        <form method="post" action="/auth/reset">
        <input type="hidden" name="next" value="https://app.test/app">
        <input type="hidden" name="token_hash" value="pkce_0a1b">
        <div class="field">
        <label for="password">Choose a password</label>
        <div id="password-note">
        <p class="hint">A few words that have nothing to do with each other make a good one.</p>
        </div>
        <input id="password" name="password" type="password" autocomplete="new-password" value="" required aria-describedby="password-note">
        </div>
        <button>Set the password</button>
        </form>
        "#);
        assert!(world.host.calls().is_empty());
    }

    #[test]
    fn a_new_password_leads_to_the_sign_in_page_which_says_so() {
        let world = world();
        let token = world.signed_in();
        let answer = submit(&world, &[]);
        assert_eq!(answer.status, 303);
        let location = "https://app.test/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp%2Fx&reason=password_changed";
        assert_eq!(answer.header("location"), Some(location));
        let (id, _) = token.split_once('.').unwrap();
        assert!(world.redis(&format!("session:{id}")).is_none());
    }

    #[test]
    fn a_refused_password_comes_back_with_the_link_still_good() {
        let weak = json!({"code": "weak_password", "weak_password": {"reasons": ["length"]}});
        for refusal in [weak, json!({"code": "same_password"})] {
            let code = refusal["code"].clone();
            let world = world().supabase("/user", 422, refusal);
            let answer = submit(&world, &[]);
            assert_eq!(answer.status, 422, "{code}");
            assert!(answer.main().contains("value=\"0a1b\""));
            assert!(answer.main().contains("aria-invalid"), "{code}");
            assert!(!answer.main().contains("new words"));
            let world = world.supabase("/user", 200, user());
            assert_eq!(submit(&world, &[]).status, 303, "{code}");
        }
        let empty = post_form(PATH, &[("token_hash", "0a1b"), ("password", "")]);
        let world = world();
        let answer = world.answer(&empty);
        assert_eq!(answer.status, 422);
        assert!(answer.main().contains("value=\"0a1b\""));
        assert!(world.host.calls().is_empty());
    }

    #[test]
    fn a_link_that_is_over_leads_to_a_new_one() {
        let world = world().supabase_refuses("/verify", "otp_expired");
        let answer = submit(&world, &[]);
        assert_eq!(answer.status, 401);
        insta::assert_snapshot!(answer.main(), @r#"

        <h1>Choose a new password</h1>
        <div class="alert" role="alert" tabindex="-1" autofocus>
        <p>The link has expired or has been used before. Ask for a new one.</p>
        </div>
        <p class="links"><a href="/auth/forgot?next=https%3A%2F%2Fapp.test%2Fapp%2Fx">Send a new mail</a> <a href="/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp%2Fx">Sign in</a></p>
        "#);
    }

    #[test]
    fn a_link_that_is_not_whole_says_so() {
        for query in [
            "",
            "type=recovery",
            "token_hash=%3Cb%3E&type=recovery",
            "token_hash=0a1b&type=signup",
        ] {
            let answer = World::new().answer(&get(PATH).query(query));
            assert_eq!(answer.status, 422, "{query}");
            assert!(!answer.main().contains("<form"), "{query}");
            assert!(answer.main().contains("not complete"), "{query}");
        }
        let form = post_form(PATH, &[("token_hash", "a&b"), ("password", "new")]);
        let answer = World::new().answer(&form);
        assert_eq!(answer.status, 422);
        assert!(!answer.main().contains("<form"));
    }

    #[test]
    fn whoever_has_a_second_factor_is_asked_for_its_code() {
        let world = world().supabase("/verify", 200, with_factors(&["Phone"]));
        let answer = submit(&world, &[]);
        assert_eq!(answer.status, 422);
        insta::assert_snapshot!(answer.main(), @r##"

        <h1>Choose a new password</h1>
        <div class="alert" role="alert" tabindex="-1" autofocus>
        <p>Please correct this:</p>
        <ul>
        <li><a href="#code">This account has a second factor. Enter its code.</a></li>
        </ul>
        </div>
        <p>Your account has a second factor: enter its code and, once more, your new password.</p>
        <form method="post" action="/auth/reset">
        <input type="hidden" name="next" value="https://app.test/app/x">
        <input type="hidden" name="token_hash" value="0a1b">
        <div class="field">
        <label for="password">Choose a password</label>
        <div id="password-note">
        <p class="hint">A few words that have nothing to do with each other make a good one.</p>
        </div>
        <input id="password" name="password" type="password" autocomplete="new-password" value="" required aria-describedby="password-note">
        </div>
        <div class="field">
        <label for="code">Code</label>
        <div id="code-note">
        <p class="error">This account has a second factor. Enter its code.</p>
        </div>
        <input id="code" name="code" class="code" type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="10" value="" required aria-invalid="true" aria-describedby="code-note">
        </div>
        <input type="hidden" name="factor_id" value="5f6b7c8d-0000-4000-8000-0000000000fa">
        <button>Set the password</button>
        </form>
        "##);
        assert_eq!(world.asked(), ["/verify"], "no password is set yet");

        // The code alone is wrong; then it is right.
        let given = [("factor_id", FACTOR), ("code", "123 456")];
        let challenge = format!("/factors/{FACTOR}/challenge").leak();
        let verify = format!("/factors/{FACTOR}/verify").leak();
        let id = "5f6b7c8d-0000-4000-8000-0000000000c1";
        let world = world
            .supabase(challenge, 200, json!({"id": id, "type": "totp"}))
            .supabase_refuses(verify, "mfa_verification_failed");
        let wrong = submit(&world, &given);
        assert_eq!(wrong.status, 422);
        assert!(wrong.main().contains(FACTOR) && wrong.main().contains("name=\"code\""));
        assert!(!wrong.main().contains("123"));
        let mut raised = session();
        raised["access_token"] =
            "SUPABASE.eyJhYWwiOiJhYWwyIiwiZXhwIjoxODAwMDA5MDAwfQ.ACCESS".into();
        let world = world
            .supabase(verify, 200, raised)
            .supabase_refuses("/user", "same_password");
        let weak = submit(&world, &[("factor_id", FACTOR), ("code", "654321")]);
        assert_eq!(weak.status, 422);
        let asks = weak.main().contains("name=\"code\"");
        assert!(!asks, "a code that was right is not asked for again");
        let world = world.supabase("/user", 200, user());
        assert_eq!(submit(&world, &[]).status, 303);
    }

    #[test]
    fn of_several_factors_one_is_chosen() {
        let world = world().supabase("/verify", 200, with_factors(&["Phone", ""]));
        let answer = submit(&world, &[]);
        let main = answer.main();
        assert!(main.contains("<select id=\"factor_id\""), "{main}");
        assert!(main.contains(">Phone</option>") && main.contains(">Authenticator app</option>"));
    }

    #[test]
    fn a_phone_has_its_code_sent_by_a_button() {
        let mut session = with_factors(&["Mine"]);
        session["user"]["factors"][0]["factor_type"] = json!("phone");
        let challenge = format!("/factors/{FACTOR}/challenge").leak();
        let verify = format!("/factors/{FACTOR}/verify").leak();
        let challenge_id = "5f6b7c8d-0000-4000-8000-0000000000cc";
        let world = world()
            .supabase("/verify", 200, session)
            .supabase(challenge, 200, json!({"id": challenge_id}))
            .supabase_refuses(verify, "mfa_verification_failed");
        let asked = submit(&world, &[]);
        let button = format!(r#"name="send" value="{FACTOR}" formnovalidate"#);
        assert!(asked.main().contains(&button), "{}", asked.main());

        let sent = submit(&world, &[("send", FACTOR)]);
        assert_eq!(sent.status, 200);
        let hidden = format!(r#"name="challenge_id" value="{challenge_id}""#);
        assert!(sent.main().contains(&hidden), "{}", sent.main());

        let code = [
            ("factor_id", FACTOR),
            ("challenge_id", challenge_id),
            ("code", "123456"),
        ];
        let wrong = submit(&world, &code);
        assert_eq!(wrong.status, 422);
        assert!(wrong.main().contains(&hidden), "it is asked for again");
        assert!(!world.asked().contains(&"/user".to_owned()));

        let elsewhere = submit(&world, &[("send", "5f6b7c8d-0000-4000-8000-0000000000ff")]);
        assert_eq!(elsewhere.status, 422, "it is nobody else's phone");
    }

    #[test]
    fn nobody_asks_for_a_code_where_there_is_no_factor() {
        let world = world().supabase_refuses("/user", "weak_password");
        let answer = submit(&world, &[("factor_id", FACTOR)]);
        assert_eq!(answer.status, 422);
        assert!(!answer.main().contains("name=\"code\""));
    }

    #[test]
    fn a_link_that_may_still_be_good_can_be_tried_again() {
        for breakage in LOST {
            let world = world();
            world.break_after(0, breakage);
            let answer = submit(&world, &[]);
            assert_eq!(answer.status, 503);
            assert!(answer.main().contains("value=\"0a1b\""));
        }
    }

    #[test]
    fn another_site_cannot_send_the_form() {
        let world = world();
        let form = post_form(PATH, &[("token_hash", "0a1b"), ("password", "new")]);
        let answer = world.answer(&form.with("sec-fetch-site", "cross-site"));
        assert_eq!(answer.status, 403);
        assert!(world.host.calls().is_empty());
    }
}
