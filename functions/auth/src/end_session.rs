//! Ends sessions: the one that a request presents, another one, or all of a user.

use core::time::Duration;
use std::rc::Rc;

use authflow_shared::{
    host::Host,
    secret::Secret,
    session::{SessionId, SessionRecord, store::SessionLookup},
    supabase::{AuthError, auth::Scope},
    timestamp::Timestamp,
};

use crate::{
    exchange::Exchange,
    failure::Failure,
    signed_in::{SignedIn, good_access_token, seal},
};

/// The time before each further try to end all sessions.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(200)];

/// A session that is certain to be gone.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) id: SessionId,
    /// Whose it was, if it was still there.
    pub(crate) user_id: Option<String>,
}

/// Ends it. None, or one that ended before, is no error.
///
/// # Errors
/// [`Failure`] if it is not certain that the session is gone.
pub(crate) async fn end<H: Host>(exchange: &Exchange<'_, H>) -> Result<Option<Ended>, Failure> {
    let Some(id) = exchange.session.clone() else {
        return Ok(None);
    };
    let user_id = end_one(exchange, &id).await?;
    if let Some(user_id) = &user_id {
        exchange.audit_end("sign_out", user_id, &id, None);
    }
    Ok(Some(Ended { id, user_id }))
}

/// Ends the session `id`, and gives whose it was, if it was still there.
///
/// # Errors
/// [`Failure`] if it is not certain that the session is gone.
pub(crate) async fn end_one<H: Host>(
    exchange: &Exchange<'_, H>,
    id: &SessionId,
) -> Result<Option<String>, Failure> {
    let store = exchange.store();
    // (1) Read before it is gone: Supabase's session is to end too.
    let now = exchange.host.now();
    let (found, _) = store.find(id, now).await;
    // (2) Ours, for certain.
    store
        .end(id, now)
        .await
        .map_err(Failure::store_unavailable)?;
    // (3) Supabase's, if that can be done: without ours, nobody has its tokens any more.
    let record = match found {
        SessionLookup::Found(record) => Some(record),
        SessionLookup::Absent | SessionLookup::Unavailable(_) => None,
    };
    if let Some(record) = &record {
        end_at_supabase(exchange, id, record, Scope::Local);
    }
    Ok(record.map(|record| record.user_id.clone()))
}

/// Ends a session of the user `user_id`, on behalf of `actor` where that is somebody else.
///
/// # Errors
/// `not_found` for anybody else's, as for one that there is not.
pub(crate) async fn end_of<H: Host>(
    exchange: &Exchange<'_, H>,
    user_id: &str,
    id: &SessionId,
    actor: Option<&str>,
) -> Result<(), Failure> {
    let owns = exchange
        .store()
        .owns(user_id, id, exchange.host.now())
        .await;
    if !owns.map_err(Failure::store_unavailable)? {
        return Err(Failure::not_found());
    }
    end_one(exchange, id).await?;
    exchange.audit_end("session_ended", user_id, id, actor);
    Ok(())
}

/// Ends every session of the user of `signed_in`, but that one itself where `scope` is `others`.
///
/// # Errors
/// [`Failure`] if it is not certain that they are gone.
pub(crate) async fn end_many<H: Host>(
    exchange: &Exchange<'_, H>,
    signed_in: &SignedIn,
    scope: Scope,
) -> Result<(), Failure> {
    let kept = (scope == Scope::Others).then_some(&signed_in.id);
    end_all(exchange, signed_in.user_id(), kept).await?;
    exchange.audit("sessions_ended", signed_in.user_id(), None);
    end_at_supabase(exchange, &signed_in.id, &signed_in.record, scope);
    Ok(())
}

/// Ends every session of ours of a user, but `kept`. Tried again if Redis does not answer, because
/// what made it necessary has often happened already.
///
/// Gives the moment before which nothing of the user's is left, for the session that takes their
/// place; the beginning of time where somebody else has ended all since this request began, and so
/// that one too.
///
/// # Errors
/// [`Failure`] if it is not certain that they are gone.
pub(crate) async fn end_all<H: Host>(
    exchange: &Exchange<'_, H>,
    user_id: &str,
    kept: Option<&SessionId>,
) -> Result<Timestamp, Failure> {
    let store = exchange.store();
    let mut tried = Vec::new();
    let mut pauses = PAUSES.into_iter();
    loop {
        let now = exchange.host.now();
        match store.end_all(user_id, kept, now).await {
            Ok(before) => {
                let is_ours = |before: &Timestamp| tried.contains(before);
                let by_others = before.filter(|before| !is_ours(before));
                let meanwhile = by_others.is_some_and(|before| before >= exchange.ids.started);
                return Ok(if meanwhile { Timestamp::default() } else { now });
            }
            Err(reason) => match pauses.next() {
                Some(pause) => exchange.host.sleep(pause).await,
                None => return Err(Failure::store_unavailable(reason)),
            },
        }
        tried.push(now);
    }
}

/// Ends at Supabase, after the answer, the session of an access token that is good, or what `scope`
/// names beside it.
pub(crate) fn sign_out_at_supabase<H: Host>(
    exchange: &Exchange<'_, H>,
    access_token: Secret,
    scope: Scope,
) {
    let supabase = exchange.supabase().clone();
    exchange.afterwards("supabase_logout_failed", async move {
        let ended = supabase.sign_out(&access_token, scope).await;
        ended.map_err(|error| error.as_str().to_owned())
    });
}

/// Ends at Supabase the session of `record`, which is `id` here, or what `scope` names beside it.
///
/// Supabase takes an access token that is over for a session that has ended, and ends nothing: such
/// a one is refreshed first.
fn end_at_supabase<H: Host>(
    exchange: &Exchange<'_, H>,
    id: &SessionId,
    record: &Rc<SessionRecord>,
    scope: Scope,
) {
    let (now, config) = (exchange.host.now(), exchange.config.clone());
    let (supabase, store) = (exchange.supabase().clone(), exchange.store().clone());
    let (id, record) = (id.clone(), record.clone());
    exchange.afterwards("supabase_logout_failed", async move {
        let (fernet, sealed) = (&config.fernet, &record.supabase);
        let said = |error: AuthError| error.as_str().to_owned();
        let token = if let Some(token) = good_access_token(fernet, sealed, now) {
            token
        } else {
            let refresh_token = fernet.open(&sealed.refresh_token, now);
            let refresh_token = refresh_token.ok_or("no key opens its token")?;
            let session = supabase.refresh(&refresh_token).await.map_err(said)?;
            // One that goes on needs them: the old refresh token will be worth nothing.
            if scope == Scope::Others {
                let new = seal(fernet, &session, now);
                let kept = store.swap_tokens(&id, sealed, &new).await;
                kept.map_err(|reason| reason.as_str().to_owned())?;
            }
            session.access_token
        };
        supabase.sign_out(&token, scope).await.map_err(said)
    });
}
