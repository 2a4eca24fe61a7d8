//! `/callback`: a browser comes back from a provider.

use axum::{
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    call::Call,
    error::AuthError,
    flow::{Errand, Flow},
    landing::{
        Fields, error_fields, field, redirect_to, session_fields, with_both, with_fragment,
        with_query,
    },
    oauth_account,
    state::State,
};

/// Goes on to where the flow leads, with a code, a session or an error. Without a flow, that is the
/// site.
pub(super) fn callback(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let (flow, errand) = match open_flow(state, call) {
        Ok(found) => found,
        Err(error) => return Ok(lost(state, &error)),
    };
    let mut headers = HeaderMap::new();
    let location = arrive(state, call, &flow, &errand, &mut headers);
    let location =
        location.unwrap_or_else(|refusal| with_both(&errand.target, refusal.into_fields()));
    if call.method == Method::POST {
        headers.insert(
            header::LOCATION,
            location.parse().map_err(|_| AuthError::lost())?,
        );
        return Ok((StatusCode::FOUND, headers).into_response());
    }
    Ok(redirect_to(StatusCode::FOUND, &location, headers, ""))
}

/// Why nobody is signed in.
enum Refusal {
    /// The provider says so, in its own words.
    Provider(Fields),
    Error(AuthError),
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        Self::Error(error)
    }
}

impl Refusal {
    fn into_fields(self) -> Fields {
        match self {
            Self::Provider(fields) => fields,
            Self::Error(error) => error_fields(&error),
        }
    }
}

/// The flow that `state` names, if it is still open.
fn open_flow(state: &State, call: &Call) -> Result<(Flow, Errand), AuthError> {
    let refusal = |code, message| Err(AuthError::new(400, code, message));
    let id = match call.query("state") {
        None | Some("") => return refusal("bad_oauth_callback", "OAuth state parameter missing"),
        Some(id) => Uuid::parse_str(id),
    };
    let Ok(id) = id else {
        return refusal("bad_oauth_state", "OAuth state parameter is invalid");
    };
    let flow = state.flows.iter().find(|flow| flow.id == id);
    let Some((flow, errand)) = flow.and_then(|flow| Some((flow, flow.errand.as_ref()?))) else {
        return refusal("bad_oauth_state", "OAuth state not found or expired");
    };
    if flow.is_expired(state.now()) {
        return refusal("bad_oauth_state", "OAuth state has expired");
    }
    if flow.issued_at.is_some() {
        return refusal("flow_state_already_used", "State has already been used");
    }
    Ok((flow.clone(), errand.clone()))
}

/// Sends a browser without a flow to the site. As the real server, it writes the error behind the
/// page.
fn lost(state: &State, error: &AuthError) -> Response {
    let location = with_query(&state.config.site_url, error_fields(error));
    let body = json!({"code": error.status, "error_code": error.code, "msg": error.message});
    let body = body.to_string();
    redirect_to(StatusCode::SEE_OTHER, &location, HeaderMap::new(), &body)
}

/// Where a browser with a flow goes on to.
fn arrive(
    state: &mut State,
    call: &Call,
    flow: &Flow,
    errand: &Errand,
    headers: &mut HeaderMap,
) -> Result<String, Refusal> {
    if let Some(error) = call.query("error") {
        let mut fields = vec![field("error", error)];
        if let Some(text) = call.query("error_description") {
            fields.push(field("error_description", text));
        }
        return Err(Refusal::Provider(fields));
    }
    let code = call.query("code").unwrap_or_default();
    if code.is_empty() {
        let message = "OAuth callback with missing authorization code missing";
        return Err(AuthError::new(400, "bad_oauth_callback", message).into());
    }
    let failure = |message: String| AuthError::new(500, "unexpected_failure", message);
    let profile = state.provider_codes.remove(code).ok_or_else(|| {
        let start: String = code.chars().take(4).collect();
        failure(format!("Unable to exchange external code: {start}"))
    })?;
    if profile.email.is_empty() {
        let message = "Error getting user email from external provider";
        return Err(failure(message.to_owned()).into());
    }
    let user_id = match errand.linking {
        Some(user_id) => oauth_account::link(state, user_id, &errand.provider, &profile),
        None => oauth_account::sign_in(state, &errand.provider, &profile),
    }?;

    // GitHub's tokens begin so, and no other's is looked at.
    let provider_token = format!("gho_{code}");
    let now = state.now();
    if flow.challenge.is_some() {
        let mut flows = state.flows.iter_mut();
        if let Some(flow) = flows.find(|known| known.id == flow.id) {
            flow.user_id = Some(user_id);
            flow.issued_at = Some(now);
            if let Some(errand) = &mut flow.errand {
                errand.provider_token = provider_token;
            }
        }
        let fields = vec![field("code", &flow.code.to_string())];
        return Ok(with_query(&errand.target, fields));
    }
    state.flows.retain(|known| known.id != flow.id);
    let issued = state.open_session(user_id, flow.method)?;
    issued.name_in(headers);
    let mut fields = session_fields(&issued);
    fields.push(field("provider_token", &provider_token));
    Ok(with_fragment(&errand.target, fields))
}
