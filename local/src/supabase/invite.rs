//! `POST /invite`: mails someone who has no account yet.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    bearer,
    call::Call,
    error::AuthError,
    mail::Delivery,
    params::Params,
    purpose::Purpose,
    redirect,
    signup::check_email,
    state::State,
    user::{Seen, User},
};

/// Makes the user, if need be, and sends the mail.
pub(super) fn invite(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    bearer::admin(state, call)?;
    let params = Params::read(call, "InviteParams")?;
    let email = params.email()?;
    let data = params.object("data")?.unwrap_or_default();
    check_email(&email)?;
    let known = unconfirmed(state, &email)?;
    // Invitations are not limited by user, so there is no last one.
    state.check_mail(Purpose::Invitation, None)?;
    let id = known.unwrap_or_else(|| add(state, &email, data));
    let delivery = Delivery {
        challenge: None,
        next: redirect::requested(&state.config, call),
    };
    let before = state.user(id)?.confirmation_sent_at;
    state.send_mail(id, Purpose::Invitation, delivery)?;
    let now = state.now();
    let user = state.user_mut(id)?;
    user.invited_at = Some(now);
    let body = user.to_json(Seen::New);
    // As recorded, the answer shows a time that is not kept.
    user.confirmation_sent_at = before;
    Ok(Json(body).into_response())
}

/// The user with an address, who must not have confirmed it.
pub(super) fn unconfirmed(state: &State, email: &str) -> Result<Option<Uuid>, AuthError> {
    match state.user_by_email(email) {
        Some(user) if user.email_confirmed_at.is_some() => {
            let message = "A user with this email address has already been registered";
            Err(AuthError::new(422, "email_exists", message))
        }
        known => Ok(known.map(|user| user.id)),
    }
}

/// Adds a user whose metadata is what an administrator says.
pub(super) fn add(state: &mut State, email: &str, data: Map<String, Value>) -> Uuid {
    let id = Uuid::new_v4();
    let mut user = User::new(id, email, state.now());
    user.user_metadata = data;
    state.users.insert(id, user);
    id
}
