//! `/auth/signin`.

use askama::Template;
use authflow_shared::host::Host;

use super::{next::Next, refused, resend, shown, signup, trouble::Trouble};
use crate::{api, exchange::Exchange, failure::Failure, fields::Fields, form, response::Response};

pub(super) const PATH: &str = "/auth/signin";

#[derive(Template)]
#[template(path = "signin.html")]
struct Page<'a> {
    email: &'a str,
    next: Option<&'a str>,
    sign_up: String,
    /// Why the gateway sent the person here.
    reason: Option<&'static str>,
    trouble: Trouble,
    /// Where the mail of the sign-up can be asked for again.
    resend: Option<&'static str>,
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return submit(exchange).await;
    }
    let next = Next::from_query(exchange);
    let reason = form::field(&exchange.request.query, "reason");
    let page = Page {
        email: "",
        next: next.kept(),
        sign_up: next.link(signup::PATH),
        reason: reason.as_deref().and_then(sentence),
        trouble: Trouble::default(),
        resend: None,
    };
    Ok(shown(&page, "signin_form", exchange.config))
}

async fn submit<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let email = fields.sent("email").to_owned();
    let opened = match api::signin::read(fields) {
        Ok(credentials) => api::signin::sign_in(exchange, &credentials).await,
        Err(failure) => Err(failure),
    };
    let failure = match opened {
        Ok(opened) => {
            let target = next.target(&exchange.config.common.targets);
            return Ok(opened.into_redirect(target));
        }
        Err(failure) => failure,
    };
    let unconfirmed = failure.problem.code == "email_not_confirmed";
    let page = Page {
        email: &email,
        next: next.kept(),
        sign_up: next.link(signup::PATH),
        reason: None,
        trouble: Trouble::from(&failure),
        resend: unconfirmed.then_some(resend::PATH),
    };
    Ok(refused(&page, failure, exchange.config))
}

/// What a `reason` of the gateway's says to a person; nothing where it explains itself, or where
/// somebody else wrote it.
fn sentence(reason: &str) -> Option<&'static str> {
    match reason {
        "session_expired" => Some("You have been signed out. Please sign in again."),
        "session_invalid" => Some("Your session could not be read. Please sign in again."),
        "device_mismatch" => {
            Some("Your browser or network has changed. Please sign in again, to be safe.")
        }
        _ => None,
    }
}
