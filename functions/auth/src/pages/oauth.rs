//! `/auth/oauth/{provider}`: the buttons that lead to a provider; `/auth/callback`: the way back.
//!
//! A button sends a form, so that no other site can press it, and the form is answered by a page
//! that leads on at once by itself. A redirect in its place would not do: Chromium holds
//! `form-action` against every redirect of a form, and where a provider sends people nobody knows.
//! What a page does once it is there is no part of the form any more. `Refresh` works without
//! JavaScript; where somebody has turned that off too, there is a link.

use askama::{Template, filters::HtmlSafe};
use authflow_shared::host::Host;

use super::{
    next::Next,
    signin,
    texts::Texts,
    view::{Page, View},
};
use crate::{
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    oauth::{self, Provider},
    response::Response,
};

/// The buttons of all providers, `{{ providers }}` in a template.
#[derive(Debug, Template)]
#[template(path = "providers.html")]
pub(super) struct Providers<'a> {
    t: &'a Texts,
    list: &'a [Provider],
    next: &'a Next,
}

// Its own template has escaped it.
impl HtmlSafe for Providers<'_> {}

impl<'a> Providers<'a> {
    pub(super) fn new<H: Host>(exchange: &Exchange<'a, H>, t: &'a Texts, next: &'a Next) -> Self {
        Self {
            t,
            list: &exchange.config.oauth_providers,
            next,
        }
    }
}

#[derive(Template)]
#[template(path = "leaving.html")]
struct Leaving<'a> {
    t: &'a Texts,
    title: String,
    url: &'a str,
}

impl Page for Leaving<'_> {
    fn title(&self) -> &str {
        &self.title
    }
}

pub(crate) async fn begin<H: Host>(
    exchange: &Exchange<'_, H>,
    name: &str,
) -> Result<Response, Failure> {
    let mut providers = exchange.config.oauth_providers.iter();
    let provider = providers.find(|provider| provider.name == name);
    let provider = *provider.ok_or_else(Failure::not_found)?;
    // Whoever opens the address finds the button there.
    if exchange.request.method != "POST" {
        let next = Next::from_query(exchange);
        let page = next.page(exchange.config, signin::PATH);
        return Ok(Response::see_other(page, "start"));
    }
    let view = View::of(exchange);
    let next = Next::from_fields(exchange, &Fields::from_form(exchange.request)?);
    let begun = match oauth::begin(exchange, provider, next.as_str()).await {
        Ok(begun) => begun,
        Err(failure) => return Ok(super::said(view, &next, failure)),
    };
    let t = view.texts();
    let page = Leaving {
        t,
        title: format!("{} {}", t.oauth_button(), provider.label),
        url: &begun.url,
    };
    let response = view.shown(&page, "oauth_begun");
    let response = response.header("refresh", format!("0; url={}", begun.url));
    Ok(begun.hand_out(response))
}

pub(crate) async fn callback<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    // Used up by whoever comes with it, whatever comes of it.
    let attempt = oauth::take(exchange).await?;
    let next = Next::read(exchange, attempt.next.as_deref().unwrap_or_default());
    let response = match oauth::enter(exchange, &attempt).await {
        Ok(entry) => super::go_on(exchange, entry, &next),
        Err(failure) => super::said(View::of(exchange), &next, failure),
    };
    Ok(oauth::forget(&attempt, response))
}

#[cfg(test)]
mod tests;
