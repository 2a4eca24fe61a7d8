//! `GET /health`: whether the gateway is alive, and with `?ready` whether it can do its work.

use core::{cell::Cell, time::Duration};

use authflow_shared::{
    host::{Clock, HttpClient},
    redis::{Command, Redis, Reply},
    timestamp::Timestamp,
};
use serde::Serialize;

use crate::{
    answer::{Answer, RETRY_AFTER},
    canonical::CanonicalRequest,
};

/// The time for which an answer of a dependency stands.
const REMEMBERED: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Body {
    status: &'static str,
    version: &'static str,
    checks: Checks,
}

#[derive(Serialize)]
struct Checks {
    #[serde(skip_serializing_if = "Option::is_none")]
    redis: Option<Check>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Check {
    status: &'static str,
    latency_ms: u64,
}

/// What a dependency answered of late, so that probes cost it no more than a command a second.
#[derive(Debug, Default)]
pub struct Readiness(Cell<Option<(Timestamp, Check)>>);

/// Answers; asks no dependency unless the query has the field `ready`.
pub async fn answer<H: HttpClient>(
    readiness: &Readiness,
    redis: &Redis<H>,
    clock: &impl Clock,
    request: &CanonicalRequest,
    request_id: &str,
) -> Answer {
    let query = request.query.as_deref().unwrap_or_default();
    let asks = query
        .split('&')
        .any(|field| field.split('=').next() == Some("ready"));
    let redis = if asks {
        Some(readiness.of(redis, clock).await)
    } else {
        None
    };
    let healthy = redis.as_ref().is_none_or(|check| check.status == "ok");
    let (code, status) = if healthy {
        (200, "ok")
    } else {
        (503, "unavailable")
    };
    let body = Body {
        status,
        version: env!("CARGO_PKG_VERSION"),
        checks: Checks { redis },
    };
    // Strings and numbers always serialise.
    let mut answer = Answer::json(
        code,
        serde_json::to_string(&body).unwrap_or_default(),
        request_id,
    );
    if !healthy {
        answer.headers.push(("retry-after", RETRY_AFTER.to_owned()));
    }
    answer
}

impl Readiness {
    async fn of<H: HttpClient>(&self, redis: &Redis<H>, clock: &impl Clock) -> Check {
        match self.0.get() {
            Some((at, check)) if clock.now() < at.after(REMEMBERED) => check,
            _ => {
                let check = ping(redis, clock).await;
                self.0.set(Some((clock.now(), check)));
                check
            }
        }
    }
}

async fn ping<H: HttpClient>(redis: &Redis<H>, clock: &impl Clock) -> Check {
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
