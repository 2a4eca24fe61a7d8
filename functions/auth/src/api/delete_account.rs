//! `POST /api/v1/simple_auth/delete-account`: deletes one's own account.

use authflow_shared::{cookie, host::Host, secret::Secret};

use crate::{
    delete_account, exchange::Exchange, failure::Failure, fields::Fields, response::Response,
};

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let current = read(Fields::from_json(exchange.request)?)?;
    let user_id = delete_account::delete(exchange, &current).await?;
    let response = Response::empty(204, "account_deleted").of_user(&user_id);
    Ok(response.header("set-cookie", cookie::clear()))
}

/// Reads `current_password`.
pub(crate) fn read(mut fields: Fields) -> Result<Secret, Failure> {
    let current = fields.current_password();
    fields.finish(current)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::test_support::{Answer, LOST, USER_ID, World, get, post, session, user};

    const PATH: &str = "/api/v1/simple_auth/delete-account";
    const ADMIN: &str = "/admin/users/5f6b7c8d-0000-4000-8000-000000000001";

    fn world() -> (World, String) {
        let world = World::with(&[("SUPABASE_SERVICE_ROLE_KEY", "service")])
            .supabase("/token?grant_type=password", 200, session())
            .supabase("/logout", 204, Value::Null)
            .supabase("/user", 200, user())
            .supabase(ADMIN, 200, json!({}));
        let token = world.signed_in();
        (world, token)
    }

    fn delete(world: &World, token: &str) -> Answer {
        let body = r#"{"current_password":"p"}"#;
        world.answer(&post(PATH, body).cookie(token))
    }

    fn lives(world: &World, token: &str) -> bool {
        let (id, _) = token.split_once('.').unwrap();
        world.redis(&format!("session:{id}")).is_some()
    }

    fn was_deleted(world: &World) -> bool {
        let calls = world.host.calls();
        calls.iter().any(|call| call.method == "DELETE")
    }

    #[test]
    fn the_user_goes_and_every_session_with_them() {
        let (world, token) = world();
        let other = world.signed_in();
        let answer = delete(&world, &token);
        assert_eq!((answer.status, answer.body.as_deref()), (204, None));
        assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
        assert!(!lives(&world, &token) && !lives(&world, &other));
        let calls = world.host.calls();
        let deleted = calls
            .iter()
            .position(|call| call.method == "DELETE")
            .unwrap();
        let key = ("authorization", "Bearer service".to_owned());
        assert!(calls[deleted].headers.contains(&key));
        // All sessions are ended before, and once more after.
        let ends = |calls: &[authflow_shared::host::HttpCall]| {
            let mut bodies = calls.iter().filter_map(|call| call.body.as_deref());
            bodies.any(|body| body.contains("sessions_ended:") && body.contains("SET"))
        };
        assert!(ends(&calls[..deleted]) && ends(&calls[deleted..]));
        let lines = world.host.lines().join("\n");
        assert!(
            lines.contains("account_deleted") && !lines.contains("ada@"),
            "{lines}"
        );
        world.run_tasks();
        let last = world.host.calls().pop().unwrap();
        let forgotten = format!(r#"["DEL","device:{USER_ID}","user_profile:{USER_ID}"]"#);
        assert_eq!(last.body, Some(forgotten));
    }

    #[test]
    fn without_the_key_of_an_administrator_it_is_not_offered() {
        let world = World::with(&[("SUPABASE_SERVICE_ROLE_KEY", "")]);
        let token = world.signed_in();
        let answer = delete(&world, &token);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (404, "not_configured")
        );
        assert!(lives(&world, &token));
    }

    #[test]
    fn a_session_alone_is_not_enough() {
        let (world, token) = world();
        let none = world.answer(&post(PATH, "{}").cookie(&token));
        assert_eq!(none.json()["errors"][0]["code"], "missing");
        let world = world.supabase_refuses("/token?grant_type=password", "invalid_credentials");
        let wrong = delete(&world, &token);
        let error = &wrong.json()["errors"][0];
        assert_eq!(
            (wrong.status, error["code"].as_str()),
            (422, Some("incorrect"))
        );
        assert!(error["detail"].as_str().unwrap().contains("never set one"));
        assert!(lives(&world, &token) && !was_deleted(&world));
        assert_eq!(delete(&world, "x").code(), "no_session");
    }

    #[test]
    fn whoever_has_a_second_factor_gives_it_first() {
        let (world, token) = world();
        let mut secured = user();
        secured["factors"] = json!([{"id": USER_ID, "status": "verified", "factor_type": "totp"}]);
        let world = world.supabase("/user", 200, secured);
        let answer = delete(&world, &token);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "step_up_required")
        );
        assert!(lives(&world, &token) && !was_deleted(&world));
    }

    /// How many calls come before the user is deleted.
    fn calls_before() -> usize {
        let (world, token) = world();
        let before = world.host.calls().len();
        delete(&world, &token);
        let calls = world.host.calls();
        calls
            .iter()
            .position(|call| call.method == "DELETE")
            .unwrap()
            - before
    }

    #[test]
    fn while_sessions_cannot_be_ended_nobody_is_deleted() {
        for breakage in LOST {
            let (world, token) = world();
            // The end of all sessions is tried three times.
            world.break_after(calls_before() - 2, breakage);
            (0..2).for_each(|_| world.host.break_next(breakage));
            let answer = delete(&world, &token);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (503, "store_unavailable")
            );
            assert!(!was_deleted(&world));
        }
    }

    #[test]
    fn where_nobody_knows_whether_the_user_is_gone_nobody_is_signed_in() {
        for breakage in LOST {
            let (world, token) = world();
            world.break_after(calls_before(), breakage);
            let answer = delete(&world, &token);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (503, "identity_unavailable")
            );
            assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
            assert!(!lives(&world, &token));
            assert_eq!(
                world
                    .answer(&get("/api/v1/simple_auth/me").cookie(&token))
                    .status,
                401
            );
            let lines = world.host.lines().join("\n");
            assert!(!lines.contains("account_deleted"));
        }
    }

    #[test]
    fn a_user_who_was_gone_already_is_deleted() {
        let (world, token) = world();
        let world = world.supabase_refuses(ADMIN, "user_not_found");
        assert_eq!(delete(&world, &token).status, 204);
    }

    #[test]
    fn sessions_that_may_live_on_after_it_are_told() {
        let (world, token) = world();
        world.break_after(calls_before() + 1, LOST[0]);
        (0..2).for_each(|_| world.host.break_next(LOST[0]));
        let answer = delete(&world, &token);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "store_unavailable")
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.starts_with("The account has been deleted"),
            "{detail}"
        );
        assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    }
}
