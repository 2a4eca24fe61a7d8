//! Who a request comes from: the role that its token names.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::Problem;
use crate::supabase::{call::Call, jwt, state::State};

/// Under whose rights a request is carried out.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) role: String,
    /// The token's claims, as JSON.
    pub(super) claims: String,
}

/// The visitor of a request that the gateway let in; one without a token is `anon`.
pub(super) fn of(state: &State, call: &Call) -> Result<Visitor, Problem> {
    let token = call
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token);
    let Some(token) = token else {
        return Ok(Visitor {
            role: "anon".to_owned(),
            claims: json!({"role": "anon"}).to_string(),
        });
    };
    let now = state.now().unix_timestamp();
    let claims = jwt::verify(token, &state.config.jwt_secret, now).map_err(|error| {
        let message = if error.message.ends_with("token is expired") {
            "JWT expired"
        } else {
            "JWSError JWSInvalidSignature"
        };
        Problem::new(StatusCode::UNAUTHORIZED, "PGRST301", message)
    })?;
    let role = claims.get("role").and_then(Value::as_str).unwrap_or("anon");
    Ok(Visitor {
        role: role.to_owned(),
        claims: Value::Object(claims.clone()).to_string(),
    })
}
