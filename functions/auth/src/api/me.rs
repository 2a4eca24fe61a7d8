//! `GET /api/v1/simple_auth/me`: who is signed in.

use authflow_shared::{
    host::Host, json::Object, redis::Lookup, session::SessionRecord, timestamp::Timestamp,
};

use crate::{
    exchange::Exchange,
    failure::Failure,
    profile,
    response::Response,
    signed_in::{self, SignedIn},
};

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    // (1) The session, as the gateway would ask it.
    let SignedIn { id, record } = signed_in::require(exchange).await?;

    // (2) The profile.
    let user = match exchange.store().profile(&record.user_id).await {
        Lookup::Found(json) => Object::parse(&json),
        Lookup::Absent => None,
        Lookup::Unavailable(reason) => return Err(Failure::store_unavailable(reason)),
    };
    let user = match user {
        Some(user) => user,
        None => fetch_profile(exchange, &record).await,
    };
    let time = |seconds| Timestamp::from_seconds(seconds).to_string();
    let session = Object::new()
        .with("id", id.as_str())
        .with("created_at", time(record.created_at))
        .with("expires_at", time(record.expires_at))
        .with("aal", record.aal.as_str());
    let body = Object::new().with("user", user).with("session", session);
    let response = Response::json(200, "ok", &body);
    Ok(response.of_user(&record.user_id).of_session(&id))
}

/// The profile from Supabase, which is kept for the next time, or else what the session knows, which
/// is less: kept, it would hide the other for as long.
async fn fetch_profile<H: Host>(exchange: &Exchange<'_, H>, record: &SessionRecord) -> Object {
    let sealed = &record.supabase.access_token;
    let token = exchange.config.fernet.open(sealed, exchange.host.now());
    let user = match token {
        Some(token) => exchange.supabase().user(&token).await.ok(),
        None => None,
    };
    let Some(user) = user else {
        return profile::of_record(record);
    };
    let profile = profile::of_user(user);
    let (store, user_id, json) = (
        exchange.store().clone(),
        record.user_id.clone(),
        profile.to_json(),
    );
    exchange.afterwards("profile_not_kept", async move {
        let kept = store.keep_profile(&user_id, &json).await;
        kept.map_err(|reason| reason.as_str().to_owned())
    });
    profile
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::test_support::{Answer, LOST, USER_ID, World, get, user};

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
        for odd in [None, Some("null"), Some("{")] {
            world.forget(&profile_key());
            if let Some(odd) = odd {
                world.put(&profile_key(), odd);
            }
            let answer = me(&world, &token).json();
            assert_eq!(answer["user"]["user_metadata"]["name"], "Augusta");
            world.run_tasks();
            let kept: Value = serde_json::from_str(&world.redis(&profile_key()).unwrap()).unwrap();
            assert_eq!(kept, answer["user"]);
        }
    }

    #[test]
    fn without_supabase_the_session_itself_tells() {
        let world = World::new().supabase_refuses("/user", "bad_jwt");
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

    #[test]
    fn a_store_that_is_down_signs_nobody_out() {
        for (calls, breakage) in [(0, LOST[0]), (0, LOST[1]), (1, LOST[0])] {
            let world = World::new();
            let token = world.signed_in();
            world.break_after(calls, breakage);
            let answer = me(&world, &token);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (503, "store_unavailable")
            );
            assert!(answer.header("set-cookie").is_none());
        }
    }
}
