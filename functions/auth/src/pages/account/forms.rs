//! The forms below `/auth/account`: name, address, password, and the end of the account.

use authflow_shared::{cookie, host::Host, json::Map};

use super::{Own, PATH, done, location, overview};
use crate::{
    api, change_email, change_password, delete_account,
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    pages::{
        field::{Field, Kind},
        forgot,
        next::Next,
        plain_form::PlainForm,
        signin,
        texts::Texts,
        trouble::Trouble,
        view::View,
    },
    response::Response,
    signed_in,
};

/// Where a session is raised by a second factor.
const STEP_UP: &str = "/auth/step-up";

/// The most characters of a name.
const LONGEST_NAME: usize = 100;

/// The address of a form; none for what is no form.
pub(super) fn path(own: Own) -> Option<&'static str> {
    match own {
        Own::Name => Some("/auth/account/name"),
        Own::Email => Some("/auth/account/email"),
        Own::Password => Some("/auth/account/password"),
        Own::Delete => Some("/auth/account/delete"),
        Own::Overview | Own::EndSession | Own::EndOthers => None,
    }
}

/// The form of `own`, with what has been typed into its first field.
fn page<'a>(
    own: Own,
    t: &'static Texts,
    back: &'a Next,
    typed: &'a str,
    trouble: &'a Trouble,
) -> PlainForm<'a> {
    let current = Field::current_password(t, trouble);
    let mut page = PlainForm {
        action: path(own),
        button: t.account_save(),
        links: vec![(PATH.to_owned(), t.account_back())],
        // The account's page is where a form leads to: it carries nothing on.
        ..PlainForm::new(t, t.account_title(), &Next::NONE, trouble)
    };
    match own {
        Own::Name => {
            page.title = t.account_name_title();
            let name = Field::new(Kind::Name, "name", t.account_name(), trouble);
            page.fields.push(name.value(typed));
            return page;
        }
        Own::Email => {
            page.title = t.account_email_title();
            page.text = t.account_email_text();
            let email = Field::new(Kind::Email, "email", t.account_new_email(), trouble);
            page.fields.push(email.value(typed));
            page.fields.push(current);
        }
        Own::Password => {
            page.title = t.account_password_title();
            page.text = t.account_password_text();
            page.fields.push(current);
            page.fields.push(Field::new_password(t, trouble));
        }
        _ => {
            page.title = t.account_delete_title();
            page.text = t.account_delete_text();
            page.fields.push(current);
            page.button = t.account_delete_button();
            page.is_danger = true;
        }
    }
    let forgot = back.link(forgot::PATH);
    page.links.push((forgot, t.forgot_title()));
    page
}

pub(super) async fn show<H: Host>(
    exchange: &Exchange<'_, H>,
    own: Own,
) -> Result<Response, Failure> {
    let mut typed = String::new();
    if own == Own::Name {
        let known = signed_in::know(exchange).await?;
        overview::name(&known.user).clone_into(&mut typed);
    } else {
        signed_in::require(exchange).await?;
    }
    if own == Own::Delete && !delete_account::is_offered(exchange.config) {
        return Err(Failure::not_configured());
    }
    let view = View::of(exchange);
    let back = Next::own_page(exchange.config, PATH);
    let page = page(own, view.texts(), &back, &typed, Trouble::none());
    Ok(view.shown(&page, "account_form"))
}

pub(super) async fn submit<H: Host>(
    exchange: &Exchange<'_, H>,
    own: Own,
) -> Result<Response, Failure> {
    let fields = Fields::from_form(exchange.request)?;
    let first = if own == Own::Name { "name" } else { "email" };
    let typed = fields.sent(first).to_owned();
    let failure = match act(exchange, own, fields).await {
        Err(failure) if failure.problem.code != "no_session" => failure,
        answer => return answer,
    };
    let view = View::of(exchange);
    let trouble = Trouble::of_failure(&failure, view.texts());
    let back = Next::own_page(exchange.config, PATH);
    let mut page = page(own, view.texts(), &back, &typed, &trouble);
    if failure.problem.code == "step_up_required" {
        let link = (back.link(STEP_UP), view.texts().factor_label());
        page.links.insert(0, link);
    }
    Ok(view.refused(&page, failure))
}

async fn act<H: Host>(
    exchange: &Exchange<'_, H>,
    own: Own,
    fields: Fields,
) -> Result<Response, Failure> {
    match own {
        Own::Name => {
            let data = read_name(fields)?;
            let user = api::update_me::update(exchange, data).await?;
            Ok(done(exchange, "name").of_user(&user.id))
        }
        Own::Email => {
            let (email, current) = api::change_email::read(fields)?;
            let cause = change_email::start(exchange, &email, &current).await?;
            Ok(done(exchange, "email").because(cause))
        }
        Own::Password => {
            let (current, new) = api::reset_password::read_change(fields)?;
            let opened = change_password::change(exchange, &current, &new).await?;
            Ok(opened.into_redirect(location(exchange, "password")))
        }
        _ => {
            let current = api::delete_account::read(fields)?;
            let user_id = delete_account::delete(exchange, &current).await?;
            let reason = format!("reason={}", signin::ACCOUNT_DELETED);
            let page = Next::NONE.page_with(exchange.config, signin::PATH, &reason);
            let response = Response::see_other(page, "account_deleted").of_user(&user_id);
            Ok(response.header("set-cookie", cookie::clear()))
        }
    }
}

/// Reads `name`.
fn read_name(mut fields: Fields) -> Result<Map, Failure> {
    let name = fields.sent("name").trim().to_owned();
    if name.is_empty() {
        fields.fault("name", "missing", "Enter your name.");
    }
    if name.chars().count() > LONGEST_NAME {
        fields.fault("name", "too_long", "The name is over 100 characters long.");
    }
    fields.finish(Some(Map::from([("name".to_owned(), name.into())])))
}
