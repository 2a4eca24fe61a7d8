//! `/auth/signup`. With `?sent`, it says to look into the mailbox.

use askama::Template;
use authflow_shared::host::Host;

use super::{next::Next, refused, resend, shown, signin, trouble::Trouble};
use crate::{
    api::{self, signup::Outcome},
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    form,
    response::Response,
};

pub(super) const PATH: &str = "/auth/signup";

#[derive(Template)]
#[template(path = "signup.html")]
struct Page<'a> {
    email: &'a str,
    next: Option<&'a str>,
    sign_in: String,
    trouble: Trouble,
}

#[derive(Template)]
#[template(path = "sent.html")]
struct Sent {
    sign_in: String,
    resend: String,
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return submit(exchange).await;
    }
    let next = Next::from_query(exchange);
    if form::field(&exchange.request.query, "sent").is_some() {
        let page = Sent {
            sign_in: next.link(signin::PATH),
            resend: next.link(resend::PATH),
        };
        return Ok(shown(&page, "mail_sent", exchange.config));
    }
    let page = Page {
        email: "",
        next: next.kept(),
        sign_in: next.link(signin::PATH),
        trouble: Trouble::default(),
    };
    Ok(shown(&page, "signup_form", exchange.config))
}

async fn submit<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let email = fields.sent("email").to_owned();
    let target = next.target(&exchange.config.common.targets);
    let outcome = match api::signup::read(fields) {
        Ok(application) => api::signup::sign_up(exchange, application, &target).await,
        Err(failure) => Err(failure),
    };
    let failure = match outcome {
        Ok(Outcome::SignedIn(opened)) => return Ok(opened.into_redirect(target)),
        Ok(Outcome::VerificationRequired { cause }) => {
            return Ok(mail_sent(exchange, &next).because(cause));
        }
        Err(failure) => failure,
    };
    let page = Page {
        email: &email,
        next: next.kept(),
        sign_in: next.link(signin::PATH),
        trouble: Trouble::from(&failure),
    };
    Ok(refused(&page, failure, exchange.config))
}

/// Leads to the page that says to look into the mailbox. The address is not in it: addresses stay
/// in histories and logs.
pub(super) fn mail_sent<H: Host>(exchange: &Exchange<'_, H>, next: &Next) -> Response {
    let page = next.page(exchange.config, PATH);
    let separator = if page.contains('?') { '&' } else { '?' };
    Response::see_other(format!("{page}{separator}sent=1"), "verification_required")
}
