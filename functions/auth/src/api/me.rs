//! `GET /api/v1/simple_auth/me`: who is signed in.

use authflow_shared::{host::Host, json::Object, layout, redis::Lookup, timestamp::Timestamp};

use crate::{
    exchange::Exchange,
    failure::Failure,
    profile,
    response::Response,
    signed_in::{self, SignedIn},
};

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    // (1) The session, as the gateway would ask it.
    let signed_in = signed_in::require(exchange).await?;
    let SignedIn { id, record } = &signed_in;

    // (2) The profile.
    let user = match exchange.store().profile(&record.user_id).await {
        Lookup::Found(json) => layout::read(&json),
        Lookup::Absent | Lookup::Unavailable(_) => None,
    };
    let user = match user {
        Some(user) => user,
        None => fetch_profile(exchange, &signed_in).await?,
    };
    let time = |seconds| Timestamp::from_seconds(seconds).to_string();
    let session = Object::new()
        .with("id", id.as_str())
        .with("created_at", time(record.created_at))
        .with("expires_at", time(record.expires_at))
        .with("aal", record.aal.as_str());
    let body = Object::new().with("user", user).with("session", session);
    let response = Response::json(200, "ok", &body);
    Ok(response.of_user(&record.user_id).of_session(id))
}

/// The profile from Supabase, which is kept for the next time, or else what the session knows,
/// which is less: kept, it would hide the other for as long.
///
/// # Errors
/// `no_session` if Supabase has ended its session, or the user is gone.
async fn fetch_profile<H: Host>(
    exchange: &Exchange<'_, H>,
    signed_in: &SignedIn,
) -> Result<Object, Failure> {
    let user = match signed_in::tokens(exchange, signed_in).await {
        Ok(tokens) => signed_in::user(exchange, signed_in, &tokens.access_token).await,
        Err(failure) => Err(failure),
    };
    let user = match user {
        Ok(user) => user,
        Err(failure) if failure.problem.code == "no_session" => return Err(failure),
        Err(_) => return Ok(profile::of_record(&signed_in.record)),
    };
    let profile = profile::of_user(user);
    let store = exchange.store().clone();
    let (user_id, json) = (
        signed_in.record.user_id.clone(),
        profile::to_store(&profile),
    );
    let started = exchange.ids.started;
    exchange.afterwards("profile_not_kept", async move {
        let kept = store.keep_profile(&user_id, &json, started).await;
        kept.map_err(|reason| reason.as_str().to_owned())
    });
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use serde_json::Value;

    use crate::test_support::{Answer, LOST, USER_ID, World, get, session, user};

    const REFRESH: &str = "/token?grant_type=refresh_token";
    const PATH: &str = "/api/v1/simple_auth/me";

    fn me(world: &World, token: &str) -> Answer {
        world.answer(&get(PATH).cookie(token))
    }

    fn profile_key() -> String {
        format!("user_profile:{USER_ID}")
    }

    #[test]
    fn tells_who_is_signed_in() {
        let world = World::new();
        let token = world.signed_in();
        let answer = me(&world, &token);
        let (id, _) = token.split_once('.').unwrap();
        insta::assert_snapshot!(answer.shown().replace(id, "[session_id]"), @r#"200 {"session":{"aal":"aal1","created_at":"2027-01-15T08:00:00.000Z","expires_at":"2027-01-16T08:00:00.000Z","id":"[session_id]"},"user":{"app_metadata":{"provider":"email"},"created_at":"2026-11-23T08:00:00Z","email":"ada@example.test","email_confirmed_at":"2026-11-23T09:00:00Z","id":"5f6b7c8d-0000-4000-8000-000000000001","role":"authenticated","user_metadata":{"name":"Ada"}}}"#);
        assert_eq!(
            world.asked(),
            ["/token?grant_type=password"],
            "the profile was in Redis"
        );
    }

    #[test]
    fn a_bearer_token_is_as_good_as_the_cookie() {
        let world = World::new();
        let token = world.signed_in();
        let request = get(PATH).with("authorization", &format!("bearer {token}"));
        assert_eq!(world.answer(&request).status, 200);
    }

    #[test]
    fn without_a_session_nobody_is() {
        let world = World::new();
        insta::assert_snapshot!(world.answer(&get(PATH)).shown(), @r#"401 {"type":"urn:authflow:problem:no_session","title":"Not signed in","status":401,"detail":"Sign in first.","code":"no_session","request_id":"[request_id]"}"#);
        let token = world.signed_in();
        let calls = world.redis_calls();
        let forged = format!("{}B", token.split_at(token.len() - 1).0);
        assert_eq!(me(&world, &forged).code(), "no_session");
        assert_eq!(
            world.redis_calls(),
            calls,
            "a forged token costs no look-up"
        );
        let (id, _) = token.split_once('.').unwrap();
        world.forget(&format!("session:{id}"));
        assert_eq!(me(&world, &token).code(), "no_session");
    }

    #[test]
    fn another_device_is_nobody_and_the_session_stays() {
        let world = World::new();
        let token = world.signed_in();
        for (name, value) in [
            ("user-agent", "curl/8"),
            ("cf-connecting-ip", "192.0.2.2"),
            ("accept-language", "de"),
        ] {
            let request = get(PATH).cookie(&token).with(name, value);
            let answer = world.answer(&request);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (401, "no_session"),
                "{name}"
            );
        }
        assert_eq!(me(&world, &token).status, 200);
    }

    #[test]
    fn where_a_device_may_drift_it_is_still_the_same() {
        let world = World::with(&[("FINGERPRINT_MODE", "graded")]);
        let token = world.signed_in();
        let german = get(PATH).cookie(&token).with("accept-language", "de");
        assert_eq!(world.answer(&german).status, 200);
        let roaming = german.with("cf-connecting-ip", "192.0.2.2");
        assert_eq!(world.answer(&roaming).code(), "no_session");
    }

    #[test]
    fn a_missing_profile_comes_from_supabase_and_is_kept() {
        let mut renamed = user();
        renamed["user_metadata"]["name"] = "Augusta".into();
        let world = World::new().supabase("/user", 200, renamed);
        let token = world.signed_in();
        for odd in [None, Some("null"), Some("{"), Some(r#"{"v":2}"#)] {
            world.forget(&profile_key());
            if let Some(odd) = odd {
                world.put(&profile_key(), odd);
            }
            let answer = me(&world, &token).json();
            assert_eq!(answer["user"]["user_metadata"]["name"], "Augusta");
            world.run_tasks();
            let mut kept: Value =
                serde_json::from_str(&world.redis(&profile_key()).unwrap()).unwrap();
            assert_eq!(kept.as_object_mut().unwrap().remove("v"), Some(1.into()));
            assert_eq!(kept, answer["user"]);
        }
    }

    #[test]
    fn without_supabase_the_session_itself_tells() {
        let world = World::new().supabase_refuses("/user", "unexpected_failure");
        let token = world.signed_in();
        world.forget(&profile_key());
        let user = me(&world, &token).json()["user"].clone();
        assert_eq!(user["id"], USER_ID);
        assert_eq!(user["email"], "ada@example.test");
        assert_eq!(user["role"], "authenticated");
        world.run_tasks();
        assert_eq!(
            world.redis(&profile_key()),
            None,
            "less than Supabase knows is not kept"
        );
    }

    /// A world in which Supabase's access token has run out and ours has not, and no profile is
    /// kept.
    fn later() -> (World, String) {
        let world = World::with(&[("SESSION_TTL_SECONDS", "7200")])
            .supabase("/user", 200, user())
            .supabase(REFRESH, 200, session());
        let token = world.signed_in();
        world.host.advance(Duration::from_hours(1));
        world.forget(&profile_key());
        (world, token)
    }

    #[test]
    fn a_token_of_supabases_that_is_over_is_refreshed_first() {
        let (world, token) = later();
        assert_eq!(me(&world, &token).json()["user"], {
            let fresh = World::new();
            me(&fresh, &fresh.signed_in()).json()["user"].clone()
        });
        assert_eq!(world.asked()[1..], [REFRESH, "/user"]);
    }

    #[test]
    fn what_supabase_has_ended_is_over() {
        for (path, code) in [
            (REFRESH, "refresh_token_not_found"),
            (REFRESH, "user_banned"),
            ("/user", "session_not_found"),
            ("/user", "user_not_found"),
        ] {
            let (world, token) = later();
            let world = world.supabase_refuses(path, code);
            let answer = me(&world, &token);
            assert_eq!((answer.status, answer.code().as_str()), (401, "no_session"));
            assert!(answer.header("set-cookie").is_some(), "{code}");
            let (id, _) = token.split_once('.').unwrap();
            assert_eq!(world.redis(&format!("session:{id}")), None, "{code}");
        }
    }

    #[test]
    fn whoever_cannot_be_asked_for_the_profile_refuses_nobody() {
        // The session is found; then the profile, the refresh, keeping its tokens, or the user.
        for calls in [1, 2, 3, 4] {
            for breakage in LOST {
                let (world, token) = later();
                world.break_after(calls, breakage);
                let answer = me(&world, &token);
                assert_eq!(answer.status, 200, "{calls}");
                assert_eq!(answer.json()["user"]["email"], "ada@example.test");
            }
        }
    }

    #[test]
    fn a_profile_that_redis_cannot_tell_is_asked_for_elsewhere() {
        let world = World::new().supabase("/user", 200, user());
        let token = world.signed_in();
        let usual = me(&world, &token);
        world.break_after(1, LOST[0]);
        assert_eq!(me(&world, &token).json(), usual.json());
        assert_eq!(world.asked().last().unwrap(), "/user");
    }

    #[test]
    fn a_store_that_is_down_signs_nobody_out() {
        for breakage in LOST {
            let world = World::new();
            let token = world.signed_in();
            world.break_after(0, breakage);
            let answer = me(&world, &token);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (503, "store_unavailable")
            );
            assert!(answer.header("set-cookie").is_none());
        }
    }
}
