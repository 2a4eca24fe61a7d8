//! `GET /health`: whether this worker lives; with `?ready`, whether what it needs does.

use std::rc::Rc;

use authflow_shared::{
    host::Host,
    readiness::{Check, Health},
    redis::{Command, Redis, Reply},
    session::database::Database,
    supabase::AuthClient,
};

use crate::{config::Config, form, request::Request, response::Response};

pub(crate) async fn handle<H: Host>(host: &H, config: &Rc<Config>, request: &Request) -> Response {
    let mut checks = Vec::new();
    if form::field(&request.query, "ready").is_some() {
        checks = config.readiness.checks(host, ask(host, config)).await;
    }
    let Health { status, word, body } = config.readiness.health(&checks);
    let response = Response::text(status, word, "application/json", body);
    if status == 503 {
        return response.header("retry-after", "5");
    }
    response
}

/// One after the other: each is told by its own time. Whatever the breakers say: whoever asks wants to know how
/// things are.
async fn ask<H: Host>(host: &H, config: &Config) -> Vec<Check> {
    let mut started = host.now();
    let mut check = |name, is_well| {
        let latency_ms = host.now().since(started);
        started = host.now();
        Check {
            name,
            is_well,
            is_spare: name == "database",
            latency_ms,
        }
    };
    let redis = Redis::new(host.clone(), config.common.redis.clone()).past_breaker();
    let pong = redis.command(&Command::new("PING")).await;
    let mut checks = vec![check("redis", pong == Ok(Reply::Text("PONG".to_owned())))];
    let supabase = AuthClient::new(host.clone(), config.supabase.clone(), None);
    checks.push(check("supabase", supabase.health().await.is_ok()));
    if let Some(settings) = &config.database {
        let database = Database::new(host.clone(), settings.clone()).past_breaker();
        checks.push(check("database", database.health().await.is_ok()));
    }
    checks
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::test_support::{LOST, World, get};

    fn world() -> World {
        World::new().supabase("/health", 200, json!({"name": "GoTrue"}))
    }

    #[test]
    fn liveness_asks_nobody() {
        let world = world();
        insta::assert_snapshot!(world.answer(&get("/health")).shown(), @r#"200 {"status":"ok","version":"0.2.0","checks":{}}"#);
        assert!(world.host.calls().is_empty());
    }

    #[test]
    fn readiness_asks_everybody() {
        for query in ["ready", "ready=", "ready=1"] {
            let answer = world().answer(&get("/health").query(query));
            assert_eq!(answer.status, 200);
        }
        let answer = world().answer(&get("/health").query("ready"));
        insta::assert_snapshot!(answer.shown(), @r#"200 {"status":"ok","version":"0.2.0","checks":{"redis":{"status":"ok","latency_ms":0},"supabase":{"status":"ok","latency_ms":0}}}"#);
    }

    #[test]
    fn what_is_down_is_named() {
        let world = world();
        world.break_after(0, LOST[0]);
        let answer = world.answer(&get("/health").query("ready"));
        insta::assert_snapshot!(answer.shown(), @r#"503 {"status":"unavailable","version":"0.2.0","checks":{"redis":{"status":"unavailable","latency_ms":0},"supabase":{"status":"ok","latency_ms":0}}}"#);
        assert!(answer.header("retry-after").is_some());
        let world = World::new().supabase("/health", 400, json!("x"));
        let answer = world.answer(&get("/health").query("ready"));
        insta::assert_snapshot!(answer.shown(), @r#"503 {"status":"unavailable","version":"0.2.0","checks":{"redis":{"status":"ok","latency_ms":0},"supabase":{"status":"unavailable","latency_ms":0}}}"#);
    }

    #[test]
    fn a_probe_has_no_address() {
        let mut probe = get("/health");
        probe.headers.clear();
        assert_eq!(world().answer(&probe).status, 200);
    }
}
