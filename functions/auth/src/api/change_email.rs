//! `POST /api/v1/simple_auth/change-email`: asks for another address.

use authflow_shared::{host::Host, json::Object, secret::Secret};

use crate::{
    change_email, email::Email, exchange::Exchange, failure::Failure, fields::Fields,
    response::Response,
};

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let (email, current) = read(Fields::from_json(exchange.request)?)?;
    let cause = change_email::start(exchange, &email, &current).await?;
    let body = Object::new().with("status", "verification_required");
    Ok(Response::json(202, "verification_required", &body).because(cause))
}

/// Reads `email` and `current_password`.
pub(crate) fn read(mut fields: Fields) -> Result<(Email, Secret), Failure> {
    let (email, current) = (fields.email(), fields.current_password());
    fields.finish(email.zip(current))
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use serde_json::{Value, json};

    use crate::test_support::{Answer, USER_ID, World, get, post, session, user};

    const PATH: &str = "/api/v1/simple_auth/change-email";
    const CHANGE: &str = "/user?redirect_to=https%3A%2F%2Fapp.test%2Fauth%2Faccount";

    fn world() -> (World, String) {
        let world = World::new()
            .supabase("/token?grant_type=password", 200, session())
            .supabase("/logout", 204, Value::Null)
            .supabase(CHANGE, 200, user())
            .supabase("/user", 200, user());
        let token = world.signed_in();
        (world, token)
    }

    fn change(world: &World, token: &str, email: &str) -> Answer {
        let body = json!({"email": email, "current_password": "p"}).to_string();
        world.answer(&post(PATH, &body).cookie(token))
    }

    fn error(answer: &Answer) -> (String, String) {
        assert_eq!(answer.status, 422, "{answer:?}");
        let error = answer.json()["errors"][0].clone();
        let text = |name: &str| error[name].as_str().unwrap().to_owned();
        (text("field"), text("code"))
    }

    #[test]
    fn both_addresses_are_asked() {
        let (world, token) = world();
        let answer = change(&world, &token, "New@example.test");
        insta::assert_snapshot!(answer.shown(), @r#"202 {"status":"verification_required"}"#);
        let calls = world.host.calls();
        let sent = calls.iter().rfind(|call| call.method == "PUT").unwrap();
        assert_eq!(
            sent.body.as_deref(),
            Some(r#"{"email":"new@example.test"}"#)
        );
        assert!(sent.url.ends_with(CHANGE));
        assert!(!world.host.lines().join("").contains("new@"));
        // Nothing has changed yet.
        let me = get("/api/v1/simple_auth/me").cookie(&token);
        assert_eq!(
            world.answer(&me).json()["user"]["email"],
            "ada@example.test"
        );
    }

    #[test]
    fn whether_an_address_has_an_account_is_not_told() {
        let shown = |code: &str| {
            let (world, token) = world();
            let world = match code {
                "" => world,
                code => world.supabase_refuses(CHANGE, code),
            };
            let answer = change(&world, &token, "eve@example.test");
            (answer.shown(), world.elapsed())
        };
        let free = shown("");
        assert_eq!(free.1, Duration::from_millis(800));
        assert_eq!(shown("email_exists"), free);
        assert_eq!(shown("over_email_send_rate_limit"), free);
    }

    #[test]
    fn a_session_alone_is_not_enough() {
        let (world, token) = world();
        let body = r#"{"email":"new@example.test"}"#;
        let answer = world.answer(&post(PATH, body).cookie(&token));
        assert_eq!(
            error(&answer),
            ("current_password".into(), "missing".into())
        );
        let world = world.supabase_refuses("/token?grant_type=password", "invalid_credentials");
        let answer = change(&world, &token, "new@example.test");
        assert_eq!(
            error(&answer),
            ("current_password".into(), "incorrect".into())
        );
        assert!(!world.host.calls().iter().any(|call| call.method == "PUT"));
        assert_eq!(change(&world, "x", "new@example.test").code(), "no_session");
    }

    #[test]
    fn passwords_and_mails_are_counted() {
        for (name, limit, code) in [
            ("SIGNIN_LIMIT_ACCOUNT", "3/900", "too_many_attempts"),
            ("RESEND_LIMIT_ACCOUNT", "2/900", "rate_limited"),
        ] {
            let world = World::with(&[(name, limit)])
                .supabase("/token?grant_type=password", 200, session())
                .supabase("/user", 200, user());
            // The sign-in itself is counted with the passwords.
            let token = world.signed_in();
            for _ in 0..2 {
                assert_eq!(change(&world, &token, "new@example.test").status, 202);
            }
            let answer = change(&world, &token, "new@example.test");
            assert_eq!((answer.status, answer.code().as_str()), (429, code));
        }
    }

    #[test]
    fn an_address_that_is_none_or_ones_own_is_told() {
        let (world, token) = world();
        let answer = change(&world, &token, "ada");
        assert_eq!(error(&answer), ("email".into(), "malformed".into()));
        let answer = change(&world, &token, " ADA@example.test");
        assert_eq!(error(&answer), ("email".into(), "same".into()));
        let world = world.supabase_refuses(CHANGE, "email_address_invalid");
        let answer = change(&world, &token, "new@example.test");
        assert_eq!(error(&answer), ("email".into(), "refused".into()));
    }

    #[test]
    fn whoever_has_a_second_factor_gives_it_first() {
        let (world, token) = world();
        let mut secured = user();
        secured["factors"] = json!([{"id": USER_ID, "status": "verified", "factor_type": "totp"}]);
        let world = world.supabase("/user", 200, secured);
        let answer = change(&world, &token, "new@example.test");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "step_up_required")
        );
        assert!(!world.host.calls().iter().any(|call| call.method == "PUT"));

        let (world, token) = self::world();
        let world = world.supabase_refuses(CHANGE, "insufficient_aal");
        let answer = change(&world, &token, "new@example.test");
        assert_eq!(answer.code(), "step_up_required");
    }
}
