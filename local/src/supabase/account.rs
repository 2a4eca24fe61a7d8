//! `GET /user` and `PUT /user`: the user's own account.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{
    bearer,
    call::Call,
    email_change,
    error::AuthError,
    mail::{Delivery, Notice},
    params::{Params, merge},
    password::{self, PasswordHash},
    pkce, reauthenticate, redirect,
    state::State,
    user::Seen,
};

/// Shows the user.
pub(super) fn show(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let bearer = bearer::user(state, call)?;
    Ok(Json(state.user(bearer.user_id)?.to_json(Seen::Known)).into_response())
}

/// Changes password, address and metadata. All is checked before anything changes.
pub(super) fn update(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let bearer = bearer::user(state, call)?;
    let params = Params::read(call, "UserUpdateParams")?;
    let id = bearer.user_id;
    let (email, phone) = (params.email()?, params.text("phone")?);
    let password = params.optional_text("password")?;
    let data = params.object("data")?;
    if params.object("app_metadata")?.is_some() {
        let message = "Updating app_metadata requires admin privileges";
        return Err(AuthError::new(403, "not_admin", message));
    }
    let user = state.user(id)?;
    let changes_email = !email.is_empty() && email != user.email;
    let changes_password = password.as_ref().is_some_and(|new| !new.is_empty());
    if user.has_mfa()
        && !bearer.is_aal2(state)
        && (changes_email || changes_password || !phone.is_empty())
    {
        let message = "AAL2 session is required to update email or password when MFA is enabled.";
        return Err(AuthError::new(401, "insufficient_aal", message));
    }
    if changes_email {
        email_change::check(state, &email)?;
        email_change::check_mail(state, id)?;
    }
    if let Some(password) = &password {
        reauthenticate::check(state, &bearer, &params.text("nonce")?)?;
        check_password(state, id, bearer.session_id, &params, password)?;
    }
    if !phone.is_empty() {
        return Err(AuthError::new(
            500,
            "unexpected_failure",
            "Unable to get SMS provider",
        ));
    }
    let challenge = pkce::requested(&params)?;

    if let Some(password) = password {
        state.user_mut(id)?.password = Some(PasswordHash::new(&password));
        state.end_sessions(id, |session_id| bearer.session_id != Some(session_id));
        state.clear_one_time_tokens(id);
        let to = state.user(id)?.email.clone();
        state.notify(&to, Notice::PasswordChanged);
    }
    if let Some(data) = data {
        merge(&mut state.user_mut(id)?.user_metadata, data);
    }
    if changes_email {
        let next = redirect::requested(&state.config, call);
        let challenge = challenge.as_ref();
        email_change::start(state, id, &email, Delivery { challenge, next })?;
    }
    Ok(Json(state.user(id)?.to_json(Seen::Known)).into_response())
}

/// Refuses a password that breaks the rules, is the present one, or comes without the present one
/// where that is required.
fn check_password(
    state: &State,
    user_id: Uuid,
    session_id: Option<Uuid>,
    params: &Params,
    password: &str,
) -> Result<(), AuthError> {
    password::check(&state.config, password)?;
    let Some(present) = &state.user(user_id)?.password else {
        return Ok(());
    };
    let proved_by_mail = session_id
        .and_then(|id| state.sessions.get(&id))
        .is_some_and(|session| {
            session
                .proofs
                .iter()
                .any(|proof| ["otp", "recovery"].contains(&proof.method))
        });
    if state.config.require_current_password && !proved_by_mail {
        let given = params.text("current_password")?;
        let code = if given.is_empty() {
            Some("current_password_required")
        } else if present.matches(&given) {
            None
        } else {
            Some("current_password_invalid")
        };
        if let Some(code) = code {
            let message = "Current password required when setting new password.";
            return Err(AuthError::new(400, code, message));
        }
    }
    if present.matches(password) {
        let message = "New password should be different from the old password.";
        return Err(AuthError::new(422, "same_password", message));
    }
    Ok(())
}
