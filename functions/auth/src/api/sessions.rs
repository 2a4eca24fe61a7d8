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
    end_session::end_of(exchange, user_id, id, None).await
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        request::Request,
        test_support::{LOST, World, get},
    };

    const PATH: &str = "/api/v1/simple_auth/sessions";

    fn world() -> World {
        World::new().supabase("/logout", 204, Value::Null)
    }

    fn id_of(token: &str) -> &str {
        token.split_once('.').unwrap().0
    }

    fn delete(id: &str, token: &str) -> Request {
        let mut request = get(&format!("{PATH}/{id}")).cookie(token);
        request.method = "DELETE".into();
        request
    }

    #[test]
    fn one_sees_where_one_is_signed_in() {
        let world = world();
        let (own, other) = (world.signed_in(), world.signed_in());
        let answer = world.answer(&get(PATH).cookie(&own));
        let body = answer.json();
        let sessions = body["sessions"].as_array().unwrap();
        assert_eq!(sessions.len(), 2);
        let find = |token| {
            sessions
                .iter()
                .find(|one| one["id"] == id_of(token))
                .unwrap()
        };
        assert_eq!(
            (&find(&own)["current"], &find(&other)["current"]),
            (&json!(true), &json!(false))
        );
        let own = find(&own);
        assert_eq!(own["created_at"], "2027-01-15T08:00:00.000Z");
        assert_eq!(own["last_seen_at"], "2027-01-15T08:00:00.000Z");
        assert_eq!(own["expires_at"], "2027-01-16T08:00:00.000Z");
        assert_eq!(own["device"]["label"], "Firefox on Linux");
        assert_eq!(own["device"]["ip_hint"], "192.0.2.0/24");
        let mac = other.split_once('.').unwrap().1;
        assert!(!answer.body.unwrap().contains(mac), "an id opens nothing");
    }

    #[test]
    fn whoever_is_not_signed_in_sees_nothing() {
        assert_eq!(world().answer(&get(PATH)).code(), "no_session");
        let world = world();
        let token = world.signed_in();
        let elsewhere = get(PATH)
            .cookie(&token)
            .with("cf-connecting-ip", "192.0.2.9");
        assert_eq!(world.answer(&elsewhere).code(), "no_session");
    }

    #[test]
    fn a_list_that_cannot_be_read_is_not_an_empty_one() {
        for calls in 1..3 {
            let world = world();
            let token = world.signed_in();
            world.break_after(calls, LOST[0]);
            let answer = world.answer(&get(PATH).cookie(&token));
            assert_eq!(answer.code(), "store_unavailable", "{calls}");
        }
    }

    #[test]
    fn another_session_ends_and_ones_own_goes_on() {
        let world = world();
        let (own, other) = (world.signed_in(), world.signed_in());
        let answer = world.answer(&delete(id_of(&other), &own));
        assert_eq!(answer.status, 204);
        assert!(answer.header("set-cookie").is_none());
        assert!(world.redis(&format!("session:{}", id_of(&other))).is_none());
        assert!(world.redis(&format!("session:{}", id_of(&own))).is_some());
        world.run_tasks();
        assert_eq!(world.asked().pop().unwrap(), "/logout?scope=local");
    }

    #[test]
    fn ending_ones_own_clears_the_cookie() {
        let world = world();
        let own = world.signed_in();
        let answer = world.answer(&delete(id_of(&own), &own));
        assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn a_session_of_somebody_else_is_not_found_and_stays() {
        let world = world();
        let own = world.signed_in();
        let foreign = "00000000-0000-4000-8000-000000000001";
        world.put(&format!("session:{foreign}"), "{}");
        world.put(&format!("user_id:{foreign}"), "somebody-else");
        for id in [
            foreign,
            "00000000-0000-4000-8000-000000000002",
            "x",
            "%2e%2e",
            &"0".repeat(300),
        ] {
            let answer = world.answer(&delete(id, &own));
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (404, "not_found"),
                "{id}"
            );
        }
        assert!(world.redis(&format!("session:{foreign}")).is_some());
    }

    #[test]
    fn a_session_that_may_live_on_is_said_so() {
        for calls in 1..5 {
            let world = world();
            let (own, other) = (world.signed_in(), world.signed_in());
            world.break_after(calls, LOST[0]);
            let answer = world.answer(&delete(id_of(&other), &own));
            // Whose it is may be told by the session itself; and looking at it before it ends may fail: only
            // Supabase's session lives on then.
            let expected = if calls == 1 || calls == 2 { 204 } else { 503 };
            assert_eq!(answer.status, expected, "{calls}");
        }
    }
}
