//! `/api/v1/simple_auth/admin/…`: what an admin sees and does. `administration` has the rules.
//!
//! `GET users?email=…` finds users, `GET users/{id}` shows one, `GET users/{id}/data` all that is
//! stored of one, and `GET address?email=…` what is stored under an address alone. `DELETE
//! users/{id}`, `DELETE address?email=…`, `DELETE users/{id}/sessions`, `DELETE
//! users/{id}/sessions/{session}`, `POST users/{id}/lock` and `/unlock`, and `PUT users/{id}/role`
//! answer 204.

use authflow_shared::{
    host::Host,
    json::{Object, Value},
    supabase::User,
    timestamp::Timestamp,
};

use super::sessions;
use crate::{
    administration::{self, Admin, Deed},
    endpoint::{Action, Endpoint, Found},
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    limits::ALL,
    personal_data,
    response::Response,
};

pub(crate) async fn handle<H: Host>(
    exchange: &Exchange<'_, H>,
    found: Found<'_>,
) -> Result<Response, Failure> {
    // (1) Who asks, before anything is said of anybody.
    let admin = administration::require(exchange).await?;
    // (2) About whom: nobody in particular, a user, or whoever has an address.
    let response = match found.endpoint {
        Endpoint::On(Action::AdminUsers) => users(exchange, &admin).await?,
        Endpoint::On(Action::AdminAddress) => {
            let mut fields = Fields::from_query(exchange.request)?;
            let email = fields.email();
            let email = fields.finish(email)?;
            exchange.note_account(email.as_str());
            data(exchange, &admin, "", email.as_str()).await?
        }
        _ => {
            let id = administration::user_id(found.parameter)?;
            match deed(exchange, found)? {
                Asked::Deed(deed) => {
                    admin.does(exchange, &id, &deed).await?;
                    Response::empty(204, deed.as_str())
                }
                Asked::Data => data(exchange, &admin, &id, "").await?,
                Asked::User => user(exchange, &admin, &id).await?,
            }
        }
    };
    Ok(response.of_user(admin.user_id()))
}

/// What is asked of a user.
enum Asked {
    User,
    Data,
    Deed(Deed),
}

/// What is stored of the user `id`, or under `address` alone; or that the latter is forgotten.
async fn data<H: Host>(
    exchange: &Exchange<'_, H>,
    admin: &Admin,
    id: &str,
    address: &str,
) -> Result<Response, Failure> {
    if exchange.request.method == "DELETE" {
        let accounts = [address.to_owned()];
        exchange.forget_attempts(&ALL, &accounts).await?;
        admin.did(exchange, "address_forgotten", id);
        return Ok(Response::empty(204, "address_forgotten"));
    }
    let all = personal_data::stored(exchange, id, address).await?;
    admin.did(exchange, "data_exported", id);
    let media_type = "application/json";
    Ok(Response::text(200, "data_exported", media_type, all))
}

fn deed<H: Host>(exchange: &Exchange<'_, H>, found: Found<'_>) -> Result<Asked, Failure> {
    let Endpoint::On(action) = found.endpoint else {
        return Err(Failure::not_found());
    };
    Ok(Asked::Deed(match action {
        Action::AdminSession => administration::session(found.second)?,
        Action::AdminSessions => Deed::EndSessions,
        Action::AdminLock => Deed::Lock,
        Action::AdminUnlock => Deed::Unlock,
        Action::AdminRole => administration::role(Fields::from_json(exchange.request)?)?,
        Action::AdminUser if exchange.request.method == "DELETE" => Deed::Delete,
        Action::AdminUser => return Ok(Asked::User),
        Action::AdminData => return Ok(Asked::Data),
        _ => return Err(Failure::not_found()),
    }))
}

/// The users whose address, or full name, holds what `email` says: a page of them.
async fn users<H: Host>(exchange: &Exchange<'_, H>, admin: &Admin) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(exchange.request)?;
    let text = administration::read_search(&mut fields);
    let page = administration::read_page(&mut fields);
    let (text, page) = fields.finish(text.zip(page))?;
    let users = admin.find(exchange, &text, &page).await?;
    let now = exchange.host.now();
    let users: Vec<Value> = users
        .into_iter()
        .map(|user| shown(user, now).into())
        .collect();
    let body = Object::new().with("users", users);
    Ok(Response::json(200, "ok", &body))
}

/// A user and their sessions.
async fn user<H: Host>(
    exchange: &Exchange<'_, H>,
    admin: &Admin,
    id: &str,
) -> Result<Response, Failure> {
    let user = admin.user(exchange, id).await?;
    let list = sessions::of_user(exchange, id).await?;
    let list: Vec<Value> = list
        .iter()
        .map(|session| sessions::shown(exchange, session).into())
        .collect();
    let body = Object::new()
        .with("user", shown(user, exchange.host.now()))
        .with("sessions", list);
    Ok(Response::json(200, "ok", &body))
}

/// A user as an admin is told of them.
fn shown(user: User, now: Timestamp) -> Object {
    Object::new()
        .with("locked", user.is_locked(now))
        .with("role", user.access_role())
        .with("id", user.id)
        .with("email", user.email)
        .maybe("created_at", user.created_at)
        .maybe("email_confirmed_at", user.email_confirmed_at)
        .maybe("last_sign_in_at", user.last_sign_in_at)
}

#[cfg(test)]
pub(crate) mod tests;
