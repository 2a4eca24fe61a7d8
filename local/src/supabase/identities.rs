//! `DELETE /user/identities/{id}`: gives up a way to sign in.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::{authorize::check_linking, bearer, call::Call, error::AuthError, state::State};

/// Removes an identity of the user's, unless it is the last.
pub(super) fn unlink(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let bearer = bearer::user(state, call)?;
    check_linking(&state.config)?;
    let id = Uuid::parse_str(call.segment(2))
        .map_err(|_| AuthError::new(404, "validation_failed", "identity_id must be an UUID"))?;
    let user = state.user_mut(bearer.user_id)?;
    if user.identities.len() <= 1 {
        let message = "User must have at least 1 identity after unlinking";
        return Err(AuthError::new(
            422,
            "single_identity_not_deletable",
            message,
        ));
    }
    if !user.identities.iter().any(|identity| identity.id == id) {
        let message = "Identity doesn't exist";
        return Err(AuthError::new(422, "identity_not_found", message));
    }
    user.identities.retain(|identity| identity.id != id);
    user.name_providers();
    Ok(Json(json!({})).into_response())
}
