//! `GET /health`: whether the gateway is alive, and with `?ready` whether it can do its work.

use authflow_shared::{
    host::Host,
    json::Writer,
    redis::{Command, Redis, Reply},
    session::SessionStore,
};

use crate::{
    answer::{Answer, RETRY_AFTER},
    canonical::CanonicalRequest,
};

/// Answers; asks no dependency unless the query has the field `ready`.
///
/// Redis is asked whatever its breaker says, and told what it missed: whoever asks wants to know how
/// things are. Without the database all goes on, but an outage of Redis would be everybody's.
pub async fn answer<H: Host>(
    redis: &Redis<H>,
    store: &SessionStore<H>,
    host: &H,
    request: &CanonicalRequest,
    request_id: &str,
) -> Answer {
    let mut checks = Writer::object();
    let (mut code, mut status) = (200, "ok");
    if asks_dependencies(request) {
        let started = host.now();
        let reply = redis.past_breaker().command(&Command::new("PING")).await;
        let is_well = matches!(reply, Ok(Reply::Text(_)));
        let between = host.now();
        checks = checks.json("redis", &check(is_well, between.since(started)));
        if let Some(is_whole) = store.ask_after_database(is_well).await {
            let millis = host.now().since(between);
            checks = checks.json("database", &check(is_whole, millis));
            if !is_whole {
                status = "degraded";
            }
        }
        if !is_well {
            (code, status) = (503, "unavailable");
        }
    }
    let body = Writer::object()
        .text("status", status)
        .text("version", env!("CARGO_PKG_VERSION"))
        .json("checks", &checks.end());
    let mut answer = Answer::json(code, body.end(), request_id);
    if code == 503 {
        answer.headers.push(("retry-after", RETRY_AFTER.to_owned()));
    }
    answer
}

fn check(is_well: bool, millis: u64) -> String {
    let status = if is_well { "ok" } else { "unavailable" };
    Writer::object()
        .text("status", status)
        .number("latency_ms", millis)
        .end()
}

/// Whether the query has the field `ready`.
pub fn asks_dependencies(request: &CanonicalRequest) -> bool {
    let query = request.query.as_deref().unwrap_or_default();
    query
        .split('&')
        .any(|field| field.split('=').next() == Some("ready"))
}
