//! `/admin/users`: making, changing, banning and deleting users with the service key.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    bearer,
    call::Call,
    email_change,
    error::AuthError,
    params::{Params, merge},
    password::{self, PasswordHash},
    random,
    signup::check_email,
    state::State,
    user::{Seen, User},
};

/// `POST /admin/users`: no mail is sent, and a weak password is fine.
pub(super) fn create(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    bearer::admin(state, call)?;
    let params = Params::read(call, "AdminUserParams")?;
    let email = params.email()?;
    if email.is_empty() {
        return Err(AuthError::validation(
            "Cannot create a user without either an email or phone",
        ));
    }
    email_change::check(state, &email)?;
    let password = params.text("password")?;
    if password.len() > 72 {
        return Err(AuthError::lost());
    }
    if !params.text("password_hash")?.is_empty() {
        return Err(AuthError::new(
            500,
            "unexpected_failure",
            "Error creating user",
        ));
    }
    let now = state.now();
    let ban = Ban::read(&params, now)?;
    let id = match params.text("id")?.as_str() {
        "" => Uuid::new_v4(),
        id => Uuid::parse_str(id)
            .map_err(|_| AuthError::validation("ID must conform to the uuid v4 format"))?,
    };
    let mut user = User::new(id, &email, now);
    if !password.is_empty() {
        user.password = Some(PasswordHash::new(&password));
    }
    apply(&mut user, &params, now)?;
    ban.apply(&mut user);
    let body = user.to_json(Seen::New);
    state.users.insert(id, user);
    Ok(Json(body).into_response())
}

/// `GET /admin/users/{id}`.
pub(super) fn show(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let id = target(state, call)?;
    Ok(Json(state.user(id)?.to_json(Seen::Known)).into_response())
}

/// `PUT /admin/users/{id}`: a new password ends the user's sessions, a ban does not.
pub(super) fn update(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let id = target(state, call)?;
    let params = Params::read(call, "AdminUserParams")?;
    let (email, password) = (params.email()?, params.text("password")?);
    let now = state.now();
    let ban = Ban::read(&params, now)?;
    if !password.is_empty() {
        password::check(&state.config, &password)?;
    }
    let changes_email = !email.is_empty() && email != state.user(id)?.email;
    if changes_email {
        check_email(&email)?;
        if state.user_by_email(&email).is_some() {
            return Err(AuthError::duplicate_email(&email, "Error updating user"));
        }
    }
    let user = state.user_mut(id)?;
    apply(user, &params, now)?;
    if changes_email {
        user.change_email(email);
    }
    ban.apply(user);
    if !password.is_empty() {
        user.password = Some(PasswordHash::new(&password));
        state.end_sessions(id, |_| true);
    }
    Ok(Json(state.user(id)?.to_json(Seen::Known)).into_response())
}

/// `DELETE /admin/users/{id}`: a softly deleted user keeps the id and nothing to sign in with.
pub(super) fn delete(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let id = target(state, call)?;
    let params = Params::read_if_any(call, "adminUserDeleteParams")?;
    let softly = params.flag("should_soft_delete")?;
    state.end_sessions(id, |_| true);
    state.clear_one_time_tokens(id);
    if softly {
        let now = state.now();
        let user = state.user_mut(id)?;
        user.email = random::refresh_token();
        user.password = None;
        user.user_metadata.clear();
        user.app_metadata.clear();
        for identity in &mut user.identities {
            identity.provider_id = random::refresh_token();
            identity.data.clear();
        }
        user.deleted_at = Some(now);
    } else {
        state.users.remove(&id);
    }
    Ok(Json(json!({})).into_response())
}

/// The user that the path names.
pub(super) fn target(state: &State, call: &Call) -> Result<Uuid, AuthError> {
    bearer::admin(state, call)?;
    let id = Uuid::parse_str(call.segment(2))
        .map_err(|_| AuthError::new(404, "validation_failed", "user_id must be an UUID"))?;
    if state.users.contains_key(&id) {
        Ok(id)
    } else {
        Err(AuthError::new(404, "user_not_found", "User not found"))
    }
}

/// What creation and change have in common.
fn apply(user: &mut User, params: &Params, now: OffsetDateTime) -> Result<(), AuthError> {
    let role = params.text("role")?;
    if !role.is_empty() {
        user.role = role;
    }
    if let Some(metadata) = params.object("app_metadata")? {
        merge(&mut user.app_metadata, metadata);
    }
    if let Some(metadata) = params.object("user_metadata")? {
        merge(&mut user.user_metadata, metadata);
    }
    if params.flag("email_confirm")? {
        user.confirm(now);
    }
    Ok(())
}

/// What `ban_duration` asks for.
enum Ban {
    Leave,
    Lift,
    Until(OffsetDateTime),
}

impl Ban {
    fn read(params: &Params, now: OffsetDateTime) -> Result<Self, AuthError> {
        let text = params.text("ban_duration")?;
        match text.as_str() {
            "" => return Ok(Self::Leave),
            "none" => return Ok(Self::Lift),
            _ => {}
        }
        let until = go_duration(&text).and_then(|duration| now.checked_add(duration));
        until.map(Self::Until).ok_or_else(|| {
            AuthError::validation(format!(
                "invalid format for ban duration: time: invalid duration \"{text}\""
            ))
        })
    }

    fn apply(self, user: &mut User) {
        match self {
            Self::Leave => {}
            Self::Lift => user.banned_until = None,
            Self::Until(end) => user.banned_until = Some(end),
        }
    }
}

/// Reads a duration as Go writes it, such as `24h` or `1h30m`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits =
            rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let end = tail
            .find(|character: char| character.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end)?;
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        let number: f64 = number.parse().ok()?;
        total = total.checked_add(Duration::checked_seconds_f64(number * seconds)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_as_go_writes_them() {
        assert_eq!(go_duration("24h"), Some(Duration::hours(24)));
        assert_eq!(go_duration("1h30m"), Some(Duration::minutes(90)));
        assert_eq!(go_duration("1.5s"), Some(Duration::milliseconds(1500)));
        for text in ["", "soon", "24", "h"] {
            assert_eq!(go_duration(text), None, "{text}");
        }
    }
}
