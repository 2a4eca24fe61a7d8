//! `/auth/signout`: a form with one button, so that no link or picture elsewhere can press it.

use askama::Template;
use authflow_shared::host::Host;

use super::{next::Next, refused, shown, signin, trouble::Trouble};
use crate::{api, exchange::Exchange, failure::Failure, fields::Fields, response::Response};

#[derive(Template)]
#[template(path = "signout.html")]
struct Page<'a> {
    next: Option<&'a str>,
    trouble: Trouble,
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    if exchange.request.method == "POST" {
        return submit(exchange).await;
    }
    let next = Next::from_query(exchange);
    let page = Page {
        next: next.kept(),
        trouble: Trouble::default(),
    };
    Ok(shown(&page, "signout_form", exchange.config))
}

async fn submit<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    match api::logout::sign_out(exchange).await {
        Ok(ended) => {
            let page = next.page(exchange.config, signin::PATH);
            Ok(api::logout::respond(
                Response::see_other(page, "signed_out"),
                ended,
            ))
        }
        Err(failure) => {
            let page = Page {
                next: next.kept(),
                trouble: Trouble::from(&failure),
            };
            Ok(refused(&page, failure, exchange.config))
        }
    }
}
