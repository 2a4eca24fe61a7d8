//! `POST /token?grant_type=password`.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{call::Call, error::AuthError, params::Params, password, state::State, user::Seen};

/// Opens a session for a password. A ban shows before the password is looked at.
pub(super) fn signin(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let params = Params::read(call, "PasswordGrantParams")?;
    let (email, phone) = (params.email()?, params.text("phone")?);
    let password = params.text("password")?;
    if !email.is_empty() && !phone.is_empty() {
        return Err(AuthError::validation(
            "Only an email address or phone number should be provided on login.",
        ));
    }
    if !phone.is_empty() {
        return Err(AuthError::new(
            422,
            "phone_provider_disabled",
            "Phone logins are disabled",
        ));
    }
    if email.is_empty() {
        return Err(AuthError::validation("missing email or phone"));
    }
    if !state.config.email_enabled {
        return Err(AuthError::new(
            422,
            "email_provider_disabled",
            "Email logins are disabled",
        ));
    }

    let wrong = || AuthError::new(400, "invalid_credentials", "Invalid login credentials");
    let user = state.user_by_email(&email).ok_or_else(wrong)?;
    if user.is_banned(state.now()) {
        return Err(AuthError::new(400, "user_banned", "User is banned"));
    }
    if !user
        .password
        .as_ref()
        .is_some_and(|hash| hash.matches(&password))
    {
        return Err(wrong());
    }
    if user.email_confirmed_at.is_none() {
        return Err(AuthError::new(
            400,
            "email_not_confirmed",
            "Email not confirmed",
        ));
    }

    let id = user.id;
    let weakness = password::weakness(&state.config, &password);
    let weak_password = weakness.map_or(
        Value::Null,
        |weak| json!({"message": weak.message, "reasons": weak.reasons}),
    );
    let extra = Map::from_iter([("weak_password".to_owned(), weak_password)]);
    state
        .open_session(id, "password")?
        .answer(state, Seen::Known, extra)
}
