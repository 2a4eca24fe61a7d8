//! What the server says about itself.

use axum::{
    Json,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::{call::Call, error::AuthError, state::State};

/// What the real server knows as providers.
pub(super) const PROVIDERS: [&str; 26] = [
    "anonymous_users",
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "snapchat",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "keycloak",
    "kakao",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "spotify",
    "slack",
    "slack_oidc",
    "workos",
    "twitch",
    "twitter",
    "email",
    "phone",
    "zoom",
];

/// `GET /health`.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a handler")]
pub(super) fn health(_: &mut State, _: &Call) -> Result<Response, AuthError> {
    let body = json!({
        "version": "v2.196.0",
        "name": "GoTrue",
        "description": "GoTrue is a user registration and authentication API",
    });
    Ok(Json(body).into_response())
}

/// `GET /settings`.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a handler")]
pub(super) fn settings(state: &mut State, _: &Call) -> Result<Response, AuthError> {
    let external: Map<String, Value> = PROVIDERS
        .into_iter()
        .map(|name| {
            (
                name.to_owned(),
                match name {
                    "email" => state.config.email_enabled,
                    name => state.config.providers.iter().any(|on| on == name),
                }
                .into(),
            )
        })
        .collect();
    let body = json!({
        "external": external,
        "disable_signup": state.config.disable_signup,
        "mailer_autoconfirm": state.config.autoconfirm,
        "phone_autoconfirm": false,
        "sms_provider": "",
        "saml_enabled": false,
        "saml_private_key_next_configured": true,
        "passkeys_enabled": false,
    });
    Ok(Json(body).into_response())
}

/// `GET /.well-known/jwks.json`: a shared secret is never listed.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a handler")]
pub(super) fn jwks(_: &mut State, _: &Call) -> Result<Response, AuthError> {
    let headers = [(header::CACHE_CONTROL, "public, max-age=600")];
    Ok((headers, Json(json!({"keys": []}))).into_response())
}
