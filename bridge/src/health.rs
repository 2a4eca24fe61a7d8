//! `/health` and `/metrics`: what probes and Prometheus ask, outside every limit.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};

use crate::{
    drain::Drain,
    metrics::Metrics,
    redis::Pool,
    tokens::{self, Tokens},
};

/// For how long what was found is told, so that no number of probes costs Redis more than one call a second.
const KEPT: Duration = Duration::from_secs(1);

/// What the two need to know.
#[derive(Debug)]
pub(crate) struct Probes {
    pub(crate) redis: Arc<Pool>,
    pub(crate) drain: Arc<Drain>,
    pub(crate) metrics: Arc<Metrics>,
    /// Who may read the metrics; without it nobody.
    pub(crate) metrics_token: Option<Tokens>,
    /// How Redis was found, and when.
    pub(crate) found: Mutex<Option<(Instant, Found)>>,
}

/// How Redis is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    is_well: bool,
    latency: Duration,
}

impl Probes {
    /// How Redis is, or was a moment ago. Whoever comes while somebody asks waits for that.
    async fn find(&self) -> Found {
        let mut kept = self.found.lock().await;
        if let Some((when, found)) = *kept
            && when.elapsed() < KEPT
        {
            return found;
        }
        let started = Instant::now();
        let found = Found {
            is_well: self.redis.ping().await.is_ok(),
            latency: started.elapsed(),
        };
        *kept = Some((Instant::now(), found));
        found
    }
}

/// `GET /health` asks nobody; `GET /health?ready` asks Redis.
pub(crate) async fn health(
    State(probes): State<Arc<Probes>>,
    RawQuery(query): RawQuery,
) -> Response {
    let version = env!("CARGO_PKG_VERSION");
    if query.as_deref() != Some("ready") {
        return answer(StatusCode::OK, &json!({"status": "ok", "version": version}));
    }
    let Found { is_well, latency } = probes.find().await;
    let word = |is_well| if is_well { "ok" } else { "unavailable" };
    let is_draining = probes.drain.is_on();
    let status = if is_draining {
        "draining"
    } else {
        word(is_well)
    };
    let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
    let redis = json!({"status": word(is_well), "latency_ms": latency_ms});
    let code = if is_well && !is_draining {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({"status": status, "version": version, "checks": {"redis": redis}});
    answer(code, &body)
}

/// `GET /metrics`, for those who have its token; for everybody else it is not there.
pub(crate) async fn metrics(State(probes): State<Arc<Probes>>, headers: HeaderMap) -> Response {
    let allowed = match (&probes.metrics_token, tokens::bearer(&headers)) {
        (Some(token), Some(given)) => token.has(given),
        _ => false,
    };
    if !allowed {
        return StatusCode::NOT_FOUND.into_response();
    }
    let open = probes.redis.open();
    probes
        .metrics
        .redis_connections
        .set(i64::try_from(open).unwrap_or(i64::MAX));
    match probes.metrics.text() {
        Ok(text) => {
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body.to_string()).into_response()
}
