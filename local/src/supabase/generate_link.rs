//! `POST /admin/generate_link`: the link of a mail, without the mail.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    bearer, call::Call, email_change, error::AuthError, invite, one_time_token::token_hash,
    params::Params, password::PasswordHash, purpose::Purpose, redirect, signup::check_email,
    state::State, user::Seen,
};

/// Makes a token, and for some types the user.
pub(super) fn generate(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    bearer::admin(state, call)?;
    let params = Params::read(call, "GenerateLinkParams")?;
    let (requested, email) = (params.text("type")?, params.email()?);
    check_email(&email)?;
    let target = redirect::requested(&state.config, call)
        .map(str::to_owned)
        .or_else(|| {
            let named = params.text("redirect_to").ok()?;
            redirect::is_allowed(&state.config, &named).then_some(named)
        });
    let target = target.unwrap_or_else(|| state.config.site_url.clone());

    let known = state.user_by_email(&email).map(|user| user.id);
    // Whoever is to be signed in has to be signed up first.
    let kind = match requested.as_str() {
        "magiclink" if known.is_none() => "signup",
        kind => kind,
    };
    let needs_password = requested == "signup";
    let (id, purpose) = match kind {
        "signup" => (
            sign_up(state, &params, &email, needs_password)?,
            Purpose::Confirmation,
        ),
        "invite" => (invited(state, &params, &email)?, Purpose::Invitation),
        "magiclink" => (existing(known)?, Purpose::MagicLink),
        "recovery" => (existing(known)?, Purpose::Recovery),
        "email_change_current" => (
            changing(state, &params, existing(known)?)?,
            Purpose::EmailChangeCurrent,
        ),
        "email_change_new" => (
            changing(state, &params, existing(known)?)?,
            Purpose::EmailChangeNew,
        ),
        _ => {
            return Err(AuthError::validation(format!(
                "Invalid email action link type requested: {kind}"
            )));
        }
    };

    let made = state.make_token(id, purpose, false)?;
    // As recorded, this hash is of no use for a new address; the link's is.
    let hashed_token = match purpose {
        Purpose::EmailChangeNew => token_hash(&email, &made.code),
        _ => made.hash.clone(),
    };
    let shown = if target.contains('?') {
        redirect::encode(&target)
    } else {
        target.clone()
    };
    let action_link = format!(
        "{}/verify?token={}&type={}&redirect_to={shown}",
        state.config.issuer,
        made.hash,
        purpose.kind()
    );
    let mut body = state.user(id)?.to_json(Seen::Known);
    if let Some(body) = body.as_object_mut() {
        let fields = [
            ("action_link", action_link),
            ("email_otp", made.code),
            ("hashed_token", hashed_token),
            ("verification_type", kind.to_owned()),
            ("redirect_to", target),
        ];
        body.extend(fields.map(|(name, value)| (name.to_owned(), Value::String(value))));
    }
    Ok(Json(body).into_response())
}

fn existing(known: Option<Uuid>) -> Result<Uuid, AuthError> {
    known.ok_or_else(|| AuthError::new(404, "user_not_found", "User with this email not found"))
}

fn data(params: &Params) -> Result<Map<String, Value>, AuthError> {
    params.object("data").map(Option::unwrap_or_default)
}

fn sign_up(
    state: &mut State,
    params: &Params,
    email: &str,
    needs_password: bool,
) -> Result<Uuid, AuthError> {
    let known = invite::unconfirmed(state, email)?;
    let password = params.text("password")?;
    if needs_password && password.is_empty() {
        return Err(AuthError::validation("Signup requires a valid password"));
    }
    if let Some(id) = known {
        return Ok(id);
    }
    let id = invite::add(state, email, data(params)?);
    if !password.is_empty() {
        state.user_mut(id)?.password = Some(PasswordHash::new(&password));
    }
    Ok(id)
}

fn invited(state: &mut State, params: &Params, email: &str) -> Result<Uuid, AuthError> {
    let known = invite::unconfirmed(state, email)?;
    let data = data(params)?;
    let id = known.unwrap_or_else(|| invite::add(state, email, data));
    let now = state.now();
    state.user_mut(id)?.invited_at = Some(now);
    Ok(id)
}

fn changing(state: &mut State, params: &Params, id: Uuid) -> Result<Uuid, AuthError> {
    let new_email = params.text("new_email")?.trim().to_lowercase();
    email_change::check(state, &new_email)?;
    state.user_mut(id)?.new_email = new_email;
    Ok(id)
}
