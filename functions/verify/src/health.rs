//! `GET /health`: whether the gateway is alive, and with `?ready` whether it can do its work.

use authflow_shared::{
    host::Host,
    readiness::Check,
    redis::{Command, Redis, Reply},
    session::SessionStore,
};

use crate::canonical::CanonicalRequest;

/// How the gateway's dependencies are.
///
/// Redis is asked whatever its breaker says, and told what it missed: whoever asks wants to know how
/// things are. Without the database all goes on, but an outage of Redis would be everybody's.
pub(crate) async fn ask<H: Host>(redis: Redis<H>, store: SessionStore<H>) -> Vec<Check> {
    let now = || redis.host().now();
    let started = now();
    let reply = redis.past_breaker().command(&Command::new("PING")).await;
    let is_well = matches!(reply, Ok(Reply::Text(_)));
    let between = now();
    let mut checks = vec![Check {
        name: "redis",
        is_well,
        is_spare: false,
        latency_ms: between.since(started),
    }];
    if let Some(is_whole) = store.ask_after_database(is_well).await {
        checks.push(Check {
            name: "database",
            is_well: is_whole,
            is_spare: true,
            latency_ms: now().since(between),
        });
    }
    checks
}

/// Whether the query has the field `ready`.
pub fn asks_dependencies(request: &CanonicalRequest) -> bool {
    let query = request.query.as_deref().unwrap_or_default();
    query
        .split('&')
        .any(|field| field.split('=').next() == Some("ready"))
}
