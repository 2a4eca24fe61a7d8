//! `POST /verify`: takes the token or the six digits of a mail.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{
    call::Call, email_change, error::AuthError, one_time_token::OneTimeToken, params::Params,
    purpose::Purpose, signup::is_email, state::State, user::Seen,
};

/// What is said after the first of two addresses agreed to a change.
pub(super) const HALF_DONE: &str =
    "Confirmation link accepted. Please proceed to confirm link sent to the other email";

/// What a token achieved.
pub(super) enum Verified {
    User(Uuid),
    /// One of two addresses agreed to a change.
    HalfDone,
}

/// Answers with a session, or asks for the other half of a change of address.
pub(super) fn verify(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let params = Params::read(call, "VerifyParams")?;
    let kind = params.text("type")?;
    let (code, hash) = (params.text("token")?, params.text("token_hash")?);
    let (email, phone) = (params.email()?, params.text("phone")?);
    if kind.is_empty() {
        return Err(AuthError::validation("Verify requires a verification type"));
    }
    if code.is_empty() == hash.is_empty() {
        return Err(AuthError::validation(
            "Verify requires either a token or a token hash",
        ));
    }
    let token = if hash.is_empty() {
        if email.is_empty() == phone.is_empty() {
            return Err(AuthError::validation(
                "Only an email address or phone number should be provided on verify",
            ));
        }
        by_code(state, &kind, &email, &code)?
    } else {
        let redirect_to = params.text("redirect_to")?;
        if !(email.is_empty() && phone.is_empty() && redirect_to.is_empty()) {
            return Err(AuthError::validation(
                "Only the token_hash and type should be provided",
            ));
        }
        by_hash(state, &kind, &hash)?
    };
    match redeem(state, &token)? {
        Verified::User(user_id) => {
            let issued = state.open_session(user_id, "otp")?;
            issued.answer(state, Seen::Known, Map::new())
        }
        Verified::HalfDone => Ok(Json(json!({"code": "200", "msg": HALF_DONE})).into_response()),
    }
}

/// The token whose hash a link carries.
pub(super) fn by_hash(state: &State, kind: &str, hash: &str) -> Result<OneTimeToken, AuthError> {
    let purposes = purposes(kind)?;
    let token = state
        .one_time_tokens
        .iter()
        .find(|token| token.hash == hash && purposes.contains(&token.purpose));
    check(state, token, "Email link is invalid or has expired")
}

/// The token whose six digits a user typed.
fn by_code(state: &State, kind: &str, email: &str, code: &str) -> Result<OneTimeToken, AuthError> {
    const EXPIRED: &str = "Token has expired or is invalid";
    if email.is_empty() {
        return Err(AuthError::new(403, "otp_expired", EXPIRED));
    }
    if !is_email(email) {
        return Err(AuthError::new(
            422,
            "validation_failed",
            "Invalid email format",
        ));
    }
    let purposes = purposes(kind)?;
    let is_meant = |token: &&OneTimeToken| {
        let Some(user) = state.users.get(&token.user_id) else {
            return false;
        };
        let address = match token.purpose {
            Purpose::EmailChangeNew => &user.new_email,
            _ => &user.email,
        };
        address == email && purposes.contains(&token.purpose) && token.is_code(email, code)
    };
    check(state, state.one_time_tokens.iter().find(is_meant), EXPIRED)
}

/// The purposes that a `type` accepts.
fn purposes(kind: &str) -> Result<&'static [Purpose], AuthError> {
    match kind {
        "signup" | "invite" => Ok(&[Purpose::Confirmation, Purpose::Invitation]),
        "recovery" | "magiclink" => Ok(&[Purpose::Recovery, Purpose::MagicLink]),
        "email" => Ok(&[
            Purpose::Confirmation,
            Purpose::Invitation,
            Purpose::Recovery,
            Purpose::MagicLink,
        ]),
        "email_change" => Ok(&[Purpose::EmailChangeCurrent, Purpose::EmailChangeNew]),
        _ => Err(AuthError::validation("Invalid email verification type")),
    }
}

fn check(
    state: &State,
    token: Option<&OneTimeToken>,
    expired: &str,
) -> Result<OneTimeToken, AuthError> {
    let gone = || AuthError::new(403, "otp_expired", expired);
    let token = token.ok_or_else(gone)?;
    let now = state.now();
    if state.user(token.user_id)?.is_banned(now) {
        return Err(AuthError::banned());
    }
    if token.is_expired(now) {
        Err(gone())
    } else {
        Ok(token.clone())
    }
}

/// Does what a token is for. All other tokens of the user die with it.
pub(super) fn redeem(state: &mut State, token: &OneTimeToken) -> Result<Verified, AuthError> {
    let user_id = token.user_id;
    match token.purpose {
        Purpose::Confirmation | Purpose::Invitation | Purpose::Recovery | Purpose::MagicLink => {
            let now = state.now();
            let user = state.user_mut(user_id)?;
            if user.email_confirmed_at.is_none() {
                user.confirm(now);
                if let Some(identity) = user.email_identity() {
                    let data = &mut identity.data;
                    data.insert("email_verified".to_owned(), true.into());
                }
            }
        }
        Purpose::EmailChangeCurrent | Purpose::EmailChangeNew => {
            if !email_change::agree(state, token)? {
                return Ok(Verified::HalfDone);
            }
        }
        // No `type` finds such a token.
        Purpose::Reauthentication => return Err(AuthError::lost()),
    }
    state.clear_one_time_tokens(user_id);
    Ok(Verified::User(user_id))
}
