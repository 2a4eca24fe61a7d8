//! `POST /token`: chooses by `grant_type`, which is read from the query alone.

use axum::response::Response;

use super::{call::Call, error::AuthError, refresh, signin, state::State};

/// Answers the grants a client may ask for.
pub(super) fn token(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    match call.query("grant_type") {
        Some("password") => signin::signin(state, call),
        Some("refresh_token") => refresh::refresh(state, call),
        Some("pkce") => {
            let message = "invalid flow state, no valid flow state found";
            Err(AuthError::new(404, "flow_state_not_found", message))
        }
        _ => Err(AuthError::new(
            400,
            "invalid_credentials",
            "unsupported_grant_type",
        )),
    }
}
