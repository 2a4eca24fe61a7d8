//! `GET /api/v1/simple_auth/sessions`: where one is signed in; `DELETE …/sessions/{id}`: not any
//! more.

use authflow_shared::{
    host::Host,
    json::{Object, Value},
    session::{SessionId, of_user::OwnSession},
    timestamp::Timestamp,
};

use crate::{end_session, exchange::Exchange, failure::Failure, response::Response, signed_in};
use authflow_shared::cookie;

pub(crate) async fn list<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let signed_in = signed_in::require(exchange).await?;
    let sessions = of_user(exchange, signed_in.user_id()).await?;
    let sessions: Vec<Value> = sessions
        .iter()
        .map(|session| shown(exchange, session).into())
        .collect();
    let body = Object::new().with("sessions", sessions);
    let response = Response::json(200, "ok", &body);
    Ok(response
        .of_user(signed_in.user_id())
        .of_session(&signed_in.id))
}

/// The sessions of a user.
pub(crate) async fn of_user<H: Host>(
    exchange: &Exchange<'_, H>,
    user_id: &str,
) -> Result<Vec<OwnSession>, Failure> {
    let list = exchange.store().list(user_id, exchange.host.now()).await;
    list.map_err(Failure::store_unavailable)
}

/// A session as a program is told of it.
pub(crate) fn shown<H: Host>(exchange: &Exchange<'_, H>, session: &OwnSession) -> Object {
    let record = &session.record;
    let time = |seconds| Timestamp::from_seconds(seconds).to_string();
    let device = session.device.clone().unwrap_or_default();
    let device = Object::new()
        .with("label", device.label)
        .with("ip_hint", device.ip_hint)
        .with("user_agent", device.user_agent);
    Object::new()
        .with("id", session.id.as_str())
        .with("current", exchange.session.as_ref() == Some(&session.id))
        .with("created_at", time(record.created_at))
        .with("last_seen_at", time(last_seen(exchange, session)))
        .with("expires_at", time(record.expires_at))
        .with("aal", record.aal.as_str())
        .with("device", device)
}

/// When a session was used last, in Unix seconds: as exact as it is renewed, a sixth of its
/// idle time.
pub(crate) fn last_seen<H: Host>(exchange: &Exchange<'_, H>, session: &OwnSession) -> u64 {
    let idle = exchange.config.common.lifetimes.session;
    let renewed_at = session.idle_until.seconds().saturating_sub(idle);
    renewed_at.max(session.record.created_at)
}

pub(crate) async fn end<H: Host>(
    exchange: &Exchange<'_, H>,
    id: &str,
) -> Result<Response, Failure> {
    let signed_in = signed_in::require(exchange).await?;
    let id = SessionId::parse(id).ok_or_else(Failure::not_found)?;
    end_own(exchange, signed_in.user_id(), &id).await?;
    let mut response = Response::empty(204, "session_ended");
    if id == signed_in.id {
        response = response.header("set-cookie", cookie::clear());
    }
    Ok(response.of_user(signed_in.user_id()).of_session(&id))
}

/// Ends a session of this user.
///
/// # Errors
/// `not_found` for anybody else's, as for one that there is not.
pub(crate) async fn end_own<H: Host>(
    exchange: &Exchange<'_, H>,
    user_id: &str,
    id: &SessionId,
) -> Result<(), Failure> {
    end_of(exchange, user_id, id, None).await
}

/// Ends a session of the user `user_id`, on behalf of `actor` where that is somebody else.
///
/// # Errors
/// `not_found` for anybody else's, as for one that there is not.
pub(crate) async fn end_of<H: Host>(
    exchange: &Exchange<'_, H>,
    user_id: &str,
    id: &SessionId,
    actor: Option<&str>,
) -> Result<(), Failure> {
    let owns = exchange.store().owns(user_id, id).await;
    if !owns.map_err(Failure::store_unavailable)? {
        return Err(Failure::not_found());
    }
    end_session::end_one(exchange, id).await?;
    exchange.audit("session_ended", user_id, actor);
    Ok(())
}
