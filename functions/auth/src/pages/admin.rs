//! `/auth/admin`: an admin looks for users, and does things to one of them.
//!
//! Each thing is a form with an address of its own, `/auth/admin/users/{id}/{deed}`. Once done it
//! leads back with `?done=…`, which says so; what fails is said above the user's page.

use askama::{Template, filters::HtmlSafe};
use authflow_shared::{
    host::Host, session::of_user::OwnSession, supabase::User, timestamp::Timestamp,
};

use super::{
    device,
    field::{Field, Kind},
    next::Next,
    sign_in_first,
    texts::Texts,
    trouble::Trouble,
    view::{Page, View},
};
use crate::{
    administration::{self, Admin, Deed, FIRST_PAGE, MOST_USERS},
    api::sessions,
    endpoint::{Action, Endpoint, Found},
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    form,
    response::Response,
};

const PATH: &str = "/auth/admin";

#[derive(Template)]
#[template(path = "admin.html")]
struct Search<'a> {
    t: &'static Texts,
    done: &'static str,
    trouble: &'a Trouble,
    email: Field<'a>,
    /// What was found, if something was looked for.
    users: Option<&'a [Row]>,
}

#[derive(Template)]
#[template(path = "admin_user.html")]
struct UserPage<'a> {
    t: &'static Texts,
    done: &'static str,
    trouble: &'a Trouble,
    user: &'a Row,
    is_own: bool,
    role: Field<'a>,
    sessions: Vec<SessionRow>,
}

/// A button that does one thing to a user.
#[derive(Template)]
#[template(path = "admin_button.html")]
struct Button<'a> {
    id: &'a str,
    deed: &'static str,
    class: &'static str,
    label: &'static str,
}

// Its own template has escaped it.
impl HtmlSafe for Button<'_> {}

/// A user as a page shows one.
struct Row {
    id: String,
    email: String,
    role: String,
    is_locked: bool,
    is_confirmed: bool,
    created_at: String,
    last_sign_in_at: String,
}

struct SessionRow {
    id: String,
    label: String,
    /// When last, and from where.
    seen: String,
}

impl Page for Search<'_> {
    fn title(&self) -> &str {
        self.t.admin_title()
    }

    fn is_wide(&self) -> bool {
        true
    }
}

impl Search<'_> {
    /// Whether there may be more users than are shown.
    fn is_cut(&self) -> bool {
        self.users
            .is_some_and(|users| users.len() >= MOST_USERS.into())
    }
}

impl Page for UserPage<'_> {
    fn title(&self) -> &str {
        if self.user.email.is_empty() {
            &self.user.id
        } else {
            &self.user.email
        }
    }

    fn is_wide(&self) -> bool {
        true
    }
}

impl Row {
    fn of<H: Host>(exchange: &Exchange<'_, H>, user: User) -> Self {
        Self {
            is_locked: user.is_locked(exchange.host.now()),
            role: user.access_role().to_owned(),
            id: user.id,
            email: user.email,
            is_confirmed: user.email_confirmed_at.is_some(),
            created_at: minute(user.created_at.as_deref()),
            last_sign_in_at: minute(user.last_sign_in_at.as_deref()),
        }
    }

    /// What an admin has to know of the user first.
    fn status(&self, t: &Texts) -> &'static str {
        match (self.is_locked, self.is_confirmed) {
            (true, _) => t.admin_locked(),
            (false, false) => t.admin_unconfirmed(),
            (false, true) => t.admin_open(),
        }
    }
}

impl UserPage<'_> {
    fn button(&self, deed: &'static str, class: &'static str, label: &'static str) -> Button<'_> {
        Button {
            id: &self.user.id,
            deed,
            class,
            label,
        }
    }
}

impl SessionRow {
    fn of<H: Host>(exchange: &Exchange<'_, H>, t: &Texts, session: OwnSession) -> Self {
        let seconds = sessions::last_seen(exchange, &session);
        let last_seen = minute(Some(&Timestamp::from_seconds(seconds).to_rfc_3339()));
        let device = session.device.unwrap_or_default();
        Self {
            id: session.id.as_str().to_owned(),
            label: device::name(t, &device.label),
            seen: [t.admin_last_seen(), " ", &last_seen, ", ", &device.ip_hint].concat(),
        }
    }
}

/// A moment as people of every language read it, to the minute.
fn minute(rfc_3339: Option<&str>) -> String {
    match rfc_3339.and_then(|time| time.get(..16)) {
        Some(minute) => minute.replace('T', " ") + " UTC",
        None => "–".to_owned(),
    }
}

pub(crate) async fn handle<H: Host>(
    exchange: &Exchange<'_, H>,
    found: Found<'_>,
) -> Result<Response, Failure> {
    answer(exchange, found).await.or_else(|failure| {
        let next = Next::back(exchange.config, exchange.request);
        sign_in_first(failure, exchange.config, &next)
    })
}

async fn answer<H: Host>(
    exchange: &Exchange<'_, H>,
    found: Found<'_>,
) -> Result<Response, Failure> {
    let admin = administration::require(exchange).await?;
    let response = match found.endpoint {
        Endpoint::On(Action::AdminPage) => search(exchange, &admin).await,
        Endpoint::On(Action::AdminUserPage) => {
            let id = administration::user_id(found.parameter)?;
            let known = look_up(exchange, &admin, &id).await?;
            Ok(show(exchange, &admin, known, None))
        }
        Endpoint::On(Action::AdminDeed | Action::AdminEndSession) => {
            act(exchange, &admin, found).await
        }
        _ => Err(Failure::not_found()),
    };
    response.map(|response| response.of_user(admin.user_id()))
}

async fn search<H: Host>(exchange: &Exchange<'_, H>, admin: &Admin) -> Result<Response, Failure> {
    let view = View::of(exchange);
    let t = view.texts();
    let mut fields = Fields::from_query(exchange.request)?;
    let typed = fields.sent("email").to_owned();
    let page = |users, trouble| Search {
        t,
        done: done(exchange, t),
        trouble,
        email: Field::new(Kind::Text, "email", t.admin_search_label(), trouble).value(&typed),
        users,
    };
    // (1) Nothing is looked for yet.
    if form::field(&exchange.request.query, "email").is_none() {
        return Ok(view.shown(&page(None, Trouble::none()), "admin_search"));
    }

    // (2) What there is.
    let text = administration::read_search(&mut fields);
    let found = match fields.finish(text) {
        Ok(text) => admin.find(exchange, &text, FIRST_PAGE).await,
        Err(failure) => Err(failure),
    };
    match found {
        Ok(users) => {
            let users: Vec<_> = users
                .into_iter()
                .map(|user| Row::of(exchange, user))
                .collect();
            Ok(view.shown(&page(Some(&users), Trouble::none()), "admin_search"))
        }
        Err(failure) => {
            let trouble = Trouble::of_failure(&failure, t);
            Ok(view.refused(&page(None, &trouble), failure))
        }
    }
}

/// A user and their sessions.
type Known = (User, Vec<OwnSession>);

async fn look_up<H: Host>(
    exchange: &Exchange<'_, H>,
    admin: &Admin,
    id: &str,
) -> Result<Known, Failure> {
    let user = admin.user(exchange, id).await?;
    Ok((user, sessions::of_user(exchange, id).await?))
}

/// The page of a user, with what went wrong with a deed.
fn show<H: Host>(
    exchange: &Exchange<'_, H>,
    admin: &Admin,
    (user, list): Known,
    failure: Option<Failure>,
) -> Response {
    let user = Row::of(exchange, user);
    let view = View::of(exchange);
    let t = view.texts();
    let trouble = match &failure {
        Some(failure) => &Trouble::of_failure(failure, t),
        None => Trouble::none(),
    };
    let page = UserPage {
        t,
        done: done(exchange, t),
        trouble,
        is_own: admin.user_id() == user.id,
        role: Field::new(Kind::Text, "role", t.admin_new_role(), trouble)
            .hint(t.admin_role_hint())
            .value(&user.role),
        sessions: list
            .into_iter()
            .map(|session| SessionRow::of(exchange, t, session))
            .collect(),
        user: &user,
    };
    match failure {
        Some(failure) => view.refused(&page, failure),
        None => view.shown(&page, "admin_user"),
    }
}

async fn act<H: Host>(
    exchange: &Exchange<'_, H>,
    admin: &Admin,
    found: Found<'_>,
) -> Result<Response, Failure> {
    let id = administration::user_id(found.parameter)?;
    let done = match deed(exchange, found) {
        Ok(deed) => admin.does(exchange, &id, &deed).await.map(|()| deed),
        Err(failure) => Err(failure),
    };
    match done {
        Ok(deed) => {
            let auth_url = &exchange.config.common.auth_url;
            let page = match deed {
                Deed::Delete => String::new(),
                _ => format!("/users/{id}"),
            };
            let word = deed.as_str();
            let location = format!("{auth_url}{PATH}{page}?done={word}");
            Ok(Response::see_other(location, word))
        }
        Err(failure) => {
            // Without the page, what went wrong first still matters most.
            match look_up(exchange, admin, &id).await {
                Ok(known) => Ok(show(exchange, admin, known, Some(failure))),
                Err(_) => Err(failure),
            }
        }
    }
}

fn deed<H: Host>(exchange: &Exchange<'_, H>, found: Found<'_>) -> Result<Deed, Failure> {
    if found.endpoint == Endpoint::On(Action::AdminEndSession) {
        return administration::session(found.second);
    }
    Ok(match found.second {
        "end-sessions" => Deed::EndSessions,
        "lock" => Deed::Lock,
        "unlock" => Deed::Unlock,
        "role" => administration::role(Fields::from_form(exchange.request)?)?,
        "delete" => Deed::Delete,
        _ => return Err(Failure::not_found()),
    })
}

/// What has just been done, by the word in `done`; nothing for any other.
fn done<H: Host>(exchange: &Exchange<'_, H>, t: &Texts) -> &'static str {
    let word = form::field(&exchange.request.query, "done");
    match word.as_deref() {
        Some("session_ended") => t.admin_done_session(),
        Some("sessions_ended") => t.admin_done_sessions(),
        Some("user_locked") => t.admin_done_lock(),
        Some("user_unlocked") => t.admin_done_unlock(),
        Some("role_changed") => t.admin_done_role(),
        Some("user_deleted") => t.admin_done_delete(),
        _ => "",
    }
}

#[cfg(test)]
mod tests;
