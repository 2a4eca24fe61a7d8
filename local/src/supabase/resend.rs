//! `POST /resend`: sends a confirmation mail again.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    call::Call, email_change, error::AuthError, mail::Delivery, params::Params, pkce,
    purpose::Purpose, redirect, signup::check_email, state::State,
};

/// Answers the same whether there was something to confirm or not.
pub(super) fn resend(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let params = Params::read(call, "ResendConfirmationParams")?;
    let (kind, email, phone) = (params.text("type")?, params.email()?, params.text("phone")?);
    check_address(state, &kind, &email, &phone)?;
    let challenge = pkce::requested(&params)?;
    let next = redirect::requested(&state.config, call);
    let challenge = challenge.as_ref();
    let delivery = Delivery { challenge, next };
    if let Some(user) = state.user_by_email(&email) {
        let id = user.id;
        if kind == "signup" && user.email_confirmed_at.is_none() {
            state.check_mail(Purpose::Confirmation, user.confirmation_sent_at)?;
            state.send_mail(id, Purpose::Confirmation, delivery)?;
        } else if kind == "email_change" && !user.new_email.is_empty() {
            email_change::check_mail(state, id)?;
            email_change::send(state, id, delivery)?;
        }
    }
    Ok(Json(json!({})).into_response())
}

fn check_address(state: &State, kind: &str, email: &str, phone: &str) -> Result<(), AuthError> {
    if !["signup", "email_change", "sms", "phone_change"].contains(&kind) {
        return Err(AuthError::validation(
            "Missing one of these types: signup, email_change, sms, phone_change",
        ));
    }
    if kind == "signup" && email.is_empty() {
        return Err(AuthError::validation(
            "Type provided requires an email address",
        ));
    }
    if kind == "sms" && phone.is_empty() {
        return Err(AuthError::validation(
            "Type provided requires a phone number",
        ));
    }
    match (email.is_empty(), phone.is_empty()) {
        (true, true) => Err(AuthError::validation(
            "Missing email address or phone number",
        )),
        (false, false) => Err(AuthError::validation(
            "Only an email address or phone number should be provided.",
        )),
        (true, false) => Err(AuthError::new(
            400,
            "phone_provider_disabled",
            "Phone logins are disabled",
        )),
        (false, true) if !state.config.email_enabled => Err(AuthError::new(
            400,
            "email_provider_disabled",
            "Email logins are disabled",
        )),
        (false, true) => check_email(email),
    }
}
