//! `POST /signup`.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    call::Call,
    error::AuthError,
    mail::Delivery,
    params::Params,
    password::{self, PasswordHash},
    pkce::{self, CodeChallenge},
    purpose::Purpose,
    redirect,
    state::State,
    user::{Seen, User, identity_data},
};

/// Makes a user. An address that is known and confirmed gets a made-up answer.
pub(super) fn signup(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    check_open(state)?;
    let params = Params::read(call, "SignupParams")?;
    let (email, phone) = (params.email()?, params.text("phone")?);
    let password = params.text("password")?;
    let data = params.object("data")?.unwrap_or_default();
    if email.is_empty() && phone.is_empty() {
        let message = "Anonymous sign-ins are disabled";
        return Err(AuthError::new(422, "anonymous_provider_disabled", message));
    }
    if password.is_empty() {
        return Err(AuthError::validation("Signup requires a valid password"));
    }
    password::check(&state.config, &password)?;
    if !email.is_empty() && !phone.is_empty() {
        return Err(AuthError::validation(
            "Only an email address or phone number should be provided on signup.",
        ));
    }
    if !phone.is_empty() {
        return Err(AuthError::new(
            400,
            "phone_provider_disabled",
            "Phone signups are disabled",
        ));
    }
    if !state.config.email_enabled {
        return Err(AuthError::new(
            400,
            "email_provider_disabled",
            "Email signups are disabled",
        ));
    }
    check_email(&email)?;
    let challenge = pkce::requested(&params)?;
    register(state, call, &email, &password, data, challenge.as_ref())
}

/// Refuses where nobody may sign up.
fn check_open(state: &State) -> Result<(), AuthError> {
    if state.config.disable_signup {
        let message = "Signups not allowed for this instance";
        return Err(AuthError::new(422, "signup_disabled", message));
    }
    Ok(())
}

/// Signs up an address that may be known.
pub(super) fn register(
    state: &mut State,
    call: &Call,
    email: &str,
    password: &str,
    data: Map<String, Value>,
    challenge: Option<&CodeChallenge>,
) -> Result<Response, AuthError> {
    check_open(state)?;
    let known = state.user_by_email(email).cloned();
    match known {
        Some(user) if user.email_confirmed_at.is_some() => {
            if state.config.autoconfirm {
                let message = "User already registered";
                return Err(AuthError::new(422, "user_already_exists", message));
            }
            Ok(Json(user.disguise(data, state.now())).into_response())
        }
        Some(user) => welcome(state, call, user, Seen::Known, challenge),
        None => {
            let user = newcomer(state, email, password, data);
            welcome(state, call, user, Seen::New, challenge)
        }
    }
}

fn newcomer(state: &State, email: &str, password: &str, data: Map<String, Value>) -> User {
    let id = Uuid::new_v4();
    let mut user = User::new(id, email, state.now());
    user.password = Some(PasswordHash::new(password));
    let mut data = data;
    data.extend(identity_data(id, email, state.config.autoconfirm));
    user.user_metadata.clone_from(&data);
    if let Some(identity) = user.email_identity() {
        identity.data = data;
    }
    user
}

/// Confirms a user at once, or by mail.
fn welcome(
    state: &mut State,
    call: &Call,
    mut user: User,
    seen: Seen,
    challenge: Option<&CodeChallenge>,
) -> Result<Response, AuthError> {
    let id = user.id;
    if state.config.autoconfirm {
        user.confirm(state.now());
        state.users.insert(id, user);
        return state
            .open_session(id, "password")?
            .answer(state, seen, Map::new());
    }
    state.check_mail(Purpose::Confirmation, user.confirmation_sent_at)?;
    state.users.insert(id, user);
    let next = redirect::requested(&state.config, call);
    state.send_mail(id, Purpose::Confirmation, Delivery { challenge, next })?;
    Ok(Json(state.user(id)?.to_json(seen)).into_response())
}

/// Refuses what is no e-mail address.
pub(super) fn check_email(email: &str) -> Result<(), AuthError> {
    if is_email(email) {
        Ok(())
    } else {
        Err(AuthError::validation(
            "Unable to validate email address: invalid format",
        ))
    }
}

pub(super) fn is_email(email: &str) -> bool {
    let Some((local, domain)) = email.rsplit_once('@') else {
        return false;
    };
    let is_local =
        |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    !local.is_empty()
        && email.len() <= 255
        && local.bytes().all(is_local)
        && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_an_address_when_it_sees_one() {
        for address in ["a@b", "a.b+c@example.test"] {
            assert!(is_email(address), "{address}");
        }
        for address in [
            "",
            "nope",
            "a b@example.test",
            "a@b@c",
            "@example.test",
            "a@",
            "a@-b",
        ] {
            assert!(!is_email(address), "{address}");
        }
    }
}
