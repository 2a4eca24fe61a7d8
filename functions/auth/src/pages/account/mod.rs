//! `/auth/account`: what a person sees and changes of their own account.
//!
//! Each change has an address of its own below it, whose form is answered by a redirect back, with
//! a word that says what was done. Whoever is not signed in is sent to the sign-in page and back.

mod forms;
mod overview;

use authflow_shared::{cookie, host::Host, session::SessionId, supabase::auth::Scope};

use super::{next::Next, sign_in_first};
use crate::{
    api, end_session, exchange::Exchange, failure::Failure, fields::Fields, response::Response,
    signed_in,
};

pub(crate) const PATH: &str = "/auth/account";

/// The pages and forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    Overview,
    Change(Change),
    EndSession,
    EndOthers,
}

/// What a page with a form changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Name,
    Email,
    Password,
    /// Deletes the account.
    Delete,
}

pub(crate) async fn handle<H: Host>(
    exchange: &Exchange<'_, H>,
    own: Own,
) -> Result<Response, Failure> {
    let answer = match own {
        Own::Overview => overview::show(exchange).await,
        Own::EndSession => end_session(exchange).await,
        Own::EndOthers => end_others(exchange).await,
        Own::Change(change) if exchange.request.method == "POST" => {
            forms::submit(exchange, change).await
        }
        Own::Change(change) => forms::show(exchange, change).await,
    };
    answer.or_else(|failure| {
        // What was typed is lost; the page that it was typed on is found again.
        let page = match own {
            Own::Change(change) => forms::path(change),
            Own::Overview | Own::EndSession | Own::EndOthers => PATH,
        };
        let next = Next::own_page(exchange.config, page);
        sign_in_first(failure, exchange.config, &next)
    })
}

async fn end_session<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let fields = Fields::from_form(exchange.request)?;
    let signed_in = signed_in::require(exchange).await?;
    let id = SessionId::parse(fields.sent("id")).ok_or_else(Failure::not_found)?;
    api::sessions::end_own(exchange, signed_in.user_id(), &id).await?;
    let response = done(exchange, "session").of_user(signed_in.user_id());
    if id == signed_in.id {
        return Ok(response.header("set-cookie", cookie::clear()));
    }
    Ok(response)
}

async fn end_others<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    Fields::from_form(exchange.request)?;
    let signed_in = signed_in::require(exchange).await?;
    end_session::end_many(exchange, &signed_in, Scope::Others).await?;
    Ok(done(exchange, "sessions").of_user(signed_in.user_id()))
}

/// Leads back to the account's page, which knows `word`.
fn done<H: Host>(exchange: &Exchange<'_, H>, word: &'static str) -> Response {
    Response::see_other(location(exchange, word), "changed")
}

fn location<H: Host>(exchange: &Exchange<'_, H>, word: &'static str) -> String {
    Next::NONE.page_with(exchange.config, PATH, &format!("done={word}"))
}

#[cfg(test)]
mod tests;
