//! `/factors`: enrolling a second factor and giving it up.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::{
    bearer::{self, Bearer},
    call::Call,
    error::AuthError,
    factor::{Device, Factor},
    mail::Notice,
    params::Params,
    state::State,
    totp,
};

/// How many factors a user may have, verified or not.
const MAX_FACTORS: usize = 10;

/// `POST /factors`: a new factor, which counts once a code of it was verified.
pub(super) fn enroll(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let bearer = bearer::user(state, call)?;
    let params = Params::read(call, "EnrollFactorParams")?;
    match params.text("factor_type")?.as_str() {
        "totp" => enroll_totp(state, &bearer, &params),
        "phone" => enroll_phone(state, &bearer, &params),
        "webauthn" => Err(AuthError::new(
            422,
            "mfa_webauthn_enroll_not_enabled",
            "MFA enroll is disabled for WebAuthn",
        )),
        _ => Err(AuthError::validation(
            "factor_type needs to be totp, phone, or webauthn",
        )),
    }
}

fn enroll_totp(state: &mut State, bearer: &Bearer, params: &Params) -> Result<Response, AuthError> {
    let (name, issuer) = (params.text("friendly_name")?, params.text("issuer")?);
    if !state.config.mfa_totp {
        let message = "MFA enroll is disabled for TOTP";
        return Err(AuthError::new(422, "mfa_totp_enroll_not_enabled", message));
    }
    check(state, bearer, &name)?;
    let secret = totp::secret();
    let email = &state.user(bearer.user_id)?.email;
    let uri = totp::uri(&state.config, &issuer, email, &secret);
    let shown = json!({
        "qr_code": totp::qr_code(&uri)?,
        "secret": totp::base32(&secret),
        "uri": uri,
    });
    let id = add(state, bearer, &name, Device::Totp { secret })?;
    let body = json!({"id": id, "type": "totp", "friendly_name": name, "totp": shown});
    Ok(Json(body).into_response())
}

fn enroll_phone(
    state: &mut State,
    bearer: &Bearer,
    params: &Params,
) -> Result<Response, AuthError> {
    let (name, phone) = (params.text("friendly_name")?, params.text("phone")?);
    if !state.config.mfa_phone {
        let message = "MFA enroll is disabled for Phone";
        return Err(AuthError::new(422, "mfa_phone_enroll_not_enabled", message));
    }
    if phone.is_empty() {
        let message = "Phone number required to enroll Phone factor";
        return Err(AuthError::validation(message));
    }
    let number = phone_number(&phone)
        .ok_or_else(|| AuthError::validation("Invalid phone number format (E.164 required)"))?;
    let same = state.user(bearer.user_id)?.factors.iter();
    let same = same.filter(|factor| factor.device.number() == number);
    let same: Vec<_> = same.map(|factor| (factor.id, factor.verified)).collect();
    if same.iter().any(|(_, verified)| *verified) {
        let message =
            "A verified phone factor already exists, unenroll the existing factor to continue";
        return Err(AuthError::new(422, "mfa_verified_factor_exists", message));
    }
    for (id, _) in same {
        state.remove_factor(bearer.user_id, id)?;
    }
    check(state, bearer, &name)?;
    let device = Device::Phone {
        number: number.clone(),
    };
    let id = add(state, bearer, &name, device)?;
    let body = json!({"id": id, "type": "phone", "friendly_name": name, "phone": number});
    Ok(Json(body).into_response())
}

/// Refuses one factor too many, a name that is taken, and a session that has not met the factors
/// there are.
fn check(state: &mut State, bearer: &Bearer, name: &str) -> Result<(), AuthError> {
    state.drop_stale_factors();
    let user = state.user(bearer.user_id)?;
    if user
        .factors
        .iter()
        .any(|factor| factor.friendly_name == name)
    {
        let message =
            format!("A factor with the friendly name {name:?} for this user already exists");
        return Err(AuthError::new(422, "mfa_factor_name_conflict", message));
    }
    if user.factors.len() >= MAX_FACTORS {
        let message = "Maximum number of verified factors reached, unenroll to continue";
        return Err(AuthError::new(
            422,
            "too_many_enrolled_mfa_factors",
            message,
        ));
    }
    if user.has_mfa() && !bearer.is_aal2(state) {
        let message = "AAL2 required to enroll a new factor";
        return Err(AuthError::new(403, "insufficient_aal", message));
    }
    Ok(())
}

fn add(
    state: &mut State,
    bearer: &Bearer,
    friendly_name: &str,
    device: Device,
) -> Result<Uuid, AuthError> {
    let (id, now) = (Uuid::new_v4(), state.now());
    let user = state.users.get_mut(&bearer.user_id);
    user.ok_or_else(AuthError::lost)?.factors.push(Factor {
        id,
        friendly_name: friendly_name.to_owned(),
        verified: false,
        device,
        created_at: now,
        updated_at: now,
        last_challenged_at: None,
    });
    Ok(id)
}

/// `DELETE /factors/{id}`: a verified one takes a session that has met it.
pub(super) fn unenroll(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let bearer = bearer::user(state, call)?;
    let factor = named(state, call, &bearer)?;
    let id = factor.id;
    if factor.verified && !bearer.is_aal2(state) {
        let message = "AAL2 required to unenroll verified factor";
        return Err(AuthError::new(422, "insufficient_aal", message));
    }
    state.remove_factor(bearer.user_id, id)?;
    let to = state.user(bearer.user_id)?.email.clone();
    state.notify(&to, Notice::FactorUnenrolled);
    Ok(Json(json!({"id": id})).into_response())
}

/// The user's factor that the path `/factors/{id}` names.
pub(super) fn named<'a>(
    state: &'a State,
    call: &Call,
    bearer: &Bearer,
) -> Result<&'a Factor, AuthError> {
    state.factor(bearer.user_id, factor_id(call.segment(1))?)
}

/// Reads the identity of a factor.
pub(super) fn factor_id(text: &str) -> Result<Uuid, AuthError> {
    Uuid::parse_str(text)
        .map_err(|_| AuthError::new(404, "validation_failed", "factor_id must be an UUID"))
}

/// A number as it is kept: digits alone, of which the first is not 0.
fn phone_number(text: &str) -> Option<String> {
    let digits = text.trim().trim_start_matches('+').replace(' ', "");
    let is_number = (2..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_digits_with_a_country() {
        assert_eq!(
            phone_number("+1 555 1234567").as_deref(),
            Some("15551234567")
        );
        for text in ["", "+", "0555123", "1", "1-555", "1234567890123456"] {
            assert_eq!(phone_number(text), None, "{text}");
        }
    }
}
