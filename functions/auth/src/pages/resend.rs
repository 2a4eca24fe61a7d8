//! `/auth/resend`: asks for the mail of a sign-up once more.

use askama::Template;
use authflow_shared::host::Host;

use super::{next::Next, refused, shown, signin, signup, trouble::Trouble};
use crate::{api, exchange::Exchange, failure::Failure, fields::Fields, response::Response};

pub(super) const PATH: &str = "/auth/resend";

#[derive(Template)]
#[template(path = "resend.html")]
struct Page<'a> {
    email: &'a str,
    next: Option<&'a str>,
    sign_in: String,
    trouble: Trouble,
}

pub(crate) fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return submit(exchange);
    }
    let next = Next::from_query(exchange);
    let page = Page {
        email: "",
        next: next.kept(),
        sign_in: next.link(signin::PATH),
        trouble: Trouble::default(),
    };
    Ok(shown(&page, "resend_form", exchange.config))
}

fn submit<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let email = fields.sent("email").to_owned();
    match api::resend_verification::read(fields) {
        Ok(email) => {
            let target = next.target(&exchange.config.common.targets);
            api::resend_verification::resend(exchange, email, target);
            Ok(signup::mail_sent(exchange, &next))
        }
        Err(failure) => {
            let page = Page {
                email: &email,
                next: next.kept(),
                sign_in: next.link(signin::PATH),
                trouble: Trouble::from(&failure),
            };
            Ok(refused(&page, failure, exchange.config))
        }
    }
}
