//! `GET /health`: whether this worker lives; with `?ready`, whether what it needs does.

use std::rc::Rc;

use authflow_shared::{
    host::Host,
    json::Object,
    redis::{Command, Redis, Reply, Unavailable},
    session::database::Database,
    supabase::AuthClient,
};

use crate::{config::Config, form, request::Request, response::Response};

const OK: &str = "ok";
const UNAVAILABLE: &str = "unavailable";
const DEGRADED: &str = "degraded";

pub(crate) async fn handle<H: Host>(host: &H, config: &Rc<Config>, request: &Request) -> Response {
    let mut checks = Object::new();
    // Without the database all goes on, but an outage of Redis would be everybody's.
    let (mut is_well, mut is_whole) = (true, true);
    if form::field(&request.query, "ready").is_some() {
        // One after the other: each is told by its own time.
        let started = host.now();
        let redis = ping(host, config).await;
        let between = host.now();
        let supabase = ask_supabase(host, config).await;
        let ended = host.now();
        let mut results = vec![
            ("redis", redis, between.since(started)),
            ("supabase", supabase, ended.since(between)),
        ];
        is_well = redis && supabase;
        if let Some(settings) = &config.database {
            let database = Database::new(host.clone(), settings.clone()).past_breaker();
            is_whole = database.health().await.is_ok();
            results.push(("database", is_whole, host.now().since(ended)));
        }
        for (name, is_up, latency) in results {
            let check = Object::new()
                .with("status", word(is_up))
                .with("latency_ms", latency);
            checks = checks.with(name, check);
        }
    }
    let status = if is_whole { word(is_well) } else { DEGRADED };
    let health = Object::new()
        .with("status", if is_well { status } else { UNAVAILABLE })
        .with("version", env!("CARGO_PKG_VERSION"))
        .with("checks", checks);
    if is_well {
        Response::json(200, OK, &health)
    } else {
        Response::json(503, UNAVAILABLE, &health).header("retry-after", "5")
    }
}

fn word(is_up: bool) -> &'static str {
    if is_up { OK } else { UNAVAILABLE }
}

async fn ping<H: Host>(host: &H, config: &Config) -> bool {
    // Whatever its breaker says: whoever asks wants to know how things are.
    let redis = Redis::new(host.clone(), config.common.redis.clone()).past_breaker();
    let pong: Result<Reply, Unavailable> = redis.command(&Command::new("PING")).await;
    pong == Ok(Reply::Text("PONG".to_owned()))
}

async fn ask_supabase<H: Host>(host: &H, config: &Config) -> bool {
    let supabase = AuthClient::new(host.clone(), config.supabase.clone(), None);
    supabase.health().await.is_ok()
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
        insta::assert_snapshot!(world.answer(&get("/health")).shown(), @r#"200 {"checks":{},"status":"ok","version":"0.1.0"}"#);
        assert!(world.host.calls().is_empty());
    }

    #[test]
    fn readiness_asks_everybody() {
        for query in ["ready", "ready=", "ready=1"] {
            let answer = world().answer(&get("/health").query(query));
            assert_eq!(answer.status, 200);
        }
        let answer = world().answer(&get("/health").query("ready"));
        insta::assert_snapshot!(answer.shown(), @r#"200 {"checks":{"redis":{"latency_ms":0,"status":"ok"},"supabase":{"latency_ms":0,"status":"ok"}},"status":"ok","version":"0.1.0"}"#);
    }

    #[test]
    fn what_is_down_is_named() {
        let world = world();
        world.break_after(0, LOST[0]);
        let answer = world.answer(&get("/health").query("ready"));
        insta::assert_snapshot!(answer.shown(), @r#"503 {"checks":{"redis":{"latency_ms":0,"status":"unavailable"},"supabase":{"latency_ms":0,"status":"ok"}},"status":"unavailable","version":"0.1.0"}"#);
        assert!(answer.header("retry-after").is_some());
        let world = World::new().supabase("/health", 400, json!("x"));
        let answer = world.answer(&get("/health").query("ready"));
        insta::assert_snapshot!(answer.shown(), @r#"503 {"checks":{"redis":{"latency_ms":0,"status":"ok"},"supabase":{"latency_ms":0,"status":"unavailable"}},"status":"unavailable","version":"0.1.0"}"#);
    }

    #[test]
    fn a_probe_has_no_address() {
        let mut probe = get("/health");
        probe.headers.clear();
        assert_eq!(world().answer(&probe).status, 200);
    }
}
