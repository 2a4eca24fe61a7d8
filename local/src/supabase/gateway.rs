//! Supabase's gateway: asks for an API key, and turns it into a token where the client sent none.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{call::Call, jwt, state::State};

/// Paths of Supabase Auth that a browser or a verifier opens without a key.
const OPEN: [&str; 4] = [
    "/verify",
    "/callback",
    "/authorize",
    "/.well-known/jwks.json",
];

/// Whether a request to Supabase Auth needs no key.
pub(super) fn is_open(call: &Call) -> bool {
    OPEN.contains(&call.path.as_str())
}

/// Lets a request in, or says why not. A request without a token of its own, or with the key in
/// its place, goes on with the token of the key's role.
pub(super) fn admit(state: &State, call: &mut Call) -> Result<(), Refusal> {
    let Some(key) = call.header("apikey").or_else(|| call.query("apikey")) else {
        return Err(Refusal::new(
            "No API key found in request",
            "No `apikey` request header or url param was found.",
        ));
    };
    let role = if key == state.config.service_key {
        "service_role"
    } else if key == state.config.anon_key {
        "anon"
    } else {
        return Err(Refusal::new(
            "Invalid API key",
            "Double check your Supabase `anon` or `service_role` API key.",
        ));
    };
    if key.starts_with("sb_secret_") && is_browser(call) {
        return Err(Refusal::new(
            "Forbidden use of secret API key in browser",
            "Secret API keys can only be used in a protected environment and should never be \
             used in a browser. Delete this secret API key immediately.",
        ));
    }
    let token = match call.header("authorization") {
        Some(given) if given != format!("Bearer {key}") => return Ok(()),
        _ if key.split('.').count() == 3 => key.to_owned(),
        _ => jwt::sign(
            &json!({"role": role, "iss": "supabase"}),
            &state.config.jwt_secret,
        ),
    };
    if let Ok(value) = HeaderValue::from_str(&format!("Bearer {token}")) {
        call.headers.insert(header::AUTHORIZATION, value);
    }
    Ok(())
}

fn is_browser(call: &Call) -> bool {
    call.header("user-agent")
        .is_some_and(|agent| agent.starts_with("Mozilla/"))
}

/// Why the gateway turned a request away, in its own format.
pub(super) struct Refusal {
    message: &'static str,
    hint: &'static str,
}

impl Refusal {
    fn new(message: &'static str, hint: &'static str) -> Self {
        Self { message, hint }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({"message": self.message, "hint": self.hint});
        (StatusCode::UNAUTHORIZED, Json(body)).into_response()
    }
}
