//! `/api/v1/simple_auth/admin/…`: what an admin does. `administration` has the rules.

use authflow_shared::{
    host::Host,
    json::{Object, Value},
    supabase::User,
    timestamp::Timestamp,
};

use super::sessions;
use crate::{
    administration::{self, Admin, Deed},
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    response::Response,
};

/// `GET users?email=…`: the users whose address, or full name, holds that.
pub(crate) async fn users<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let admin = administration::require(exchange).await?;
    let mut fields = Fields::from_query(exchange.request)?;
    let text = administration::read_search(&mut fields);
    let users = admin.find(exchange, &fields.finish(text)?).await?;
    let now = exchange.host.now();
    let users: Vec<Value> = users
        .into_iter()
        .map(|user| shown(user, now).into())
        .collect();
    let body = Object::new().with("users", users);
    Ok(Response::json(200, "ok", &body).of_user(admin.user_id()))
}

/// `GET users/{id}`: a user and their sessions. `DELETE users/{id}`: gone for good.
pub(crate) async fn user<H: Host>(
    exchange: &Exchange<'_, H>,
    id: &str,
) -> Result<Response, Failure> {
    let (admin, id) = enter(exchange, id).await?;
    if exchange.request.method == "DELETE" {
        admin.does(exchange, &id, Deed::Delete).await?;
        return Ok(done(&admin, "user_deleted"));
    }
    let user = admin.user(exchange, &id).await?;
    let list = sessions::of_user(exchange, &id).await?;
    let list: Vec<Value> = list
        .iter()
        .map(|session| sessions::shown(exchange, session).into())
        .collect();
    let body = Object::new()
        .with("user", shown(user, exchange.host.now()))
        .with("sessions", list);
    Ok(Response::json(200, "ok", &body).of_user(admin.user_id()))
}

/// `DELETE users/{id}/sessions`.
pub(crate) async fn end_sessions<H: Host>(
    exchange: &Exchange<'_, H>,
    id: &str,
) -> Result<Response, Failure> {
    let (admin, id) = enter(exchange, id).await?;
    admin.end_sessions(exchange, &id).await?;
    Ok(done(&admin, "sessions_ended"))
}

/// `DELETE users/{id}/sessions/{session}`.
pub(crate) async fn end_session<H: Host>(
    exchange: &Exchange<'_, H>,
    id: &str,
    session: &str,
) -> Result<Response, Failure> {
    let (admin, id) = enter(exchange, id).await?;
    admin.end_session(exchange, &id, session).await?;
    Ok(done(&admin, "session_ended"))
}

/// `POST users/{id}/lock`.
pub(crate) async fn lock<H: Host>(
    exchange: &Exchange<'_, H>,
    id: &str,
) -> Result<Response, Failure> {
    let (admin, id) = enter(exchange, id).await?;
    admin.does(exchange, &id, Deed::Lock).await?;
    Ok(done(&admin, "user_locked"))
}

/// `POST users/{id}/unlock`.
pub(crate) async fn unlock<H: Host>(
    exchange: &Exchange<'_, H>,
    id: &str,
) -> Result<Response, Failure> {
    let (admin, id) = enter(exchange, id).await?;
    admin.unlock(exchange, &id).await?;
    Ok(done(&admin, "user_unlocked"))
}

/// `PUT users/{id}/role`.
pub(crate) async fn set_role<H: Host>(
    exchange: &Exchange<'_, H>,
    id: &str,
) -> Result<Response, Failure> {
    let (admin, id) = enter(exchange, id).await?;
    let mut fields = Fields::from_json(exchange.request)?;
    let role = administration::read_role(&mut fields);
    let role = fields.finish(role)?;
    admin.does(exchange, &id, Deed::Role(&role)).await?;
    Ok(done(&admin, "role_changed"))
}

/// Who asks, and about whom.
async fn enter<H: Host>(exchange: &Exchange<'_, H>, id: &str) -> Result<(Admin, String), Failure> {
    let admin = administration::require(exchange).await?;
    Ok((admin, administration::user_id(id)?))
}

fn done(admin: &Admin, outcome: &'static str) -> Response {
    Response::empty(204, outcome).of_user(admin.user_id())
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
