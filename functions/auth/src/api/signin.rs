//! `POST /api/v1/simple_auth/signin`: an address and a password become a session.

use authflow_shared::{host::Host, secret::Secret, supabase::AuthError};

use crate::{
    email::Email,
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    limits::Attempt,
    open_session::{self, Arrival, Entry},
    response::Response,
};

/// What somebody signs in with.
#[derive(Debug)]
pub(crate) struct Credentials {
    email: Email,
    password: Secret,
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let credentials = read(Fields::from_json(exchange.request)?)?;
    let entry = sign_in(exchange, &credentials).await?;
    Ok(entry.into_json(200))
}

/// Reads `email` and `password`.
pub(crate) fn read(mut fields: Fields) -> Result<Credentials, Failure> {
    let (email, password) = (fields.email(), fields.password());
    let credentials = email
        .zip(password)
        .map(|(email, password)| Credentials { email, password });
    fields.finish(credentials)
}

/// Signs in. Every refusal takes the same time: an unknown address has no password that Supabase
/// could check, and so would be refused sooner. From the fourth attempt on at one address, known or
/// not, each takes longer than the one before.
pub(crate) async fn sign_in<H: Host>(
    exchange: &Exchange<'_, H>,
    credentials: &Credentials,
) -> Result<Entry, Failure> {
    let Credentials { email, password } = credentials;
    exchange.note_account(email.as_str());
    let delay = exchange.count(Attempt::SignIn, email.as_str()).await?;
    match exchange.supabase().sign_in(email.as_str(), password).await {
        Ok(session) => open_session::enter(exchange, session, Arrival::Returning).await,
        Err(error) => {
            exchange.even_out_after(delay).await;
            Err(match error {
                // Supabase takes no such address, so nobody has it.
                AuthError::Rejected(code) if code == "validation_failed" => {
                    Failure::from_sign_in(&AuthError::InvalidCredentials)
                }
                error => Failure::from_sign_in(&error),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use authflow_shared::session::SessionRecord;
    use serde_json::{Value, json};

    use crate::test_support::{Answer, LOST, USER_ID, World, post, session, session_of, user};

    const PATH: &str = "/api/v1/simple_auth/signin";
    const TOKEN: &str = "/token";
    const ADA: &str = r#"{"email":" Ada@Example.test ","password":"correct horse"}"#;

    fn signed_in(world: &World) -> Answer {
        world.answer(&post(PATH, ADA))
    }

    fn world() -> World {
        World::new().supabase(TOKEN, 200, session())
    }

    #[test]
    fn a_right_password_becomes_a_session() {
        let world = world();
        let answer = signed_in(&world);
        insta::assert_snapshot!(answer.shown(), @r#"200 {"expires_at":"2027-01-16T08:00:00.000Z","session_id":"28292a2b-2c2d-4e2f-b031-323334353637","session_token":"28292a2b-2c2d-4e2f-b031-323334353637.uM97NLYcrBIv3XPSlgW6MA","user":{"app_metadata":{"provider":"email"},"created_at":"2026-11-23T08:00:00Z","email":"ada@example.test","email_confirmed_at":"2026-11-23T09:00:00Z","id":"5f6b7c8d-0000-4000-8000-000000000001","role":"authenticated","user_metadata":{"name":"Ada"}}}"#);
        let token = answer.json()["session_token"].as_str().unwrap().to_owned();
        let cookie = format!(
            "__Host-authflow={token}; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax"
        );
        assert_eq!(answer.header("set-cookie"), Some(cookie.as_str()));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let asked = world.host.calls()[0].body.clone().unwrap();
        assert_eq!(
            asked,
            r#"{"email":"ada@example.test","password":"correct horse"}"#
        );
        assert_eq!(
            world.elapsed(),
            Duration::ZERO,
            "a success has no reason to wait"
        );
    }

    #[test]
    fn redis_holds_the_session_and_no_token_of_supabases() {
        let world = world();
        let answer = signed_in(&world).json();
        let key = format!("session:{}", answer["session_id"].as_str().unwrap());
        let record = SessionRecord::from_json(&world.redis(&key).unwrap()).unwrap();
        assert_eq!(
            (record.user_id.as_str(), record.aal.as_str()),
            (USER_ID, "aal1")
        );
        assert_eq!(record.email, "ada@example.test");
        let profile = world.redis(&format!("user_profile:{USER_ID}")).unwrap();
        let mut profile: Value = serde_json::from_str(&profile).unwrap();
        assert_eq!(profile.as_object_mut().unwrap().remove("v"), Some(1.into()));
        assert_eq!(profile, answer["user"]);
        assert!(!world.dump().contains("SUPABASE"));
        let token = answer["session_token"].as_str().unwrap();
        assert!(!world.dump().contains(token), "the MAC never gets there");
    }

    #[test]
    fn an_unknown_address_and_a_wrong_password_are_the_same_in_time_too() {
        // Supabase has another word for an address that it takes for none.
        let refused = |code| {
            let world = World::new().supabase_refuses(TOKEN, code);
            let answer = signed_in(&world);
            assert!(answer.header("set-cookie").is_none());
            (answer.shown(), world.elapsed())
        };
        let (shown, took) = refused("invalid_credentials");
        insta::assert_snapshot!(shown, @r#"401 {"type":"urn:authflow:problem:invalid_credentials","title":"Invalid credentials","status":401,"detail":"The e-mail address or the password is wrong.","code":"invalid_credentials","request_id":"[request_id]"}"#);
        assert_eq!(took, Duration::from_millis(800));
        assert_eq!(refused("validation_failed"), (shown, took));
    }

    #[test]
    fn the_time_of_a_refusal_can_be_set() {
        let world = World::with(&[("ANSWER_FLOOR_MS", "250")]);
        let world = world.supabase_refuses(TOKEN, "invalid_credentials");
        signed_in(&world);
        assert_eq!(world.elapsed(), Duration::from_millis(250));
    }

    #[test]
    fn other_refusals_say_what_to_do() {
        for (code, status, expected) in [
            ("email_not_confirmed", 403, "email_not_confirmed"),
            ("user_banned", 403, "user_banned"),
            ("over_request_rate_limit", 429, "too_many_attempts"),
            ("validation_failed", 401, "invalid_credentials"),
            ("captcha_failed", 503, "identity_unavailable"),
        ] {
            let world = World::new().supabase_refuses(TOKEN, code);
            let answer = signed_in(&world);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (status, expected),
                "{code}"
            );
            let waits = answer.header("retry-after").is_some();
            assert_eq!(waits, matches!(status, 429 | 503), "{code}");
            assert!(answer.header("set-cookie").is_none());
        }
    }

    #[test]
    fn supabase_down_is_said_so_and_told_the_log() {
        for breakage in LOST {
            let world = world();
            world.break_after(0, breakage);
            let answer = signed_in(&world);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (503, "identity_unavailable")
            );
            assert!(answer.header("retry-after").is_some());
            let cause = world.logged()["cause"].clone();
            assert!(
                ["supabase: timeout", "supabase: connection"].contains(&cause.as_str().unwrap())
            );
        }
    }

    #[test]
    fn no_cookie_leaves_unless_the_session_is_certain_to_be_kept() {
        // The read before the transaction, then the transaction itself.
        for (calls, breakage) in [(1, LOST[0]), (1, LOST[1]), (2, LOST[0]), (2, LOST[1])] {
            let world = world().supabase("/logout", 204, Value::Null);
            world.break_after(calls, breakage);
            let answer = signed_in(&world);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (503, "store_unavailable")
            );
            assert!(answer.header("set-cookie").is_none());
            assert!(!answer.body.unwrap().contains("session_token"));
            world.run_tasks();
            assert!(world.asked().contains(&"/logout?scope=local".to_owned()));
        }
    }

    #[test]
    fn a_sign_in_ends_the_session_it_came_with() {
        let world = world();
        let before = signed_in(&world).json();
        let token = before["session_token"].as_str().unwrap();
        let after = world.answer(&post(PATH, ADA).cookie(token)).json();
        assert_ne!(before["session_id"], after["session_id"]);
        let key = |answer: &Value| format!("session:{}", answer["session_id"].as_str().unwrap());
        assert!(world.redis(&key(&before)).is_none());
        assert!(world.redis(&key(&after)).is_some());
    }

    #[test]
    fn a_forged_token_ends_nobodys_session() {
        let world = world();
        let before = signed_in(&world).json();
        let id = before["session_id"].as_str().unwrap();
        world.answer(&post(PATH, ADA).cookie(&format!("{id}.AAAAAAAAAAAAAAAAAAAAAA")));
        assert!(world.redis(&format!("session:{id}")).is_some());
    }

    #[test]
    fn a_second_factor_cannot_be_skipped() {
        let mut user = user();
        user["factors"] = json!([{"id": "f", "status": "verified", "factor_type": "totp"}]);
        let world = World::new()
            .supabase(TOKEN, 200, session_of(&user))
            .supabase("/logout", 204, Value::Null);
        let answer = signed_in(&world);
        let body = answer.json();
        assert_eq!(
            (answer.status, &body["status"]),
            (200, &json!("mfa_required"))
        );
        assert_eq!(
            body["factors"],
            json!([{"id": "f", "type": "totp", "name": ""}])
        );
        assert_eq!(body["mfa_token"].as_str().unwrap().len(), 43);
        assert!(answer.header("set-cookie").is_none());
        let kept = world.dump();
        assert!(
            !kept.contains("session:") && !kept.contains("SUPABASE"),
            "{kept}"
        );
        assert!(
            !kept.contains(body["mfa_token"].as_str().unwrap()),
            "{kept}"
        );
    }

    #[test]
    fn a_sign_in_that_cannot_be_kept_waiting_ends_at_supabase_too() {
        let mut user = user();
        user["factors"] = json!([{"id": "f", "status": "verified", "factor_type": "totp"}]);
        let world = World::new()
            .supabase(TOKEN, 200, session_of(&user))
            .supabase("/logout", 204, Value::Null);
        world.break_after(1, LOST[1]);
        assert_eq!(signed_in(&world).code(), "store_unavailable");
        world.run_tasks();
        assert_eq!(
            world.asked(),
            ["/token?grant_type=password", "/logout?scope=local"]
        );
    }

    fn limited(account: &str) -> World {
        let world = World::with(&[("SIGNIN_LIMIT_ACCOUNT", account)]);
        world.supabase_refuses(TOKEN, "invalid_credentials")
    }

    #[test]
    fn over_the_limit_supabase_is_not_asked_and_a_right_password_does_not_help() {
        let world = limited("2/900");
        signed_in(&world);
        let other_spelling = r#"{"email":"ADA@example.test ","password":"x"}"#;
        world.answer(&post(PATH, other_spelling));
        let asked = world.asked().len();
        let world = world.supabase(TOKEN, 200, session());
        let answer = signed_in(&world);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (429, "too_many_attempts")
        );
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=1800).contains(&wait), "{wait}");
        assert_eq!(world.asked().len(), asked);
    }

    #[test]
    fn a_locked_account_keeps_the_sessions_it_has() {
        let world = World::with(&[("SIGNIN_LIMIT_ACCOUNT", "1/900")]);
        let token = world.signed_in();
        assert_eq!(signed_in(&world).status, 429);
        let me = crate::test_support::get("/api/v1/simple_auth/me").cookie(&token);
        assert_eq!(world.answer(&me).status, 200);
    }

    #[test]
    fn refusals_take_longer_from_the_fourth_on() {
        let world = limited("10/900");
        let mut before = Duration::ZERO;
        let took: Vec<_> = (0..5)
            .map(|_| {
                signed_in(&world);
                let took = world.elapsed().saturating_sub(before);
                before = world.elapsed();
                took.as_millis()
            })
            .collect();
        assert_eq!(took, [800, 800, 800, 1050, 1300]);
    }

    #[test]
    fn an_address_over_its_limit_uses_up_no_account() {
        let world = World::with(&[
            ("SIGNIN_LIMIT_ADDRESS", "1/300"),
            ("SIGNIN_LIMIT_ACCOUNT", "10/900"),
        ]);
        let world = world.supabase_refuses(TOKEN, "invalid_credentials");
        signed_in(&world);
        let kept = world.dump();
        assert_eq!(signed_in(&world).status, 429);
        assert_eq!(world.dump(), kept);
        let elsewhere = post(PATH, ADA).with("cf-connecting-ip", "192.0.2.99");
        assert_eq!(world.answer(&elsewhere).status, 401);
    }

    #[test]
    fn missing_fields_are_named_and_supabase_is_not_asked() {
        let world = world();
        let answer = world.answer(&post(PATH, r#"{"email":"ada"}"#));
        insta::assert_snapshot!(answer.shown(), @r#"422 {"type":"urn:authflow:problem:validation_failed","title":"Validation failed","status":422,"detail":"Some fields are missing or malformed; `errors` names them.","code":"validation_failed","request_id":"[request_id]","errors":[{"field":"email","code":"malformed","detail":"This is not an e-mail address. It looks like name@example.com."},{"field":"password","code":"missing","detail":"Enter your password."}]}"#);
        assert!(world.host.calls().is_empty());
    }

    #[test]
    fn who_is_locked_gets_no_session_even_if_supabase_gives_one() {
        let mut locked = user();
        locked["banned_until"] = "2100-01-01T00:00:00Z".into();
        let world = World::new()
            .supabase(TOKEN, 200, session_of(&locked))
            .supabase("/logout", 204, Value::Null);
        let answer = world.answer(&post(PATH, ADA));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "user_banned")
        );
        assert!(answer.header("set-cookie").is_none());
        assert!(!world.dump().contains("session:"), "{}", world.dump());
        world.run_tasks();
        assert_eq!(world.asked().last().unwrap(), "/logout?scope=local");
    }

    #[test]
    fn the_log_tells_who_and_nothing_secret() {
        let world = world();
        let answer = signed_in(&world);
        let line = world.logged();
        assert_eq!(line["outcome"], "signed_in");
        assert_eq!(line["user_id"], USER_ID);
        assert_eq!(line["session"].as_str().unwrap().len(), 8);
        let lines = world.host.lines().join("\n");
        let answer = answer.json();
        let token = answer["session_token"].as_str().unwrap();
        let id = answer["session_id"].as_str().unwrap();
        for secret in ["ada@", "Ada@", "correct horse", "SUPABASE", token, id] {
            assert!(!lines.contains(secret), "{secret} in {lines}");
        }
    }
}
