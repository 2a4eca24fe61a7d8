//! Whether a request starts a PKCE flow, which shows in its mail's token.

use super::{error::AuthError, params::Params};

/// True if the request carries a valid code challenge.
pub(super) fn requested(params: &Params) -> Result<bool, AuthError> {
    let challenge = params.text("code_challenge")?;
    let method = params.text("code_challenge_method")?;
    if challenge.is_empty() && method.is_empty() {
        return Ok(false);
    }
    if challenge.is_empty() || method.is_empty() {
        return Err(AuthError::validation(
            "PKCE flow requires code_challenge_method and code_challenge",
        ));
    }
    if !(43..=128).contains(&challenge.len()) {
        return Err(AuthError::validation(
            "code challenge has to be between 43 and 128 characters",
        ));
    }
    if !challenge
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    {
        return Err(AuthError::validation(
            "code challenge can only contain alphanumeric characters, hyphens, periods, \
             underscores and tildes",
        ));
    }
    match method.to_ascii_lowercase().as_str() {
        "s256" | "plain" => Ok(true),
        _ => Err(AuthError::unhandled(
            "Unexpected failure, please check server logs for more information",
        )),
    }
}
