//! `POST /recover`: mails a link that signs in and lets one set a password.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    call::Call, error::AuthError, mail::Delivery, params::Params, pkce, purpose::Purpose, redirect,
    signup::check_email, state::State,
};

/// Answers the same for known and unknown addresses, unless the mail fails.
pub(super) fn recover(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let params = Params::read(call, "RecoverParams")?;
    let email = params.email()?;
    let challenge = pkce::requested(&params)?;
    if !state.config.email_enabled {
        return Err(AuthError::new(
            400,
            "email_provider_disabled",
            "Email logins are disabled",
        ));
    }
    if email.is_empty() {
        return Err(AuthError::validation("Password recovery requires an email"));
    }
    check_email(&email)?;
    if let Some(user) = state.user_by_email(&email) {
        let id = user.id;
        state.check_mail(Purpose::Recovery, user.recovery_sent_at)?;
        let next = redirect::requested(&state.config, call);
        let challenge = challenge.as_ref();
        state.send_mail(id, Purpose::Recovery, Delivery { challenge, next })?;
    }
    Ok(Json(json!({})).into_response())
}
