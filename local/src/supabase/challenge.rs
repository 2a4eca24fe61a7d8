//! `/factors/{id}/challenge` and `/factors/{id}/verify`: a factor's code raises a session to aal2.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::{Map, json};
use time::Duration;
use uuid::Uuid;

use super::{
    bearer::{self, Bearer},
    call::Call,
    error::AuthError,
    factor::{CHALLENGE_LIFE, Challenge, Device, Factor},
    mail::{Mail, Notice},
    mfa::named,
    params::Params,
    random,
    state::State,
    totp,
    user::Seen,
};

/// `POST /factors/{id}/challenge`: a telephone gets its code, an app has it already.
pub(super) fn challenge(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let bearer = bearer::user(state, call)?;
    let factor = named(state, call, &bearer)?.clone();
    check_enabled(state, &factor)?;
    let now = state.now();
    let code = match &factor.device {
        Device::Totp { .. } => None,
        Device::Phone { number } => {
            check_channel(call)?;
            check_interval(state, &factor)?;
            let code = random::otp();
            state.outbox.push(Mail::phone_code(number, &code));
            Some(code)
        }
    };
    let id = Uuid::new_v4();
    state.challenges.push(Challenge {
        id,
        factor_id: factor.id,
        code,
        address: call.client_address(&state.config),
        made_at: now,
        answered: false,
    });
    state.change_factor(bearer.user_id, factor.id, |factor| {
        factor.last_challenged_at = Some(now);
    })?;
    let expires_at = (now + CHALLENGE_LIFE).unix_timestamp();
    let body = json!({"id": id, "type": factor.device.kind(), "expires_at": expires_at});
    Ok(Json(body).into_response())
}

/// `POST /factors/{id}/verify`: the session becomes aal2, and those of the user that are not end.
pub(super) fn verify(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let bearer = bearer::user(state, call)?;
    let factor = named(state, call, &bearer)?.clone();
    let params = Params::read(call, "VerifyFactorParams")?;
    let challenge_id = params.uuid("challenge_id")?;
    let code = params.text("code")?;
    check_enabled(state, &factor)?;
    if code.is_empty() {
        return Err(AuthError::validation("Code needs to be non-empty"));
    }
    let sent = open_challenge(
        state,
        &factor,
        challenge_id,
        &call.client_address(&state.config),
    )?;
    let is_right = match &factor.device {
        Device::Totp { secret } => totp::is_code(secret, &code, state.now().unix_timestamp()),
        Device::Phone { .. } => sent.as_ref() == Some(&code),
    };
    if !is_right {
        let message = match factor.device {
            Device::Totp { .. } => "Invalid TOTP code entered",
            Device::Phone { .. } => "Invalid MFA Phone code entered",
        };
        return Err(AuthError::new(422, "mfa_verification_failed", message));
    }
    let answered = state.challenges.iter_mut();
    for challenge in answered.filter(|challenge| challenge.id == challenge_id) {
        challenge.answered = true;
    }
    if !factor.verified {
        let to = state.user(bearer.user_id)?.email.clone();
        state.notify(&to, Notice::FactorEnrolled);
        state.change_factor(bearer.user_id, factor.id, |factor| factor.verified = true)?;
    }
    raise(state, &bearer, &factor)
}

/// The code that was sent with a challenge which is still open.
fn open_challenge(
    state: &mut State,
    factor: &Factor,
    id: Uuid,
    address: &str,
) -> Result<Option<String>, AuthError> {
    let now = state.now();
    let known = state.challenges.iter();
    let mut known = known.filter(|known| known.id == id && known.factor_id == factor.id);
    let challenge = known.next().ok_or_else(|| {
        let message = "MFA factor with the provided challenge ID not found";
        AuthError::new(422, "mfa_factor_not_found", message)
    })?;
    if challenge.answered || challenge.address != address {
        let message = "Challenge and verify IP addresses mismatch.";
        return Err(AuthError::new(422, "mfa_ip_address_mismatch", message));
    }
    if challenge.made_at + CHALLENGE_LIFE < now {
        state.challenges.retain(|known| known.id != id);
        let message = format!(
            "MFA challenge {id} has expired, verify against another challenge or create a new challenge."
        );
        return Err(AuthError::new(422, "mfa_challenge_expired", message));
    }
    Ok(challenge.code.clone())
}

/// Raises the session and answers it. The answer still shows the factors that go then.
fn raise(state: &mut State, bearer: &Bearer, factor: &Factor) -> Result<Response, AuthError> {
    let session_id = bearer.session_id.ok_or_else(AuthError::lost)?;
    let now = state.now();
    let session = state.sessions.get_mut(&session_id);
    let session = session.ok_or_else(AuthError::lost)?;
    session.raise(factor, now);
    let parent = session.exchange_active(now);
    let token = state.add_refresh_token(session_id, parent)?;
    let issued = state.issue(session_id, token)?;
    let answer = Json(issued.to_json(state, Seen::Known, Map::new())?).into_response();

    let sessions = &state.sessions;
    let low: Vec<_> = sessions
        .iter()
        .filter(|(_, session)| !session.is_aal2())
        .map(|(id, _)| *id)
        .collect();
    state.end_sessions(bearer.user_id, |id| low.contains(&id));
    let kind = factor.device.kind();
    let user = state.users.get_mut(&bearer.user_id);
    let factors = &mut user.ok_or_else(AuthError::lost)?.factors;
    factors.retain(|other| other.verified || other.device.kind() != kind);
    Ok(answer)
}

fn check_enabled(state: &State, factor: &Factor) -> Result<(), AuthError> {
    let (enabled, code, name) = match factor.device {
        Device::Totp { .. } => (state.config.mfa_totp, "mfa_totp_verify_not_enabled", "TOTP"),
        Device::Phone { .. } => (
            state.config.mfa_phone,
            "mfa_phone_verify_not_enabled",
            "Phone",
        ),
    };
    if enabled {
        return Ok(());
    }
    let message = format!("MFA verification is disabled for {name}");
    Err(AuthError::new(422, code, message))
}

fn check_channel(call: &Call) -> Result<(), AuthError> {
    let params = Params::read_if_any(call, "ChallengeFactorParams")?;
    match params.text("channel")?.as_str() {
        "" | "sms" => Ok(()),
        _ => Err(AuthError::validation(
            "Invalid channel, supported values are 'sms' or 'whatsapp'. \
             'whatsapp' is only supported if Twilio or Twilio Verify is used as the provider.",
        )),
    }
}

fn check_interval(state: &State, factor: &Factor) -> Result<(), AuthError> {
    let interval = Duration::seconds(state.config.sms_interval_seconds);
    let wait = factor
        .last_challenged_at
        .map(|last| last + interval - state.now());
    match wait {
        Some(wait) if wait.is_positive() => {
            let seconds = wait.whole_seconds() + 1;
            let message = format!(
                "For security purposes, you can only request this after {seconds} seconds."
            );
            Err(AuthError::new(429, "over_sms_send_rate_limit", message))
        }
        _ => Ok(()),
    }
}
