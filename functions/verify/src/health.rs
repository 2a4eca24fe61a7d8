//! `GET /health`: whether the gateway is alive, and with `?ready` whether it can do its work.

use authflow_shared::{
    host::{Clock, Host},
    json::Writer,
    redis::{Command, Redis, Reply},
};

use crate::{
    answer::{Answer, RETRY_AFTER},
    canonical::CanonicalRequest,
};

struct Check {
    status: &'static str,
    latency_ms: u64,
}

/// Answers; asks no dependency unless the query has the field `ready`.
pub async fn answer<H: Host>(
    redis: &Redis<H>,
    clock: &impl Clock,
    request: &CanonicalRequest,
    request_id: &str,
) -> Answer {
    let redis = if asks_dependencies(request) {
        Some(ping(redis, clock).await)
    } else {
        None
    };
    let healthy = redis.as_ref().is_none_or(|check| check.status == "ok");
    let (code, status) = if healthy {
        (200, "ok")
    } else {
        (503, "unavailable")
    };
    let mut checks = Writer::object();
    if let Some(check) = redis {
        let check = Writer::object()
            .text("status", check.status)
            .number("latency_ms", check.latency_ms);
        checks = checks.json("redis", &check.end());
    }
    let body = Writer::object()
        .text("status", status)
        .text("version", env!("CARGO_PKG_VERSION"))
        .json("checks", &checks.end());
    let mut answer = Answer::json(code, body.end(), request_id);
    if !healthy {
        answer.headers.push(("retry-after", RETRY_AFTER.to_owned()));
    }
    answer
}

/// Whether the query has the field `ready`.
pub fn asks_dependencies(request: &CanonicalRequest) -> bool {
    let query = request.query.as_deref().unwrap_or_default();
    query
        .split('&')
        .any(|field| field.split('=').next() == Some("ready"))
}

async fn ping<H: Host>(redis: &Redis<H>, clock: &impl Clock) -> Check {
    let started = clock.now();
    let reply = redis.command(&Command::new("PING")).await;
    let status = if matches!(reply, Ok(Reply::Text(_))) {
        "ok"
    } else {
        "unavailable"
    };
    Check {
        status,
        latency_ms: clock.now().since(started),
    }
}
