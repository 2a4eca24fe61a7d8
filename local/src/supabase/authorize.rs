//! `GET /authorize`: sends a browser to a provider, to sign in or to link another identity.

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    bearer,
    call::Call,
    config::Config,
    error::AuthError,
    flow::{Errand, Flow},
    landing::{field, redirect_to},
    metadata::PROVIDERS,
    pkce::CodeChallenge,
    redirect,
    state::State,
};

/// Fields of the query that are ours, not the provider's.
const RESERVED: [&str; 10] = [
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "provider",
    "redirect_uri",
    "response_type",
    "scopes",
    "state",
];

/// `GET /authorize`: for whoever has no session yet.
pub(super) fn sign_in(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let url = start(state, call, None)?;
    Ok(redirect_to(StatusCode::FOUND, &url, HeaderMap::new(), ""))
}

/// `GET /user/identities/authorize`: for a user who wants another identity.
pub(super) fn link(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let bearer = bearer::user(state, call)?;
    check_linking(&state.config)?;
    let url = start(state, call, Some(bearer.user_id))?;
    if call.query("skip_http_redirect") == Some("true") {
        return Ok(Json(json!({"url": url})).into_response());
    }
    Ok(redirect_to(StatusCode::FOUND, &url, HeaderMap::new(), ""))
}

/// Refuses where users may not link identities themselves.
pub(super) fn check_linking(config: &Config) -> Result<(), AuthError> {
    if config.manual_linking {
        return Ok(());
    }
    let message = "Manual linking is disabled";
    Err(AuthError::new(404, "manual_linking_disabled", message))
}

/// Begins a flow; gives the provider's address.
fn start(state: &mut State, call: &Call, linking: Option<Uuid>) -> Result<String, AuthError> {
    let query = |name| call.query(name).unwrap_or_default();
    let provider = query("provider").to_lowercase();
    check_provider(&state.config, &provider)?;
    let challenge = CodeChallenge::read(
        query("code_challenge"),
        query("code_challenge_method"),
        || AuthError::validation("Invalid code_challenge_method"),
    )?;
    let target = redirect::requested(&state.config, call).unwrap_or(&state.config.site_url);
    let flow = Flow {
        errand: Some(Errand {
            provider: provider.clone(),
            target: target.to_owned(),
            linking,
            provider_token: String::new(),
        }),
        ..Flow::new("oauth", challenge, state.now())
    };

    let more = query("scopes").split(',').filter(|scope| !scope.is_empty());
    let scopes: Vec<_> = [scope(&provider)].into_iter().chain(more).collect();
    let mut fields = call.query.clone();
    fields.retain(|(name, _)| !RESERVED.contains(&name.as_str()));
    fields.extend([
        field("client_id", &format!("{provider}-client-id")),
        field("redirect_uri", &format!("{}/callback", state.config.issuer)),
        field("response_type", "code"),
        field("scope", &scopes.join(" ")),
        field("state", &flow.id.to_string()),
    ]);
    let fields = redirect::encode_fields(&fields);
    let url = format!("{}?{fields}", state.config.provider_url);
    state.flows.push(flow);
    Ok(url)
}

fn check_provider(config: &Config, name: &str) -> Result<(), AuthError> {
    let detail = if config.providers.iter().any(|enabled| enabled == name) {
        return Ok(());
    } else if PROVIDERS.contains(&name) && !["anonymous_users", "email", "phone"].contains(&name) {
        "provider is not enabled".to_owned()
    } else {
        format!("Provider {name} could not be found")
    };
    let message = format!("Unsupported provider: {detail}");
    Err(AuthError::validation(message))
}

/// What is asked of a provider in any case.
fn scope(provider: &str) -> &'static str {
    match provider {
        "apple" => "email name",
        "azure" => "openid",
        "discord" => "email identify",
        "github" => "user:email",
        "gitlab" => "read_user",
        "google" => "email profile",
        _ => "email",
    }
}
