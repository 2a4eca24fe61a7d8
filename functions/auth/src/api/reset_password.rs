//! `POST /api/v1/simple_auth/reset-password/update`: a new password, by the link of a mail, or
//! signed in and knowing the present one.

use authflow_shared::{host::Host, json::Object, secret::Secret};

use super::verify_email::read_token;
use crate::{
    change_password,
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    reset_link::{self, Reset},
    response::Response,
};

/// What a new password is set by.
#[derive(Debug)]
enum Update {
    ByLink(Reset),
    SignedIn { current: Secret, new: Secret },
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    match read(Fields::from_json(exchange.request)?)? {
        Update::ByLink(reset) => {
            let user_id = reset_link::redeem(exchange, &reset).await?;
            let body = Object::new().with("status", "password_changed");
            Ok(Response::json(200, "password_changed", &body).of_user(&user_id))
        }
        Update::SignedIn { current, new } => {
            let opened = change_password::change(exchange, &current, &new).await?;
            Ok(opened.into_json(200))
        }
    }
}

fn read(fields: Fields) -> Result<Update, Failure> {
    if fields.has("current_password") {
        let (current, new) = read_change(fields)?;
        return Ok(Update::SignedIn { current, new });
    }
    read_reset(fields).map(Update::ByLink)
}

/// Reads `current_password` and `password`.
pub(crate) fn read_change(mut fields: Fields) -> Result<(Secret, Secret), Failure> {
    let passwords = fields.current_password().zip(fields.new_password());
    fields.finish(passwords)
}

/// Reads `token_hash` and `password`; and `factor_id` and `code`, of somebody who has a second
/// factor.
pub(crate) fn read_reset(mut fields: Fields) -> Result<Reset, Failure> {
    let token_hash = read_token(&mut fields);
    let password = fields.new_password();
    let given = if fields.has("code") {
        fields.code().map(Some)
    } else {
        Some(None)
    };
    let reset = token_hash
        .zip(password)
        .zip(given)
        .map(|((token_hash, password), given)| Reset {
            token_hash,
            password,
            given,
        });
    fields.finish(reset)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use serde_json::{Value, json};

    use crate::test_support::{
        APP, Answer, LOST, USER_ID, World, post, session, session_at, session_of, user,
        user_with_factors,
    };

    const PATH: &str = "/api/v1/simple_auth/reset-password/update";
    const VERIFY: &str = "/verify";
    const USER: &str = "/user";
    const CHALLENGE: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001/challenge";
    const ANSWER: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001/verify";

    /// The key of the claim of the link.
    const IN_USE: &str =
        "reset_in_use:6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090";

    fn by_link(world: &World, password: &str) -> Answer {
        let body = json!({"token_hash": "abc123", "password": password}).to_string();
        world.answer(&post(PATH, &body))
    }

    fn world() -> World {
        World::new()
            .supabase(VERIFY, 200, session())
            .supabase(USER, 200, user())
            .supabase("/logout", 204, Value::Null)
    }

    fn lives(world: &World, token: &str) -> bool {
        let (id, _) = token.split_once('.').unwrap();
        world.redis(&format!("session:{id}")).is_some()
    }

    #[test]
    fn a_link_sets_a_password_and_ends_every_session() {
        let world = world();
        let (one, two) = (world.signed_in(), world.signed_in());
        let answer = by_link(&world, "new");
        insta::assert_snapshot!(answer.shown(), @r#"200 {"status":"password_changed"}"#);
        assert!(answer.header("set-cookie").is_none());
        assert!(!lives(&world, &one) && !lives(&world, &two));
        assert!(world.redis(&format!("user_profile:{USER_ID}")).is_none());
        let line = world.logged();
        assert_eq!(
            (&line["outcome"], &line["user_id"]),
            (&json!("password_changed"), &json!(USER_ID))
        );
        world.run_tasks();
        assert_eq!(world.asked().pop().unwrap(), "/logout?scope=local");
    }

    #[test]
    fn a_link_that_was_used_is_over_and_supabase_is_asked_again_at_most() {
        let world = world();
        assert_eq!(by_link(&world, "new").status, 200);
        let world = world.supabase_refuses(VERIFY, "otp_expired");
        let answer = by_link(&world, "newer");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (401, "link_expired")
        );
    }

    #[test]
    fn a_refused_password_does_not_use_up_the_link() {
        for (code, expected) in [
            ("weak_password", "weak_password"),
            ("same_password", "same_password"),
        ] {
            let world = world().supabase_refuses(USER, code);
            let token = world.signed_in();
            let answer = by_link(&world, "weak");
            assert_eq!((answer.status, answer.code().as_str()), (422, expected));
            assert!(lives(&world, &token), "nothing has changed");
            // Supabase's token is used up by now.
            let world = world
                .supabase_refuses(VERIFY, "otp_expired")
                .supabase(USER, 200, user());
            assert_eq!(by_link(&world, "strong").status, 200);
        }
    }

    /// The key of what is kept of the link.
    const KEPT: &str = "reset:6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090";

    #[test]
    fn a_link_lives_no_longer_for_being_tried() {
        let world = world().supabase_refuses(USER, "weak_password");
        (0..3).for_each(|_| drop(by_link(&world, "weak")));
        let calls = world.host.calls();
        let bodies = calls.iter().filter_map(|call| call.body.as_deref());
        let kept = bodies.filter(|body| body.starts_with(&format!(r#"["SET","{KEPT}""#)));
        let kept: Vec<_> = kept.collect();
        // Kept once, then noted and taken back three times.
        assert_eq!(kept.len(), 7);
        let timed = kept.iter().filter(|body| body.ends_with(r#""EX","600"]"#));
        assert_eq!(timed.count(), 1, "its time begins once");
    }

    #[test]
    fn a_link_that_runs_out_while_it_is_used_changes_nothing() {
        let user = user_with_factors(&[APP]);
        let world = world()
            .supabase(VERIFY, 200, session_of(&user))
            .supabase(CHALLENGE, 200, json!({"id": APP}))
            .supabase(ANSWER, 200, session_at("aal2", &user));
        world.forget_while_asked(ANSWER, KEPT);
        let body =
            json!({"token_hash": "abc123", "password": "new", "factor_id": APP, "code": "123456"});
        let answer = world.answer(&post(PATH, &body.to_string()));
        assert_eq!(answer.code(), "link_expired");
        assert!(!world.asked().contains(&USER.to_owned()));
    }

    #[test]
    fn a_reset_that_is_done_says_so_though_its_link_cannot_be_forgotten() {
        for breakage in LOST {
            let world = world();
            let calls = world.host.calls().len();
            assert_eq!(by_link(&world, "new").status, 200);
            let all = world.host.calls().len() - calls;
            let world = self::world();
            world.break_after(all - 1, breakage);
            assert_eq!(by_link(&world, "new").status, 200);
            let lines = world.host.lines().join("\n");
            assert!(lines.contains("reset_link_not_forgotten"), "{lines}");
        }
    }

    #[test]
    fn the_kept_session_is_sealed_and_bound_to_its_link() {
        let world = world().supabase_refuses(USER, "weak_password");
        by_link(&world, "weak");
        let kept = world.dump();
        assert!(
            kept.contains("reset:") && !kept.contains("SUPABASE") && !kept.contains("abc123"),
            "{kept}"
        );
        let world = world.supabase_refuses(VERIFY, "otp_expired");
        let other = json!({"token_hash": "other", "password": "strong"}).to_string();
        assert_eq!(world.answer(&post(PATH, &other)).code(), "link_expired");
    }

    #[test]
    fn a_link_in_use_is_taken() {
        let world = world();
        world.put(IN_USE, "1");
        assert_eq!(by_link(&world, "new").code(), "link_expired");
        assert!(world.asked().is_empty());
    }

    #[test]
    fn a_password_that_changed_while_its_sessions_did_not_end_is_gone_on_with() {
        let world = world();
        let token = world.signed_in();
        // Claim, look, verify, keep, note, change: then each try to end the sessions is lost.
        world.break_after(6, LOST[1]);
        (0..2).for_each(|_| world.host.break_next(LOST[1]));
        let answer = by_link(&world, "new");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "store_unavailable")
        );
        assert!(world.asked().contains(&USER.to_owned()));
        assert!(lives(&world, &token));
        // The same again: Supabase knows the password by now, and has used up the token.
        let world = world
            .supabase_refuses(VERIFY, "otp_expired")
            .supabase_refuses(USER, "same_password");
        assert_eq!(by_link(&world, "new").status, 200);
        assert!(!lives(&world, &token));
    }

    #[test]
    fn a_claim_that_cannot_be_given_up_says_when_it_runs_out() {
        let world = world().supabase_refuses(USER, "weak_password");
        // Claim, look, verify, keep, note, change, and the note taken back.
        world.break_after(7, LOST[0]);
        let answer = by_link(&world, "weak");
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some("30"))
        );
    }

    #[test]
    fn a_claim_outlives_a_slow_supabase() {
        for (timeout, seconds) in [("5000", "30"), ("30000", "130")] {
            let world = World::with(&[("SUPABASE_TIMEOUT_MS", timeout)])
                .supabase(VERIFY, 200, session())
                .supabase_refuses(USER, "weak_password");
            world.break_after(7, LOST[0]);
            let answer = by_link(&world, "weak");
            assert_eq!(answer.header("retry-after"), Some(seconds));
            let calls = world.host.calls();
            let claim = calls[0].body.as_deref().unwrap();
            let end = format!(r#""NX","EX","{seconds}"]"#);
            assert!(claim.contains(IN_USE) && claim.ends_with(&end), "{claim}");
        }
    }

    #[test]
    fn a_claim_that_is_somebody_elses_by_now_is_not_given_up() {
        let world = world().supabase_refuses(USER, "weak_password");
        world.put_while_asked(USER, IN_USE, "somebody else's");
        assert_eq!(by_link(&world, "weak").code(), "weak_password");
        assert_eq!(by_link(&world, "new").code(), "link_expired", "in use");
    }

    #[test]
    fn another_password_than_the_one_that_was_set_is_the_same_password_all_the_same() {
        let world = world();
        world.break_after(6, LOST[0]);
        (0..2).for_each(|_| world.host.break_next(LOST[0]));
        by_link(&world, "new");
        let world = world.supabase_refuses(USER, "same_password");
        assert_eq!(by_link(&world, "other").code(), "same_password");
        assert_eq!(
            by_link(&world, "other").code(),
            "same_password",
            "a refusal is no promise"
        );
    }

    #[test]
    fn nothing_changes_where_it_cannot_be_noted() {
        // The claim, the look, keeping the session, noting the password.
        for calls in [0, 1, 3, 4] {
            let world = world();
            world.break_after(calls, LOST[0]);
            let answer = by_link(&world, "new");
            assert_eq!(answer.code(), "store_unavailable", "{calls}");
            assert!(!world.asked().contains(&"/user".to_owned()), "{calls}");
        }
    }

    #[test]
    fn a_second_factor_is_asked_for_before_anything_changes() {
        let mut user = user();
        user["factors"] = json!([{"id": USER_ID, "status": "verified", "factor_type": "totp"}]);
        let world = world().supabase(VERIFY, 200, session_of(&user));
        let answer = by_link(&world, "new");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "validation_failed")
        );
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!("code"), &json!("missing"))
        );
        assert_eq!(world.asked(), [VERIFY]);
    }

    fn signed_in(world: &World, token: &str, current: &str) -> Answer {
        let body = json!({"current_password": current, "password": "new"}).to_string();
        world.answer(&post(PATH, &body).cookie(token))
    }

    #[test]
    fn signed_in_the_others_end_and_ones_own_goes_on_under_a_new_token() {
        let world = world();
        let (own, other) = (world.signed_in(), world.signed_in());
        world.host.advance(Duration::from_secs(100));
        let answer = signed_in(&world, &own, "p");
        assert_eq!(answer.status, 200);
        let body = answer.json();
        let token = body["session_token"].as_str().unwrap();
        assert_ne!(token, own);
        assert!(answer.header("set-cookie").unwrap().contains(token));
        assert!(lives(&world, token) && !lives(&world, &own) && !lives(&world, &other));
        assert_eq!(
            body["expires_at"], "2027-01-16T08:00:00.000Z",
            "it ends when it would have"
        );
    }

    #[test]
    fn a_wrong_present_password_changes_nothing() {
        let world = world();
        let token = world.signed_in();
        let world = world.supabase_refuses("/token?grant_type=password", "invalid_credentials");
        let answer = signed_in(&world, &token, "wrong");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "validation_failed")
        );
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!("current_password"), &json!("incorrect"))
        );
        assert!(lives(&world, &token));
    }

    #[test]
    fn the_present_password_goes_along_signed_in_and_not_by_a_link() {
        let world = world();
        let sent = |world: &World| {
            let mut calls = world.host.calls().into_iter().rev();
            calls.find(|call| call.method == "PUT").unwrap().body
        };
        signed_in(&world, &world.signed_in(), "p");
        let both = r#"{"current_password":"p","password":"new"}"#;
        assert_eq!(sent(&world).as_deref(), Some(both));
        by_link(&world, "new");
        assert_eq!(sent(&world).as_deref(), Some(r#"{"password":"new"}"#));
    }

    #[test]
    fn what_supabase_demands_besides_is_told() {
        for (code, status, expected) in [
            ("reauthentication_needed", 403, "reauthentication_required"),
            ("current_password_invalid", 422, "validation_failed"),
        ] {
            let world = world();
            let token = world.signed_in();
            let world = world.supabase_refuses("PUT /user", code);
            let answer = signed_in(&world, &token, "p");
            assert_eq!((answer.status, answer.code().as_str()), (status, expected));
            assert!(lives(&world, &token), "nothing has changed");
        }
    }

    #[test]
    fn nobody_who_is_not_signed_in_can_try_present_passwords() {
        let world = world();
        let body = r#"{"current_password":"p","password":"new"}"#;
        assert_eq!(world.answer(&post(PATH, body)).code(), "no_session");
        assert!(world.asked().is_empty());
    }

    #[test]
    fn what_fails_after_the_change_says_that_it_has_changed() {
        let world = world();
        let token = world.signed_in();
        // The session, the user, the check, the change; then three tries.
        world.break_after(4, LOST[0]);
        (0..2).for_each(|_| world.host.break_next(LOST[0]));
        let answer = signed_in(&world, &token, "p");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "store_unavailable")
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.starts_with("The password has been changed"),
            "{detail}"
        );
    }

    #[test]
    fn fields_are_checked_before_anything_is_asked() {
        for (body, field) in [
            (json!({}), "token_hash"),
            (
                json!({"token_hash": "a/b", "password": "new"}),
                "token_hash",
            ),
            (json!({"token_hash": "abc"}), "password"),
            (
                json!({"token_hash": "abc", "password": "x".repeat(73)}),
                "password",
            ),
            (
                json!({"token_hash": "abc", "password": "p", "code": "12"}),
                "factor_id",
            ),
            (
                json!({"current_password": 7, "password": "p"}),
                "current_password",
            ),
        ] {
            let world = world();
            let answer = world.answer(&post(PATH, &body.to_string()));
            assert_eq!(answer.code(), "validation_failed", "{body}");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
            assert!(world.host.calls().is_empty());
        }
    }
}
