//! `/auth/confirm`: where the link in a mail leads.
//!
//! Opening the page does nothing yet: mail scanners open every link, and would use it up. The
//! button on the page does it.

use askama::Template;
use authflow_shared::host::Host;

use super::{next::Next, refused, resend, shown, signin, trouble::Trouble};
use crate::{
    api::{self, verify_email::Link},
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    response::Response,
};

#[derive(Template)]
#[template(path = "confirm.html")]
struct Page<'a> {
    link: Option<&'a Link>,
    next: Option<&'a str>,
    sign_in: String,
    resend: String,
    trouble: Trouble,
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return submit(exchange).await;
    }
    let fields = Fields::from_query(exchange.request)?;
    let next = Next::from_query(exchange);
    match api::verify_email::read(fields) {
        Ok(link) => {
            let page = page(Some(&link), &next, Trouble::default());
            Ok(shown(&page, "confirm_form", exchange.config))
        }
        Err(failure) => Ok(useless(&next, failure, exchange)),
    }
}

async fn submit<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let link = match api::verify_email::read(fields) {
        Ok(link) => link,
        Err(failure) => return Ok(useless(&next, failure, exchange)),
    };
    match api::verify_email::redeem(exchange, &link).await {
        Ok(opened) => {
            let target = next.target(&exchange.config.common.targets);
            Ok(opened.into_redirect(target))
        }
        // Supabase did not see it, or said to come back: the link may still be good.
        Err(failure) if matches!(failure.problem.status, 429 | 503) => {
            let page = page(Some(&link), &next, Trouble::from(&failure));
            Ok(refused(&page, failure, exchange.config))
        }
        Err(failure) => Ok(useless(&next, failure, exchange)),
    }
}

/// The link cannot be redeemed, now or later.
fn useless<H: Host>(next: &Next, failure: Failure, exchange: &Exchange<'_, H>) -> Response {
    let trouble = match failure.problem.code {
        "validation_failed" => Trouble {
            alert: Some(
                "The link is not complete. Open it exactly as it stands in the mail.".into(),
            ),
            ..Trouble::default()
        },
        _ => Trouble::from(&failure),
    };
    refused(&page(None, next, trouble), failure, exchange.config)
}

fn page<'a>(link: Option<&'a Link>, next: &'a Next, trouble: Trouble) -> Page<'a> {
    Page {
        link,
        next: next.kept(),
        sign_in: next.link(signin::PATH),
        resend: next.link(resend::PATH),
        trouble,
    }
}
