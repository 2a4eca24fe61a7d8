//! Who a request's bearer token speaks for.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{call::Call, error::AuthError, jwt, session::Session, state::State};

/// A user, and the session that the token names, if it names one.
pub(super) struct Bearer {
    pub(super) user_id: Uuid,
    pub(super) session_id: Option<Uuid>,
}

impl Bearer {
    /// Whether the session has met a second factor.
    pub(super) fn is_aal2(&self, state: &State) -> bool {
        let session = self.session_id.and_then(|id| state.sessions.get(&id));
        session.is_some_and(Session::is_aal2)
    }
}

/// The user of the token. As the real server, it looks at signature, expiry, user, session and
/// ban, and at nothing else.
pub(super) fn user(state: &State, call: &Call) -> Result<Bearer, AuthError> {
    let claims = claims(state, call)?;
    let subject = match claims.get("sub").and_then(Value::as_str) {
        None | Some("") => return Err(AuthError::bad_jwt("invalid claim: missing sub claim")),
        Some(subject) => subject,
    };
    let user_id = Uuid::parse_str(subject)
        .map_err(|_| AuthError::new(400, "bad_jwt", "invalid claim: sub claim must be a UUID"))?;
    let user = state.users.get(&user_id).ok_or_else(|| {
        AuthError::new(
            403,
            "user_not_found",
            "User from sub claim in JWT does not exist",
        )
    })?;
    let session_id = live_session(state, &claims)?;
    if user.is_banned(state.now()) {
        return Err(AuthError::banned());
    }
    Ok(Bearer {
        user_id,
        session_id,
    })
}

/// Lets only the roles in that may administer.
pub(super) fn admin(state: &State, call: &Call) -> Result<(), AuthError> {
    let claims = claims(state, call)?;
    live_session(state, &claims)?;
    match claims.get("role").and_then(Value::as_str) {
        Some("service_role" | "supabase_admin") => Ok(()),
        _ => Err(AuthError::new(403, "not_admin", "User not allowed")),
    }
}

fn claims(state: &State, call: &Call) -> Result<Map<String, Value>, AuthError> {
    let token = call
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ')
        })
        .map(|(_, token)| token)
        .ok_or_else(|| {
            let message = "This endpoint requires a valid Bearer token";
            AuthError::new(401, "no_authorization", message)
        })?;
    jwt::verify(
        token,
        &state.config.jwt_secret,
        state.now().unix_timestamp(),
    )
}

fn live_session(state: &State, claims: &Map<String, Value>) -> Result<Option<Uuid>, AuthError> {
    let Some(id) = claims
        .get("session_id")
        .and_then(Value::as_str)
        .filter(|id| !id.is_empty())
    else {
        return Ok(None);
    };
    let id = Uuid::parse_str(id)
        .map_err(|_| AuthError::bad_jwt("invalid claim: session_id claim must be a UUID"))?;
    if state.sessions.contains_key(&id) {
        Ok(Some(id))
    } else {
        let message = "Session from session_id claim in JWT does not exist";
        Err(AuthError::new(403, "session_not_found", message))
    }
}
