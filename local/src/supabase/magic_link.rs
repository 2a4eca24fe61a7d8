//! `POST /otp` and `POST /magiclink`: sign-in without a password, by a mail.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    call::Call,
    error::AuthError,
    mail::Delivery,
    params::Params,
    pkce,
    purpose::Purpose,
    redirect,
    signup::{check_email, register},
    state::State,
};

/// `POST /otp`.
pub(super) fn otp(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let params = Params::read(call, "OtpParams")?;
    let (email, phone) = (params.email()?, params.text("phone")?);
    let creates = params.flag_or("create_user", true)?;
    pkce::requested(&params)?;
    match (email.is_empty(), phone.is_empty()) {
        (false, false) => {
            return Err(AuthError::validation(
                "Only an email address or phone number should be provided",
            ));
        }
        (true, true) => {
            return Err(AuthError::validation("One of email or phone must be set"));
        }
        (true, false) => {
            let message = "Unsupported phone provider";
            return Err(AuthError::new(400, "phone_provider_disabled", message));
        }
        (false, true) => {}
    }
    if !creates {
        check_email(&email)?;
        if state.user_by_email(&email).is_none() {
            let message = "Signups not allowed for otp";
            return Err(AuthError::new(422, "otp_disabled", message));
        }
    }
    send(state, call, &params)
}

/// `POST /magiclink`.
pub(super) fn magic_link(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let params = Params::read(call, "MagicLinkParams")?;
    send(state, call, &params)
}

/// Mails a link to a confirmed user; whoever is not one is signed up first.
fn send(state: &mut State, call: &Call, params: &Params) -> Result<Response, AuthError> {
    if !state.config.email_enabled {
        return Err(AuthError::new(
            422,
            "email_provider_disabled",
            "Email logins are disabled",
        ));
    }
    let email = params.email()?;
    let data = params.object("data")?.unwrap_or_default();
    check_email(&email)?;
    let challenge = pkce::requested(params)?;
    let is_confirmed = |state: &State| {
        let user = state.user_by_email(&email);
        user.is_some_and(|user| user.email_confirmed_at.is_some())
    };
    if !is_confirmed(state) {
        let password = Uuid::new_v4().to_string();
        register(state, call, &email, &password, data, challenge.as_ref())?;
    }
    // The mail of a sign-up has a link already.
    let last = state
        .user_by_email(&email)
        .map(|user| user.recovery_sent_at);
    let user_id = state.user_by_email(&email).map(|user| user.id);
    if is_confirmed(state)
        && let (Some(user_id), Some(last)) = (user_id, last)
    {
        state.check_mail(Purpose::MagicLink, last)?;
        let delivery = Delivery {
            challenge: challenge.as_ref(),
            next: redirect::requested(&state.config, call),
        };
        state.send_mail(user_id, Purpose::MagicLink, delivery)?;
    }
    Ok(Json(json!({})).into_response())
}
