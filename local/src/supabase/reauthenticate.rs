//! `GET /reauthenticate`: mails a code that a change of password takes in a session of yesterday.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::json;
use time::Duration;

use super::{
    bearer::{self, Bearer},
    call::Call,
    error::AuthError,
    mail::Delivery,
    purpose::Purpose,
    state::State,
};

/// How long a sign-in is proof enough.
const FRESH: Duration = Duration::hours(24);

/// Mails the code.
pub(super) fn reauthenticate(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let bearer = bearer::user(state, call)?;
    let sent_at = state.user(bearer.user_id)?.reauthentication_sent_at;
    state.check_mail(Purpose::Reauthentication, sent_at)?;
    state.send_mail(
        bearer.user_id,
        Purpose::Reauthentication,
        Delivery::default(),
    )?;
    Ok(Json(json!({})).into_response())
}

/// Refuses an old session without the code, where the server wants it.
pub(super) fn check(state: &State, bearer: &Bearer, nonce: &str) -> Result<(), AuthError> {
    let session = bearer.session_id.and_then(|id| state.sessions.get(&id));
    let is_fresh = session.is_some_and(|session| session.created_at + FRESH >= state.now());
    if !state.config.require_reauthentication || is_fresh {
        return Ok(());
    }
    if nonce.is_empty() {
        let message = "Password update requires reauthentication";
        return Err(AuthError::new(400, "reauthentication_needed", message));
    }
    let email = &state.user(bearer.user_id)?.email;
    let is_known = state.one_time_tokens.iter().any(|token| {
        token.user_id == bearer.user_id
            && token.purpose == Purpose::Reauthentication
            && token.is_code(email, nonce)
            && !token.is_expired(state.now())
    });
    if is_known {
        return Ok(());
    }
    let message = "Nonce has expired or is invalid";
    Err(AuthError::new(422, "reauthentication_not_valid", message))
}
