//! The change of an address, which both addresses confirm.

use uuid::Uuid;

use super::{
    error::AuthError,
    mail::{Delivery, Notice},
    one_time_token::OneTimeToken,
    purpose::Purpose,
    signup::check_email,
    state::State,
};

/// Notes the new address of a user and mails those that have to agree.
pub(super) fn start(
    state: &mut State,
    user_id: Uuid,
    email: &str,
    delivery: Delivery<'_>,
) -> Result<(), AuthError> {
    email.clone_into(&mut state.user_mut(user_id)?.new_email);
    send(state, user_id, delivery)
}

/// Mails those that have to agree to a pending change.
pub(super) fn send(
    state: &mut State,
    user_id: Uuid,
    delivery: Delivery<'_>,
) -> Result<(), AuthError> {
    state.send_mail(user_id, Purpose::EmailChangeNew, delivery)?;
    if state.config.secure_email_change {
        state.send_mail(user_id, Purpose::EmailChangeCurrent, delivery)?;
    }
    Ok(())
}

/// Refuses a change whose mails cannot go out now.
pub(super) fn check_mail(state: &State, user_id: Uuid) -> Result<(), AuthError> {
    let sent_at = state.user(user_id)?.email_change_sent_at;
    state.check_mail(Purpose::EmailChangeNew, sent_at)
}

/// Refuses an address that is malformed or somebody's, confirmed or not.
pub(super) fn check(state: &State, email: &str) -> Result<(), AuthError> {
    check_email(email)?;
    if state.user_by_email(email).is_some() {
        let message = "A user with this email address has already been registered";
        return Err(AuthError::new(422, "email_exists", message));
    }
    Ok(())
}

/// Takes the token of one address. True once all that had to have agreed.
pub(super) fn agree(state: &mut State, token: &OneTimeToken) -> Result<bool, AuthError> {
    let user_id = token.user_id;
    let is_other = |other: &OneTimeToken| {
        other.user_id == user_id
            && other.purpose != token.purpose
            && matches!(
                other.purpose,
                Purpose::EmailChangeCurrent | Purpose::EmailChangeNew
            )
    };
    if state.one_time_tokens.iter().any(is_other) {
        state
            .one_time_tokens
            .retain(|other| other.hash != token.hash);
        return Ok(false);
    }
    let email = state.user(user_id)?.new_email.clone();
    if state.user_by_email(&email).is_some() {
        return Err(AuthError::duplicate_email(&email, "Error updating user"));
    }
    let user = state.user_mut(user_id)?;
    let old = user.email.clone();
    user.change_email(email);
    state.notify(&old, Notice::EmailChanged);
    Ok(true)
}
