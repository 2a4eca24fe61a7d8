//! `POST /api/v1/simple_auth/reset-password/update`: a new password, by the link of a mail, or signed in
//! and knowing the present one.

use authflow_shared::{host::Host, json::Object, secret::Secret};

use super::verify_email::is_token;
use crate::{
    change_password,
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    reset_link::{self, Reset},
    response::Response,
};

/// What a new password is set by.
#[derive(Debug)]
enum Update {
    ByLink(Reset),
    SignedIn { current: Secret, new: Secret },
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    match read(Fields::from_json(exchange.request)?)? {
        Update::ByLink(reset) => {
            let user_id = reset_link::redeem(exchange, &reset).await?;
            let body = Object::new().with("status", "password_changed");
            Ok(Response::json(200, "password_changed", &body).of_user(&user_id))
        }
        Update::SignedIn { current, new } => {
            let opened = change_password::change(exchange, &current, &new).await?;
            Ok(opened.into_json(200))
        }
    }
}

fn read(mut fields: Fields) -> Result<Update, Failure> {
    if fields.has("current_password") {
        let current = fields.text("current_password", "Enter your present password.");
        let current = current.map(Secret::new);
        let update = current
            .zip(fields.new_password())
            .map(|(current, new)| Update::SignedIn { current, new });
        return fields.finish(update);
    }
    read_reset(fields).map(Update::ByLink)
}

/// Reads `token_hash` and `password`; and `factor_id` and `code`, of somebody who has a second
/// factor.
pub(crate) fn read_reset(mut fields: Fields) -> Result<Reset, Failure> {
    let detail = "Open the link exactly as it stands in the mail.";
    let token_hash = fields.text("token_hash", detail).map(str::to_owned);
    if token_hash.as_deref().is_some_and(|token| !is_token(token)) {
        fields.fault("token_hash", "malformed", detail);
    }
    let password = fields.new_password();
    let given = if fields.has("code") {
        fields.code().map(Some)
    } else {
        Some(None)
    };
    let reset = token_hash
        .zip(password)
        .zip(given)
        .map(|((token_hash, password), given)| Reset {
            token_hash: Secret::new(token_hash),
            password,
            given,
        });
    fields.finish(reset)
}
