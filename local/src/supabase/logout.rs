//! `POST /logout`.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{bearer, call::Call, error::AuthError, state::State};

/// Ends the sessions that the query's `scope` names; all, if it names none.
pub(super) fn logout(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let bearer = bearer::user(state, call)?;
    let is_this = move |session_id| bearer.session_id == Some(session_id);
    match call.query("scope") {
        None | Some("" | "global") => state.end_sessions(bearer.user_id, |_| true),
        Some("local") => state.end_sessions(bearer.user_id, is_this),
        Some("others") => state.end_sessions(bearer.user_id, |id| !is_this(id)),
        Some(scope) => {
            return Err(AuthError::validation(format!(
                "Unsupported logout scope \"{scope}\""
            )));
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}
