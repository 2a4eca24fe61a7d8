//! `POST /token`: chooses by `grant_type`, which is read from the query alone.

use axum::response::Response;

use super::{call::Call, error::AuthError, exchange, refresh, signin, state::State};

/// Answers the grants a client may ask for.
pub(super) fn token(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    match call.query("grant_type") {
        Some("password") => signin::signin(state, call),
        Some("refresh_token") => refresh::refresh(state, call),
        Some("pkce") => exchange::exchange(state, call),
        _ => Err(AuthError::new(
            400,
            "invalid_credentials",
            "unsupported_grant_type",
        )),
    }
}
