//! `GET /health`: whether this worker lives; with `?ready`, whether what it needs does.

use std::rc::Rc;

use authflow_shared::{
    host::Host,
    redis::{Command, Redis, Reply, Unavailable},
    supabase::AuthClient,
};
use serde::Serialize;

use crate::{config::Config, form, request::Request, response::Response};

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    checks: Checks,
}

#[derive(Default, Serialize)]
struct Checks {
    #[serde(skip_serializing_if = "Option::is_none")]
    redis: Option<Check>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supabase: Option<Check>,
}

#[derive(Serialize)]
struct Check {
    status: &'static str,
    latency_ms: u64,
}

pub(crate) async fn handle<H: Host>(host: &H, config: &Rc<Config>, request: &Request) -> Response {
    let ready = form::field(&request.query, "ready").is_some();
    let checks = if ready {
        Checks {
            redis: Some(check(host, ping(host, config)).await),
            supabase: Some(check(host, ask_supabase(host, config)).await),
        }
    } else {
        Checks::default()
    };
    let mut each = checks.redis.iter().chain(&checks.supabase);
    let is_well = each.all(|check| check.status == OK);
    let (code, status) = if is_well {
        (200, OK)
    } else {
        (503, UNAVAILABLE)
    };
    let health = Health {
        status,
        version: env!("CARGO_PKG_VERSION"),
        checks,
    };
    let response = Response::json(code, status, &health);
    if is_well {
        response
    } else {
        response.header("retry-after", "5")
    }
}

const OK: &str = "ok";
const UNAVAILABLE: &str = "unavailable";

/// Asks one dependency, and takes the time it needs.
async fn check<H: Host>(host: &H, answer: impl Future<Output = bool>) -> Check {
    let started = host.now();
    let status = if answer.await { OK } else { UNAVAILABLE };
    Check {
        status,
        latency_ms: host.now().since(started),
    }
}

async fn ping<H: Host>(host: &H, config: &Config) -> bool {
    let redis = Redis::new(host.clone(), config.common.redis.clone());
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
        insta::assert_snapshot!(world.answer(&get("/health")).shown(), @r#"200 {"status":"ok","version":"0.1.0","checks":{}}"#);
        assert!(world.host.calls().is_empty());
    }

    #[test]
    fn readiness_asks_everybody() {
        for query in ["ready", "ready=", "ready=1"] {
            let answer = world().answer(&get("/health").query(query));
            assert_eq!(answer.status, 200);
        }
        let answer = world().answer(&get("/health").query("ready"));
        insta::assert_snapshot!(answer.shown(), @r#"200 {"status":"ok","version":"0.1.0","checks":{"redis":{"status":"ok","latency_ms":0},"supabase":{"status":"ok","latency_ms":0}}}"#);
    }

    #[test]
    fn what_is_down_is_named() {
        let world = world();
        world.break_after(0, LOST[0]);
        let answer = world.answer(&get("/health").query("ready"));
        insta::assert_snapshot!(answer.shown(), @r#"503 {"status":"unavailable","version":"0.1.0","checks":{"redis":{"status":"unavailable","latency_ms":0},"supabase":{"status":"ok","latency_ms":0}}}"#);
        assert!(answer.header("retry-after").is_some());
        let world = World::new().supabase("/health", 500, json!("x"));
        let answer = world.answer(&get("/health").query("ready"));
        insta::assert_snapshot!(answer.shown(), @r#"503 {"status":"unavailable","version":"0.1.0","checks":{"redis":{"status":"ok","latency_ms":0},"supabase":{"status":"unavailable","latency_ms":0}}}"#);
    }

    #[test]
    fn a_probe_has_no_address() {
        let mut probe = get("/health");
        probe.headers.clear();
        assert_eq!(world().answer(&probe).status, 200);
    }
}
