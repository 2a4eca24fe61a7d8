//! `POST /token?grant_type=pkce`: exchanges the code of a flow for a session.

use axum::response::Response;
use serde_json::Map;
use uuid::Uuid;

use super::{call::Call, error::AuthError, flow::Flow, params::Params, state::State, user::Seen};

/// Takes a code once. As the real server, it looks at no ban.
pub(super) fn exchange(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let params = Params::read(call, "PKCEGrantParams")?;
    let (code, verifier) = (params.text("auth_code")?, params.text("code_verifier")?);
    if code.is_empty() || verifier.is_empty() {
        return Err(AuthError::validation(
            "invalid request: both auth code and code verifier should be non-empty",
        ));
    }
    let unknown = || {
        let message = "invalid flow state, no valid flow state found";
        AuthError::new(404, "flow_state_not_found", message)
    };
    let code = Uuid::parse_str(&code).map_err(|_| unknown())?;
    // A code counts only once it was given out.
    let is_meant = |flow: &&Flow| flow.code == code && flow.issued_at.is_some();
    let flow = state.flows.iter().find(is_meant).ok_or_else(unknown)?;
    let user_id = flow.user_id.ok_or_else(unknown)?;
    if flow.is_expired(state.now()) {
        let message = "invalid flow state, flow state has expired";
        return Err(AuthError::new(422, "flow_state_expired", message));
    }
    let challenge = flow.challenge.as_ref().ok_or_else(unknown)?;
    if !challenge.is_met_by(&verifier) {
        let message = "code challenge does not match previously saved code verifier";
        return Err(AuthError::new(400, "bad_code_verifier", message));
    }

    let (id, method) = (flow.id, flow.method);
    let mut extra = Map::new();
    if let Some(errand) = &flow.errand {
        let token = errand.provider_token.clone();
        extra.insert("provider_token".to_owned(), token.into());
    }
    state.flows.retain(|flow| flow.id != id);
    state
        .open_session(user_id, method)?
        .answer(state, Seen::Known, extra)
}
