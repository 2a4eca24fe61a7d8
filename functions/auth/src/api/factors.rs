//! `/api/v1/simple_auth/mfa/factors`: the second factors of whoever is signed in.

use authflow_shared::{host::Host, json::Object};

use crate::{
    exchange::Exchange,
    failure::{Failure, NO_PHONE},
    fields::Fields,
    own_factors::{self, Wanted},
    qr_code,
    response::Response,
    second_factor::Choice,
};

/// The characters that a name may have.
const LONGEST_NAME: usize = 64;

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return enroll(exchange).await;
    }
    let owner = own_factors::owner(exchange).await?;
    let body = Object::new().with("factors", Choice::list(&owner.verified()));
    let response = Response::json(200, "ok", &body);
    Ok(response
        .of_user(owner.signed_in.user_id())
        .of_session(&owner.signed_in.id))
}

async fn enroll<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let wanted = read(Fields::from_json(exchange.request)?)?;
    let owner = own_factors::owner(exchange).await?;
    let default = if wanted.phone.is_some() {
        "Phone"
    } else {
        "Authenticator app"
    };
    let begun = own_factors::enroll(exchange, &owner, &wanted, default).await?;
    let totp = begun.totp.map(|totp| {
        let uri = totp.uri.expose();
        Object::new()
            .with("secret", totp.secret.expose())
            .with("uri", uri)
            .maybe("qr_code", qr_code::svg(uri))
    });
    let body = begun.factor.to_object().maybe("totp", totp);
    let response = Response::json(201, "factor_begun", &body);
    Ok(response.of_user(owner.signed_in.user_id()))
}

/// Reads `type`, `name`, `phone` where the type is that, and `current_password` where it is sent.
pub(crate) fn read(mut fields: Fields) -> Result<Wanted, Failure> {
    let kind = fields.choice("type", &["totp", "phone"], None);
    let name = if fields.has("name") {
        name(&mut fields).map(Some)
    } else {
        Some(None)
    };
    let phone = match kind {
        Some("phone") => phone(&mut fields).map(Some),
        _ => Some(None),
    };
    let current = if fields.has("current_password") {
        fields.current_password().map(Some)
    } else {
        Some(None)
    };
    let wanted = kind.and(name).zip(phone).zip(current);
    fields.finish(wanted.map(|((name, phone), current)| Wanted {
        name,
        phone,
        current,
    }))
}

fn name(fields: &mut Fields) -> Option<String> {
    let name = fields.text("name", "Choose a name.")?.trim().to_owned();
    let count = name.chars().count();
    if count == 0 || count > LONGEST_NAME || name.chars().any(char::is_control) {
        let detail = "The name has up to 64 characters, all on one line.";
        fields.fault("name", "malformed", detail);
        return None;
    }
    Some(name)
}

/// A number in E.164, without what people put between its digits.
fn phone(fields: &mut Fields) -> Option<String> {
    let text = fields.text("phone", "Enter your phone number.")?;
    let is_filler = |character: &char| matches!(character, ' ' | '-' | '.' | '/' | '(' | ')');
    let number: String = text
        .chars()
        .filter(|character| !is_filler(character))
        .collect();
    let digits = number.strip_prefix('+').unwrap_or_default();
    let is_number = (7..=15).contains(&digits.len())
        && !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        fields.fault("phone", "malformed", NO_PHONE);
        return None;
    }
    Some(number)
}

pub(crate) async fn verify<H: Host>(
    exchange: &Exchange<'_, H>,
    factor_id: &str,
) -> Result<Response, Failure> {
    let mut fields = Fields::from_json(exchange.request)?;
    let given = fields.code_of(Some(factor_id.to_ascii_lowercase()));
    let given = fields.finish(given)?;
    let owner = own_factors::owner(exchange).await?;
    let opened = own_factors::verify(exchange, &owner, &given).await?;
    Ok(opened.into_json(200))
}

pub(crate) async fn remove<H: Host>(
    exchange: &Exchange<'_, H>,
    factor_id: &str,
) -> Result<Response, Failure> {
    let owner = own_factors::owner(exchange).await?;
    own_factors::remove(exchange, &owner, &factor_id.to_ascii_lowercase()).await?;
    let response = Response::empty(204, "factor_removed");
    Ok(response
        .of_user(owner.signed_in.user_id())
        .of_session(&owner.signed_in.id))
}

#[cfg(test)]
mod tests;
