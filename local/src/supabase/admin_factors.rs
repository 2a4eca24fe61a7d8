//! `/admin/users/{id}/factors`: another user's second factors.

use axum::{
    Json,
    response::{IntoResponse, Response},
};

use super::{
    admin::target, call::Call, error::AuthError, factor::Factor, mfa::factor_id, params::Params,
    state::State,
};

/// `GET`: verified or not.
pub(super) fn list(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let user_id = target(state, call)?;
    let factors = state.user(user_id)?.factors.iter();
    Ok(Json(factors.map(Factor::to_json).collect::<Vec<_>>()).into_response())
}

/// `PUT …/{factor}`: another name.
pub(super) fn rename(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let user_id = target(state, call)?;
    let id = state.factor(user_id, factor_id(call.segment(4))?)?.id;
    let name = Params::read(call, "adminUserUpdateFactorParams")?.text("friendly_name")?;
    if !name.is_empty() {
        state.change_factor(user_id, id, |factor| factor.friendly_name = name)?;
    }
    Ok(Json(state.factor(user_id, id)?.to_json()).into_response())
}

/// `DELETE …/{factor}`: gone at once, for sessions of any level.
pub(super) fn delete(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let user_id = target(state, call)?;
    let removed = state.remove_factor(user_id, factor_id(call.segment(4))?)?;
    Ok(Json(removed.to_json()).into_response())
}
