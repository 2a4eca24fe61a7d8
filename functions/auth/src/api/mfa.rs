//! `POST /api/v1/simple_auth/mfa/challenge`: a code is sent; `…/verify`: a code ends a sign-in that
//! waits for it; `…/step-up`: a code raises the session of somebody who is signed in.

use authflow_shared::{host::Host, json::Object, secret::Secret};

use crate::{
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    own_factors, reset_link,
    response::Response,
    second_factor::{self, Unraised},
};

/// By what somebody may have a code sent.
#[derive(Debug)]
enum Right {
    /// A sign-in that waits for the code.
    MfaToken(Secret),
    /// The link of a mail for a forgotten password, used once already.
    ResetLink(Secret),
    /// A session.
    SignedIn,
}

pub(crate) async fn challenge<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let mut fields = Fields::from_json(exchange.request)?;
    let factor_id = fields.factor_id();
    let right = if fields.has("mfa_token") {
        mfa_token(&mut fields).map(Right::MfaToken)
    } else if fields.has("token_hash") {
        let token_hash = fields.text("token_hash", "Send the token of the mail.");
        token_hash.map(|token| Right::ResetLink(Secret::new(token)))
    } else {
        Some(Right::SignedIn)
    };
    let (right, factor_id) = fields.finish(right.zip(factor_id))?;
    let unraised = unraised(exchange, right).await?;
    let challenge_id = second_factor::send_code(exchange, &unraised, &factor_id).await?;
    let body = Object::new().with("challenge_id", challenge_id);
    Ok(Response::json(200, "code_sent", &body).of_user(&unraised.user_id))
}

async fn unraised<H: Host>(exchange: &Exchange<'_, H>, right: Right) -> Result<Unraised, Failure> {
    match right {
        Right::MfaToken(token) => {
            let waiting = second_factor::waiting(exchange, token.expose()).await?;
            Ok(waiting.unraised)
        }
        Right::ResetLink(token_hash) => reset_link::asked_for_code(exchange, &token_hash).await,
        Right::SignedIn => Ok(own_factors::owner(exchange).await?.with_all_factors()),
    }
}

pub(crate) async fn verify<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let mut fields = Fields::from_json(exchange.request)?;
    let token = mfa_token(&mut fields);
    let given = fields.code();
    let (token, given) = fields.finish(token.zip(given))?;
    let opened = second_factor::complete(exchange, token.expose(), &given).await?;
    Ok(opened.into_json(200))
}

/// The field `mfa_token`.
fn mfa_token(fields: &mut Fields) -> Option<Secret> {
    let token = fields.text("mfa_token", "Send the token that the sign-in answered.");
    token.map(Secret::new)
}

pub(crate) async fn step_up<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let mut fields = Fields::from_json(exchange.request)?;
    let given = fields.code();
    let given = fields.finish(given)?;
    let owner = own_factors::owner(exchange).await?;
    let opened = own_factors::step_up(exchange, &owner, &given).await?;
    Ok(opened.into_json(200))
}

#[cfg(test)]
mod tests {
    use authflow_shared::session::SessionRecord;
    use serde_json::{Value, json};

    use crate::test_support::{
        APP, Answer, LOST, PHONE, World, get, post, session_at, session_of, user, user_with_factors,
    };

    const API: &str = "/api/v1/simple_auth/";
    const CHALLENGE: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001/challenge";
    const VERIFY: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001/verify";
    const PHONE_CHALLENGE: &str = "/factors/bbbbbbbb-0000-4000-8000-000000000002/challenge";
    const PHONE_VERIFY: &str = "/factors/bbbbbbbb-0000-4000-8000-000000000002/verify";
    const CHALLENGE_ID: &str = "cccccccc-0000-4000-8000-000000000003";

    fn world_with(variables: &[(&str, &str)], verified: &[&str]) -> World {
        let user = user_with_factors(verified);
        let raised = session_at("aal2", &user);
        World::with(variables)
            .supabase("/token", 200, session_of(&user))
            .supabase("/user", 200, user)
            .supabase(CHALLENGE, 200, json!({"id": CHALLENGE_ID}))
            .supabase(PHONE_CHALLENGE, 200, json!({"id": CHALLENGE_ID}))
            .supabase(VERIFY, 200, raised.clone())
            .supabase(PHONE_VERIFY, 200, raised)
            .supabase("/logout", 204, Value::Null)
    }

    fn world() -> World {
        world_with(&[], &[APP, PHONE])
    }

    fn ask(world: &World, path: &str, body: &Value) -> Answer {
        world.answer(&post(&format!("{API}{path}"), &body.to_string()))
    }

    fn mfa_token(world: &World) -> String {
        let credentials = json!({"email": "ada@example.test", "password": "p"});
        let answer = ask(world, "signin", &credentials).json();
        answer["mfa_token"].as_str().unwrap().to_owned()
    }

    fn verify(world: &World, token: &str, code: &str) -> Answer {
        let body = json!({"mfa_token": token, "factor_id": APP, "code": code});
        ask(world, "mfa/verify", &body)
    }

    fn record(world: &World, answer: &Answer) -> SessionRecord {
        let key = format!("session:{}", answer.json()["session_id"].as_str().unwrap());
        SessionRecord::from_json(&world.redis(&key).unwrap()).unwrap()
    }

    /// Status, code, and the first field with its error.
    #[track_caller]
    fn refused(answer: &Answer, status: u16, code: &str, field: &str) {
        let body = answer.json();
        let error = &body["errors"][0];
        let named = format!(
            "{} {}",
            error["field"].as_str().unwrap_or_default(),
            error["code"].as_str().unwrap_or_default()
        );
        assert_eq!(
            (answer.status, answer.code().as_str(), named.trim()),
            (status, code, field),
            "{body}"
        );
        assert!(answer.header("set-cookie").is_none());
    }

    #[test]
    fn the_token_that_is_waited_with_is_not_shown() {
        let right = super::Right::MfaToken(super::Secret::new("token"));
        assert_eq!(format!("{right:?}"), "MfaToken([secret])");
    }

    #[test]
    fn a_code_ends_the_wait_with_a_session_of_level_aal2() {
        let world = world();
        let token = mfa_token(&world);
        let answer = verify(&world, &token, "123 456");
        assert_eq!(answer.status, 200);
        assert!(
            answer
                .header("set-cookie")
                .unwrap()
                .starts_with("__Host-authflow=")
        );
        assert_eq!(record(&world, &answer).aal, "aal2");
        assert_eq!(answer.json()["user"]["email"], "ada@example.test");
        let sent = world.host.calls().iter().rev().find_map(|call| {
            let is_answer = call.url.ends_with(VERIFY);
            is_answer.then(|| call.body.clone().unwrap())
        });
        let expected = format!(r#"{{"challenge_id":"{CHALLENGE_ID}","code":"123456"}}"#);
        assert_eq!(sent.unwrap(), expected);
    }

    #[test]
    fn a_wait_ends_once() {
        let world = world();
        let token = mfa_token(&world);
        assert_eq!(verify(&world, &token, "123456").status, 200);
        refused(&verify(&world, &token, "654321"), 401, "mfa_expired", "");
        refused(&verify(&world, "nothing", "123456"), 401, "mfa_expired", "");
    }

    #[test]
    fn a_code_counts_once_whoever_gives_it() {
        let world = world();
        let (one, other) = (mfa_token(&world), mfa_token(&world));
        assert_eq!(verify(&world, &one, "123456").status, 200);
        let again = verify(&world, &other, "123456");
        refused(&again, 422, "validation_failed", "code incorrect");
        assert_eq!(verify(&world, &other, "654321").status, 200);
    }

    #[test]
    fn a_wrong_code_leaves_the_wait_for_the_next() {
        let world = world().supabase_refuses(VERIFY, "mfa_verification_failed");
        let token = mfa_token(&world);
        let wrong = verify(&world, &token, "000000");
        refused(&wrong, 422, "validation_failed", "code incorrect");
        let raised = session_at("aal2", &user_with_factors(&[APP, PHONE]));
        let world = world.supabase(VERIFY, 200, raised);
        assert_eq!(verify(&world, &token, "123456").status, 200);
    }

    #[test]
    fn a_session_that_is_not_raised_or_somebody_elses_is_none() {
        let mut other = user_with_factors(&[APP]);
        other["id"] = json!("5f6b7c8d-0000-4000-8000-000000000009");
        let low = session_at("aal1", &user_with_factors(&[APP]));
        for answered in [low, session_at("aal2", &other)] {
            let world = world().supabase(VERIFY, 200, answered);
            let answer = verify(&world, &mfa_token(&world), "123456");
            refused(&answer, 422, "validation_failed", "code incorrect");
        }
    }

    #[test]
    fn a_code_that_supabase_never_saw_may_be_tried_again() {
        for breakage in LOST {
            let world = world();
            let token = mfa_token(&world);
            // The token, the claim, then the challenge.
            world.break_after(2, breakage);
            let answer = verify(&world, &token, "123456");
            refused(&answer, 503, "identity_unavailable", "");
            assert_eq!(verify(&world, &token, "123456").status, 200);
        }
        let world = world().supabase_refuses(VERIFY, "over_request_rate_limit");
        let token = mfa_token(&world);
        let answer = verify(&world, &token, "123456");
        refused(&answer, 429, "rate_limited", "");
        let raised = session_at("aal2", &user_with_factors(&[APP, PHONE]));
        let world = world.supabase(VERIFY, 200, raised);
        assert_eq!(verify(&world, &token, "123456").status, 200);
    }

    #[test]
    fn a_code_that_supabase_may_have_taken_has_counted() {
        for breakage in LOST {
            let world = world();
            let token = mfa_token(&world);
            // The token, the claim, the challenge, then the answer to it.
            world.break_after(3, breakage);
            let answer = verify(&world, &token, "123456");
            refused(&answer, 503, "identity_unavailable", "");
            assert_eq!(answer.header("retry-after"), Some("30"));
            let again = verify(&world, &token, "123456");
            refused(&again, 422, "validation_failed", "code incorrect");
            assert_eq!(verify(&world, &token, "654321").status, 200);
        }
    }

    #[test]
    fn a_session_that_supabase_ended_is_signed_in_anew_with_the_same_code() {
        let world = world().supabase_refuses(CHALLENGE, "session_not_found");
        let token = mfa_token(&world);
        refused(&verify(&world, &token, "123456"), 401, "mfa_expired", "");
        let world = world.supabase(CHALLENGE, 200, json!({"id": CHALLENGE_ID}));
        assert_eq!(verify(&world, &mfa_token(&world), "123456").status, 200);
    }

    #[test]
    fn no_session_leaves_unless_it_is_certain_that_the_wait_is_over() {
        for breakage in LOST {
            let world = world();
            let token = mfa_token(&world);
            // The token, the claim, Supabase twice, then the end of the wait.
            world.break_after(4, breakage);
            let answer = verify(&world, &token, "123456");
            refused(&answer, 503, "store_unavailable", "");
            world.run_tasks();
            let ended = "/logout?scope=local".to_owned();
            assert_eq!(world.asked().pop(), Some(ended), "nor stays one raised");
        }
    }

    #[test]
    fn whoever_comes_second_leaves_the_session_of_the_first_alone() {
        let world = world();
        let token = mfa_token(&world);
        let waits = world.dump();
        let (key, _) = waits.split_once("second_factor:").unwrap().1.split_at(64);
        world.forget_while_asked(VERIFY, &format!("second_factor:{key}"));
        let answer = verify(&world, &token, "123456");
        refused(&answer, 401, "mfa_expired", "");
        world.run_tasks();
        assert!(!world.asked().contains(&"/logout?scope=local".to_owned()));
    }

    #[test]
    fn only_a_factor_that_waits_is_taken() {
        let world = world_with(&[], &[APP]);
        let token = mfa_token(&world);
        let asked = world.asked().len();
        for path in ["mfa/verify", "mfa/challenge"] {
            let body = json!({"mfa_token": token, "factor_id": PHONE, "code": "123456"});
            let answer = ask(&world, path, &body);
            refused(&answer, 422, "validation_failed", "factor_id unknown");
        }
        assert_eq!(world.asked().len(), asked);
    }

    #[test]
    fn a_phone_has_its_code_sent_before_it_is_given() {
        let world = world();
        let token = mfa_token(&world);
        let asked = world.asked().len();
        let mut body = json!({"mfa_token": token, "factor_id": PHONE, "code": "123456"});
        let early = ask(&world, "mfa/verify", &body);
        refused(&early, 422, "validation_failed", "challenge_id missing");
        assert_eq!(world.asked().len(), asked, "no message was sent in vain");
        let sent = ask(&world, "mfa/challenge", &body).json();
        assert_eq!(sent, json!({"challenge_id": CHALLENGE_ID}));
        body["challenge_id"] = sent["challenge_id"].clone();
        assert_eq!(ask(&world, "mfa/verify", &body).status, 200);
        let paths = world.asked();
        let of_phone = paths.iter().filter(|path| *path == PHONE_CHALLENGE);
        assert_eq!(of_phone.count(), 1);
    }

    #[test]
    fn messages_and_codes_are_counted_together() {
        let world = world_with(&[("CODE_LIMIT_ACCOUNT", "3/900")], &[APP, PHONE]);
        let world = world.supabase_refuses(VERIFY, "mfa_verification_failed");
        let token = mfa_token(&world);
        let body = json!({"mfa_token": token, "factor_id": PHONE});
        assert_eq!(ask(&world, "mfa/challenge", &body).status, 200);
        for code in ["000001", "000002"] {
            assert_eq!(verify(&world, &token, code).status, 422);
        }
        let asked = world.asked().len();
        for answer in [
            verify(&world, &token, "1234567"),
            ask(&world, "mfa/challenge", &body),
        ] {
            refused(&answer, 429, "too_many_attempts", "");
            assert!(answer.header("retry-after").is_some());
        }
        assert_eq!(world.asked().len(), asked);
    }

    #[test]
    fn a_message_that_supabase_refuses_is_told_so() {
        for (code, status, expected) in [
            ("over_sms_send_rate_limit", 429, "rate_limited"),
            ("sms_send_failed", 503, "identity_unavailable"),
            ("session_not_found", 401, "mfa_expired"),
        ] {
            let world = world().supabase_refuses(PHONE_CHALLENGE, code);
            let body = json!({"mfa_token": mfa_token(&world), "factor_id": PHONE});
            refused(&ask(&world, "mfa/challenge", &body), status, expected, "");
        }
    }

    #[test]
    fn what_is_missing_is_named_and_nobody_is_asked() {
        let world = World::new();
        let empty = ask(&world, "mfa/verify", &json!({}));
        refused(&empty, 422, "validation_failed", "mfa_token missing");
        assert_eq!(empty.json()["errors"].as_array().unwrap().len(), 3);
        for (path, field) in [
            ("mfa/challenge", "factor_id missing"),
            ("mfa/step-up", "factor_id missing"),
        ] {
            let answer = ask(&world, path, &json!({}));
            refused(&answer, 422, "validation_failed", field);
        }
        let body = json!({"mfa_token": "t", "factor_id": APP, "code": "12345x"});
        let answer = ask(&world, "mfa/verify", &body);
        refused(&answer, 422, "validation_failed", "code malformed");
        assert!(world.host.calls().is_empty());
    }

    fn step_up(world: &World, token: &str, code: &str) -> Answer {
        let body = json!({"factor_id": APP, "code": code}).to_string();
        world.answer(&post(&format!("{API}mfa/step-up"), &body).cookie(token))
    }

    #[test]
    fn a_step_up_raises_the_session_under_a_new_id() {
        let world = world();
        let before = world.signed_in();
        world.host.advance(core::time::Duration::from_secs(100));
        let answer = step_up(&world, &before, "123456");
        assert_eq!(answer.status, 200);
        let record = record(&world, &answer);
        assert_eq!(record.aal, "aal2");
        let expiry = crate::test_support::NOW.seconds() + 86_400;
        assert_eq!(record.expires_at, expiry, "it ends when it would have");
        let (old, _) = before.split_once('.').unwrap();
        assert!(world.redis(&format!("session:{old}")).is_none());
        let me = get(&format!("{API}me")).cookie(&before);
        assert_eq!(world.answer(&me).code(), "no_session");
    }

    #[test]
    fn a_step_up_takes_a_verified_factor_of_ones_own() {
        let world = world_with(&[], &[PHONE]);
        let token = world.signed_in();
        let answer = step_up(&world, &token, "123456");
        refused(&answer, 422, "validation_failed", "factor_id unknown");
        let answer = step_up(&world, "", "123456");
        refused(&answer, 401, "no_session", "");
    }

    #[test]
    fn a_session_that_supabase_ended_cannot_be_raised() {
        let world = world();
        let token = world.signed_in();
        let world = world.supabase_refuses("/user", "session_not_found");
        let answer = step_up(&world, &token, "123456");
        assert_eq!((answer.status, answer.code().as_str()), (401, "no_session"));
        assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
        assert!(!world.asked().contains(&VERIFY.to_owned()));
    }

    #[test]
    fn a_step_up_that_is_not_kept_leaves_the_session_as_it_was() {
        for breakage in LOST {
            let world = world();
            let token = world.signed_in();
            let calls = world.host.calls().len();
            assert_eq!(step_up(&world, &token, "123456").status, 200);
            let all = world.host.calls().len() - calls;
            // The last call is the transaction.
            let token = world.signed_in();
            world.break_after(all - 1, breakage);
            let answer = step_up(&world, &token, "654321");
            refused(&answer, 503, "store_unavailable", "");
            world.run_tasks();
            assert!(!world.asked().contains(&"/logout?scope=local".to_owned()));
        }
    }

    #[test]
    fn a_reset_asks_for_the_code_and_tells_of_which_factors() {
        let user = user_with_factors(&[APP, PHONE]);
        let world = world().supabase("/verify", 200, session_of(&user));
        let reset = |more: &Value| {
            let mut body = json!({"token_hash": "0a1b", "password": "a new password"});
            body.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            ask(&world, "reset-password/update", &body)
        };
        let phone = json!({"token_hash": "0a1b", "factor_id": PHONE});
        let unasked = ask(&world, "mfa/challenge", &phone);
        refused(&unasked, 401, "link_expired", "");
        let asked = reset(&json!({}));
        refused(&asked, 422, "validation_failed", "code missing");
        assert_eq!(
            asked.json()["factors"],
            json!([
                {"id": APP, "type": "totp", "name": "my totp"},
                {"id": PHONE, "type": "phone", "name": "my phone"},
            ])
        );
        assert!(
            !world.asked().contains(&"/user".to_owned()),
            "nothing was changed"
        );
        let sent = ask(&world, "mfa/challenge", &phone).json();
        let given =
            json!({"factor_id": PHONE, "code": "123456", "challenge_id": sent["challenge_id"]});
        assert_eq!(reset(&given).status, 200);
    }

    #[test]
    fn a_problem_without_factors_names_none() {
        let world = World::new().supabase("/token", 200, session_of(&user()));
        assert!(
            ask(&world, "signin", &json!({}))
                .json()
                .get("factors")
                .is_none()
        );
    }
}
