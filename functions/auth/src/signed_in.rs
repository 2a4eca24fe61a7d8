//! Who is signed in: the session that a request presents, alive and on its device.

use std::rc::Rc;

use authflow_shared::{
    fernet::FernetKeys,
    host::Host,
    secret::Secret,
    session::{SessionId, SessionRecord, record::SealedTokens, store::SessionLookup},
    supabase::{self, AuthError, Factor, Session, User},
    timestamp::Timestamp,
};

use crate::{exchange::Exchange, failure::Failure};

/// Seconds before its end at which an access token is not used any more.
const NEARLY_OVER: u64 = 60;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) id: SessionId,
    pub(crate) record: Rc<SessionRecord>,
}

impl SignedIn {
    /// The user's id.
    pub(crate) fn user_id(&self) -> &str {
        &self.record.user_id
    }

    /// Refuses a session without the second factor that its user has.
    ///
    /// # Errors
    /// `step_up_required`.
    pub(crate) fn require_second_factor(&self, user: &User) -> Result<(), Failure> {
        let has_one = user.factors.iter().any(Factor::is_verified);
        if has_one && self.record.aal != "aal2" {
            return Err(Failure::step_up_required());
        }
        Ok(())
    }
}

/// Asks as the gateway would.
///
/// # Errors
/// `no_session`; or `store_unavailable` where nobody knows.
pub(crate) async fn require<H: Host>(exchange: &Exchange<'_, H>) -> Result<SignedIn, Failure> {
    let id = exchange.session.as_ref().ok_or_else(Failure::no_session)?;
    let (found, _) = exchange.store().find(id, exchange.host.now()).await;
    let record = match found {
        SessionLookup::Found(record) => record,
        SessionLookup::Absent => return Err(Failure::no_session()),
        SessionLookup::Unavailable(reason) => return Err(Failure::store_unavailable(reason)),
    };
    let fingerprinter = &exchange.config.common.fingerprinter;
    let likeness = fingerprinter.compare(&exchange.device(), &record);
    if !likeness.passes() {
        return Err(Failure::no_session());
    }
    let signed_in = SignedIn {
        id: id.clone(),
        record,
    };
    let renewals = &exchange.config.common.renewals;
    exchange
        .store()
        .renew_behind(renewals, id, &signed_in.record);
    if let Some(factor) = likeness.drift() {
        exchange.audit_drift(factor, &signed_in);
    }
    Ok(signed_in)
}

/// Supabase's tokens of a session.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Secret,
}

/// Supabase's tokens, with an access token that is still good.
///
/// One that is nearly over is refreshed, and the session gets the new ones. The session's level
/// stays what it is: Supabase gives an old refresh token the level that its session was raised to
/// later, and an old token of ours raises nobody.
///
/// # Errors
/// `no_session` if Supabase has ended its session; ours ends too then.
pub(crate) async fn tokens<H: Host>(
    exchange: &Exchange<'_, H>,
    signed_in: &SignedIn,
) -> Result<Tokens, Failure> {
    let now = exchange.host.now();
    let fernet = &exchange.config.fernet;
    let sealed = &signed_in.record.supabase;
    // (1) The ones that there are.
    let Some(refresh_token) = fernet.open(&sealed.refresh_token, now) else {
        return Err(lost(exchange, signed_in).await);
    };
    if let Some(access_token) = good_access_token(fernet, sealed, now) {
        return Ok(Tokens {
            access_token,
            refresh_token,
        });
    }

    // (2) New ones. Two requests at once get the same ones from Supabase.
    let session = match exchange.supabase().refresh(&refresh_token).await {
        Ok(session) if session.user.id == signed_in.record.user_id => session,
        Ok(_) | Err(AuthError::SessionEnded | AuthError::UserNotFound | AuthError::UserBanned) => {
            return Err(lost(exchange, signed_in).await);
        }
        Err(error) => return Err(Failure::from_supabase(&error)),
    };

    // (3) Kept before it is used: the old refresh token is worth nothing once this one is used.
    let new = seal(fernet, &session, now);
    let kept = exchange
        .store()
        .swap_tokens(&signed_in.id, sealed, &new)
        .await;
    kept.map_err(Failure::store_unavailable)?;
    Ok(Tokens {
        access_token: session.access_token,
        refresh_token: session.refresh_token,
    })
}

/// The access token, unless it is nearly over.
pub(crate) fn good_access_token(
    fernet: &FernetKeys,
    sealed: &SealedTokens,
    now: Timestamp,
) -> Option<Secret> {
    let token = fernet.open(&sealed.access_token, now)?;
    let is_good = supabase::expiry(&token).is_some_and(|end| end > now.seconds() + NEARLY_OVER);
    is_good.then_some(token)
}

/// The tokens of `session`, as a record keeps them.
pub(crate) fn seal(fernet: &FernetKeys, session: &Session, now: Timestamp) -> SealedTokens {
    SealedTokens {
        access_token: fernet.seal(&session.access_token, now),
        refresh_token: fernet.seal(&session.refresh_token, now),
    }
}

/// Somebody who is signed in, as Supabase knows them now.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) signed_in: SignedIn,
    pub(crate) tokens: Tokens,
    pub(crate) user: User,
}

/// Whoever is signed in, as Supabase knows them now.
///
/// # Errors
/// `no_session`; or that nobody knows.
pub(crate) async fn know<H: Host>(exchange: &Exchange<'_, H>) -> Result<Known, Failure> {
    let signed_in = require(exchange).await?;
    let tokens = tokens(exchange, &signed_in).await?;
    let user = user(exchange, &signed_in, &tokens.access_token).await?;
    Ok(Known {
        signed_in,
        tokens,
        user,
    })
}

/// The user as Supabase knows them now.
///
/// # Errors
/// `no_session` if Supabase has ended its session, or the user is gone; ours ends too then.
pub(crate) async fn user<H: Host>(
    exchange: &Exchange<'_, H>,
    signed_in: &SignedIn,
    access_token: &Secret,
) -> Result<User, Failure> {
    match exchange.supabase().user(access_token).await {
        Ok(user) if user.id == signed_in.record.user_id => Ok(user),
        Ok(_) | Err(AuthError::SessionEnded | AuthError::UserNotFound | AuthError::UserBanned) => {
            Err(lost(exchange, signed_in).await)
        }
        Err(error) => Err(Failure::from_supabase(&error)),
    }
}

/// Ends a session of ours that Supabase does not know any more.
async fn lost<H: Host>(exchange: &Exchange<'_, H>, signed_in: &SignedIn) -> Failure {
    match exchange
        .store()
        .end(&signed_in.id, exchange.host.now())
        .await
    {
        Ok(()) => Failure::no_session().clearing_cookie(),
        Err(reason) => Failure::store_unavailable(reason),
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use authflow_shared::session::SessionRecord;
    use serde_json::{Value, json};

    use crate::{
        request::Request,
        test_support::{Answer, LOST, USER_ID, World, get, post, session, user},
    };

    const REFRESH: &str = "/token?grant_type=refresh_token";
    const PATH: &str = "/api/v1/simple_auth/reset-password/update";

    /// A world in which Supabase's access token has run out and ours has not.
    fn world() -> (World, String) {
        let world = World::with(&[("SESSION_TTL_SECONDS", "7200")])
            .supabase("/user", 200, user())
            .supabase("/logout", 204, Value::Null)
            .supabase(REFRESH, 200, session());
        let token = world.signed_in();
        world.host.advance(Duration::from_secs(3600 - 59));
        (world, token)
    }

    /// Something that needs Supabase's token.
    fn change(world: &World, token: &str) -> Answer {
        let body = json!({"current_password": "p", "password": "new"}).to_string();
        world.answer(&post(PATH, &body).cookie(token))
    }

    fn record(world: &World, token: &str) -> Option<SessionRecord> {
        let (id, _) = token.split_once('.').unwrap();
        SessionRecord::from_json(&world.redis(&format!("session:{id}"))?)
    }

    #[test]
    fn a_token_that_is_nearly_over_is_refreshed_and_kept_before_it_is_used() {
        let (world, token) = world();
        let before = record(&world, &token).unwrap();
        let world = world.supabase_refuses("/user", "weak_password");
        change(&world, &token);
        assert_eq!(world.asked()[1], REFRESH);
        let after = record(&world, &token).unwrap();
        assert_ne!(before.supabase, after.supabase);
        assert_eq!(
            (before.aal, before.expires_at),
            (after.aal, after.expires_at)
        );
    }

    #[test]
    fn a_refresh_raises_nobody() {
        let (world, token) = world();
        let claims = "eyJhYWwiOiJhYWwyIiwiZXhwIjoxODAwMDA5MDAwfQ";
        let mut raised = session();
        raised["access_token"] = format!("SUPABASE.{claims}.ACCESS").into();
        let world = world.supabase(REFRESH, 200, raised);
        let renewed = change(&world, &token).json();
        let token = renewed["session_token"].as_str().unwrap();
        assert_eq!(record(&world, token).unwrap().aal, "aal1");
    }

    #[test]
    fn what_supabase_has_ended_ends_here_too() {
        for code in [
            "refresh_token_not_found",
            "session_expired",
            "user_banned",
            "user_not_found",
        ] {
            let (world, token) = world();
            let world = world.supabase_refuses(REFRESH, code);
            let answer = change(&world, &token);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (401, "no_session"),
                "{code}"
            );
            assert!(answer.header("set-cookie").is_some());
            assert!(record(&world, &token).is_none(), "{code}");
        }
    }

    /// A world in which a session is due to be renewed.
    fn due() -> (World, String) {
        let world = World::new().supabase("/logout", 204, Value::Null);
        let token = world.signed_in();
        world.run_tasks();
        world.host.advance(Duration::from_mins(11));
        (world, token)
    }

    #[test]
    fn a_session_in_use_is_renewed_after_the_answer_and_not_with_every_request() {
        let (world, token) = due();
        for path in ["/api/v1/simple_auth/me", "/api/v1/simple_auth/sessions"] {
            assert_eq!(world.answer(&get(path).cookie(&token)).status, 200);
            assert_eq!(world.renewals(), 0, "nobody waits for it");
        }
        world.run_tasks();
        assert_eq!(world.renewals(), 1);
        world.host.advance(Duration::from_mins(10));
        world.answer(&get("/auth/account").cookie(&token));
        world.run_tasks();
        assert_eq!(world.renewals(), 2);
    }

    #[test]
    fn a_session_that_has_just_begun_is_not_renewed_nor_for_another_device() {
        let world = World::new();
        let token = world.signed_in();
        let me = get("/api/v1/simple_auth/me").cookie(&token);
        assert_eq!(world.answer(&me).status, 200);
        world.host.advance(Duration::from_mins(11));
        let elsewhere = me.with("cf-connecting-ip", "192.0.2.9");
        assert_eq!(world.answer(&elsewhere).status, 401);
        world.run_tasks();
        assert_eq!(world.renewals(), 0);
    }

    #[test]
    fn a_request_that_ends_or_replaces_the_session_does_not_renew_it() {
        let logout = |scope: &str| {
            let body = json!({ "scope": scope }).to_string();
            post("/api/v1/simple_auth/logout", &body)
        };
        let end = |id: &str| {
            let mut request = get(&format!("/api/v1/simple_auth/sessions/{id}"));
            request.method = "DELETE".into();
            request
        };
        let password = json!({"current_password": "p", "password": "new"}).to_string();
        for (request, status) in [
            (logout("local"), 204),
            (logout("global"), 204),
            (end("{id}"), 204),
            (post(PATH, &password), 200),
        ] {
            let (world, token) = due();
            let world = world.supabase("/user", 200, user()).supabase(
                "/token?grant_type=password",
                200,
                session(),
            );
            let (id, _) = token.split_once('.').unwrap();
            let mut request = request.cookie(&token);
            request.path = request.path.replace("{id}", id);
            assert_eq!(world.answer(&request).status, status, "{request:?}");
            world.run_tasks();
            assert_eq!((world.renewals(), record(&world, &token)), (0, None));
        }
    }

    #[test]
    fn a_renewal_that_failed_is_logged_and_tried_again() {
        let (world, token) = due();
        let me = get("/api/v1/simple_auth/me").cookie(&token);
        assert_eq!(world.answer(&me).status, 200);
        world.host.break_next(LOST[0]);
        world.run_tasks();
        let line = world.host.lines().pop().unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&line["msg"], &line["reason"]),
            (&json!("renewal_failed"), &json!("timeout"))
        );
        assert_eq!(world.answer(&me).status, 200);
        world.run_tasks();
        assert_eq!(world.renewals(), 1);
    }

    #[test]
    fn a_device_that_has_drifted_is_recorded() {
        let world = World::with(&[("FINGERPRINT_MODE", "graded")]);
        let token = world.signed_in();
        let sessions = get("/api/v1/simple_auth/sessions").cookie(&token);
        let drifts = |request: &Request| {
            world.host.forget();
            world.answer(request);
            let lines = world.host.lines().into_iter();
            let lines = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
            let drifts = lines.filter(|line| line["event"] == "device_drift");
            drifts.collect::<Vec<_>>()
        };
        assert!(drifts(&sessions).is_empty());
        let german = sessions.with("accept-language", "de");
        let line = drifts(&german).remove(0);
        assert_eq!(
            (&line["msg"], &line["drift"], &line["user_id"]),
            (&json!("audit"), &json!("language"), &json!(USER_ID))
        );
        assert_eq!(line["network"], "192.0.2.1");
        assert!(line["session"].is_string() && !line.to_string().contains(&token));
        let roaming = german.with("cf-connecting-ip", "192.0.2.2");
        assert!(drifts(&roaming).is_empty(), "another device does not pass");
    }

    #[test]
    fn supabase_away_ends_nothing() {
        for breakage in LOST {
            let (world, token) = world();
            world.break_after(1, breakage);
            assert_eq!(change(&world, &token).code(), "identity_unavailable");
            assert!(record(&world, &token).is_some());
        }
    }
}
