//! `/auth/account/second-factor`: one's second factors: which there are, another one, and one less.

use askama::Template;
use authflow_shared::host::Host;

use super::{
    code_form::{Asked, CodeForm, press},
    field::{Field, Kind},
    next::Next,
    sign_in_first, step_up,
    texts::Texts,
    trouble::Trouble,
    view::{Page, View},
};
use crate::{
    api,
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    form,
    own_factors::{self, Owner},
    qr_code,
    response::Response,
    second_factor::{self, Choice},
};

pub(super) const PATH: &str = "/auth/account/second-factor";

/// The most of what an app was given that a form carries on.
const LONGEST_URI: usize = 600;

#[derive(Template)]
#[template(path = "factors.html")]
struct List<'a> {
    t: &'a Texts,
    trouble: &'a Trouble,
    /// What has just been done; empty if nothing.
    done: &'static str,
    factors: &'a [Choice],
    /// None where phones are not offered.
    phone: Option<Field<'a>>,
    /// None where it is not asked for.
    password: Option<Field<'a>>,
    next: &'a Next,
}

impl Page for List<'_> {
    fn is_wide(&self) -> bool {
        true
    }

    fn title(&self) -> &str {
        self.t.factors_title()
    }
}

#[derive(Template)]
#[template(path = "enroll.html")]
struct Enroll<'a> {
    t: &'a Texts,
    trouble: &'a Trouble,
    is_sent: bool,
    /// The QR code of an app, as SVG.
    picture: Option<String>,
    secret: &'a str,
    form: CodeForm<'a>,
    again: String,
}

impl Page for Enroll<'_> {
    fn title(&self) -> &str {
        self.t.enroll_title()
    }
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let here = Next::own_page(exchange.config, PATH);
    let owner = match own_factors::owner(exchange).await {
        Ok(owner) => owner,
        Err(failure) => return sign_in_first(failure, exchange.config, &here),
    };
    if exchange.request.method != "POST" {
        let next = Next::from_query(exchange);
        return Ok(list(exchange, &owner, &next, "", None));
    }
    let fields = Fields::from_form(exchange.request)?;
    let next = Next::from_fields(exchange, &fields);
    let phone = fields.sent("phone").to_owned();
    let done = if fields.has("remove") {
        remove(exchange, &owner, &fields, &next).await
    } else if fields.has("factor_id") {
        Ok(verify(exchange, &owner, fields, &next).await)
    } else {
        enroll(exchange, &owner, fields, &next).await
    };
    Ok(match done {
        Ok(response) => response,
        Err(failure) if failure.problem.code == "step_up_required" => {
            failure.into_redirect(here.page(exchange.config, step_up::PATH))
        }
        Err(failure) => list(exchange, &owner, &next, &phone, Some(failure)),
    })
}

async fn remove<H: Host>(
    exchange: &Exchange<'_, H>,
    owner: &Owner,
    fields: &Fields,
    next: &Next,
) -> Result<Response, Failure> {
    own_factors::remove(exchange, owner, fields.sent("remove")).await?;
    Ok(Response::see_other(
        done(exchange, next, "removed"),
        "factor_removed",
    ))
}

async fn enroll<H: Host>(
    exchange: &Exchange<'_, H>,
    owner: &Owner,
    fields: Fields,
    next: &Next,
) -> Result<Response, Failure> {
    let wanted = api::factors::read(fields)?;
    let t = View::of(exchange).texts();
    let default = if wanted.phone.is_some() {
        t.factor_phone()
    } else {
        t.factor_app()
    };
    let begun = own_factors::enroll(exchange, owner, &wanted, default).await?;
    let id = &begun.factor.id;
    let asked = if begun.factor.is_phone() {
        match second_factor::send_code(exchange, &owner.with_new(&begun), id).await {
            Ok(challenge_id) => Asked::sent(id, challenge_id),
            Err(failure) => Asked {
                failure: Some(failure),
                ..Asked::default()
            },
        }
    } else {
        Asked::default()
    };
    let uri = begun.totp.as_ref().map_or("", |totp| totp.uri.expose());
    Ok(confirm(exchange, &begun.factor, uri, next, asked).of_user(owner.signed_in.user_id()))
}

async fn verify<H: Host>(
    exchange: &Exchange<'_, H>,
    owner: &Owner,
    fields: Fields,
    next: &Next,
) -> Response {
    // Only shown again to whoever sent it.
    let uri = fields.sent("uri");
    let is_ours = uri.starts_with("otpauth://totp/") && uri.len() <= LONGEST_URI;
    let uri = if is_ours {
        uri.to_owned()
    } else {
        String::new()
    };
    let all = owner.with_all_factors();
    let factor = all.factor(fields.sent("factor_id")).cloned();
    let asked = match press(exchange, fields, &all).await {
        Ok(given) => match own_factors::verify(exchange, owner, &given).await {
            Ok(opened) if next.is_none() => {
                return opened.into_redirect(done(exchange, next, "enrolled"));
            }
            Ok(opened) => {
                return opened.into_redirect(next.target(&exchange.config.common.targets));
            }
            Err(failure) => Asked::again(&given, failure),
        },
        Err(asked) => asked,
    };
    match factor {
        Ok(factor) => confirm(exchange, &factor, &uri, next, asked),
        Err(failure) => list(exchange, owner, next, "", Some(failure)),
    }
}

/// The list, which says what has been done.
fn done<H: Host>(exchange: &Exchange<'_, H>, next: &Next, what: &str) -> String {
    let page = next.page(exchange.config, PATH);
    let joint = if page.contains('?') { '&' } else { '?' };
    format!("{page}{joint}done={what}")
}

/// The second factors, with what has been typed as the number of a phone.
fn list<H: Host>(
    exchange: &Exchange<'_, H>,
    owner: &Owner,
    next: &Next,
    typed: &str,
    failure: Option<Failure>,
) -> Response {
    let view = View::of(exchange);
    let t = view.texts();
    let trouble = Trouble::of_any(failure.as_ref(), t);
    let done = form::field(&exchange.request.query, "done").unwrap_or_default();
    let phone = exchange.config.pages.offers_phones.then(|| {
        let label = t.factors_phone_label();
        let field = Field::new(Kind::Phone, "phone", label, &trouble);
        field.hint(t.factors_phone_hint()).value(typed)
    });
    let page = List {
        t,
        trouble: &trouble,
        done: match done.as_str() {
            "enrolled" => t.factors_enrolled(),
            "removed" => t.factors_removed(),
            _ => "",
        },
        factors: &owner.verified(),
        phone,
        password: owner
            .needs_password()
            .then(|| Field::current_password(t, &trouble)),
        next,
    };
    let response = view.answer(&page, failure, "factors");
    response.of_user(owner.signed_in.user_id())
}

/// Asks for the first code of `factor`.
fn confirm<H: Host>(
    exchange: &Exchange<'_, H>,
    factor: &Choice,
    uri: &str,
    next: &Next,
    mut asked: Asked,
) -> Response {
    let view = View::of(exchange);
    let t = view.texts();
    let failure = asked.failure.take();
    let trouble = Trouble::of_any(failure.as_ref(), t);
    let form = CodeForm::of(t, PATH, next, factor, &asked, &trouble);
    let secret = form::field(uri.split_once('?').map_or("", |(_, query)| query), "secret");
    let page = Enroll {
        t,
        trouble: &trouble,
        is_sent: asked.is_sent,
        picture: (!uri.is_empty()).then(|| qr_code::svg(uri)).flatten(),
        secret: &secret.unwrap_or_default(),
        form: form.uri(uri),
        again: next.link(PATH),
    };
    view.answer(&page, failure, "enroll_form")
}

#[cfg(test)]
mod tests;
