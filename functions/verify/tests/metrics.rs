//! What the gateway counts, and who may see it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

#[expect(dead_code, reason = "this file uses a part of it")]
mod world;

use core::time::Duration;

use authflow_shared::host::{CallError, fake::Breakage};
use world::{IP, World};

const TOKEN: (&str, &str) = ("METRICS_TOKEN", "for-prometheus");
const READS: (&str, &str) = ("authorization", "Bearer for-prometheus");

/// The arguments of each addition to Redis, without those of before.
fn added(world: &World) -> Vec<Vec<String>> {
    let bodies = world.host.calls().into_iter().filter_map(|call| call.body);
    bodies
        .filter_map(|body| serde_json::from_str::<Vec<String>>(&body).ok())
        .filter(|command| command.get(3).is_some_and(|key| key == "metrics:{verify}"))
        .map(|command| command[5..].to_vec())
        .collect()
}

/// By how much `series` grew in `batch`.
fn growth(batch: &[String], series: &str) -> Option<u64> {
    let place = batch.iter().position(|name| name == series)?;
    batch[place + 1].parse().ok()
}

#[test]
fn what_was_counted_goes_to_redis_once_after_ten_seconds() {
    let world = World::with(&[TOKEN]);
    for _ in 0..3 {
        world.visit("/app/x");
    }
    world.send("GET", "/app/x", &[IP]);
    world.send("PROPFIND", "/public/x", &[IP]);
    world.send("GET", "/nowhere", &[IP]);
    let asked = world.redis_calls();
    assert!(added(&world).is_empty(), "not while somebody waits");
    world.run_tasks();
    assert_eq!(world.host.slept(), [Duration::from_secs(10)]);
    assert_eq!(world.redis_calls(), asked + 1);
    let batch = &added(&world)[0];
    assert_eq!(batch[0], "1", "the first");
    for (series, count) in [
        (
            r#"authflow_requests_total{service="verify",route="app",method="GET",status="299"}"#,
            3,
        ),
        (
            r#"authflow_requests_total{service="verify",route="app",method="GET",status="401"}"#,
            1,
        ),
        (
            r#"authflow_requests_total{service="verify",route="none",method="GET",status="404"}"#,
            1,
        ),
        (
            r#"authflow_request_duration_seconds_count{service="verify",route="app"}"#,
            4,
        ),
        (
            r#"authflow_decisions_total{outcome="forward",reason="session"}"#,
            3,
        ),
        (
            r#"authflow_decisions_total{outcome="refuse",reason="no_session"}"#,
            1,
        ),
        (
            r#"authflow_decisions_total{outcome="refuse",reason="not_found"}"#,
            1,
        ),
        (
            r#"authflow_dependency_requests_total{dependency="redis",result="ok"}"#,
            3,
        ),
        (
            r#"authflow_dependency_requests_total{dependency="http://origin.test",result="ok"}"#,
            4,
        ),
        (
            r#"authflow_dependency_duration_seconds_count{dependency="redis"}"#,
            3,
        ),
    ] {
        assert_eq!(growth(batch, series), Some(count), "{series} in {batch:?}");
    }
}

#[test]
fn a_batch_whose_answer_was_lost_is_sent_again_under_its_number() {
    let world = World::with(&[TOKEN]);
    world.send("GET", "/nowhere", &[IP]);
    world.host.break_next(Breakage::After(CallError::Timeout));
    world.run_tasks();
    world.send("GET", "/nowhere", &[IP]);
    world.run_tasks();
    let batches = added(&world);
    assert_eq!(batches.len(), 4);
    assert_eq!(batches[0], batches[1], "the same, to the number");
    let numbers: Vec<_> = batches[1..].iter().map(|batch| batch[0].as_str()).collect();
    assert_eq!(numbers, ["1", "2", "3"]);
    let isolates: Vec<_> = world
        .host
        .calls()
        .into_iter()
        .filter_map(|call| call.body)
        .collect();
    assert!(
        isolates
            .iter()
            .all(|body| body.contains("metrics:{verify}:isolate:"))
    );
}

#[test]
fn nobody_may_read_what_is_counted_without_the_token() {
    let world = World::with(&[TOKEN]);
    for wrong in [
        "",
        "Bearer",
        "Bearer for-prometheu",
        "Bearer for-prometheus2",
        "Basic for-prometheus",
    ] {
        let seen = world.send("GET", "/metrics", &[IP, ("authorization", wrong)]);
        assert_eq!(
            (seen.status, seen.code().as_str()),
            (404, "not_found"),
            "{wrong}"
        );
    }
    assert_eq!(world.send("GET", "/metrics", &[IP]).status, 404);
    assert_eq!(world.send("POST", "/metrics", &[IP]).status, 404);
    assert_eq!(world.send("POST", "/metrics", &[IP, READS]).status, 405);
    assert_eq!(world.redis_calls(), 0);
    let world = World::new();
    assert_eq!(
        world.send("GET", "/metrics", &[IP, READS]).status,
        404,
        "no token is set"
    );
}

#[test]
fn a_page_has_what_this_isolate_counted_a_moment_ago() {
    let world = World::with(&[TOKEN]);
    world.send("GET", "/nowhere", &[IP]);
    let seen = world.send("GET", "/metrics", &[IP, READS]);
    assert_eq!(seen.status, 200);
    let media_type = seen.header("content-type").unwrap();
    assert_eq!(media_type, "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(seen.header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(added(&world).len(), 1, "told before it asks");
    assert!(
        seen.body.contains("authflow_sessions_active 3\n"),
        "{}",
        seen.body
    );
    assert_eq!(world.log()["route"], "metrics");
}

#[test]
fn without_redis_the_page_tells_of_its_breaker_and_no_counts() {
    let world = World::with(&[TOKEN, ("BREAKER_FAILURES", "1")]);
    world.host.break_next(Breakage::Before(CallError::Timeout));
    world.host.break_next(Breakage::Before(CallError::Timeout));
    world.visit("/app/x");
    let seen = world.send("GET", "/metrics", &[IP, READS]);
    assert_eq!(seen.status, 200);
    assert!(
        seen.body.contains("authflow_metrics_store_up 0\n"),
        "{}",
        seen.body
    );
    assert!(
        seen.body
            .contains("authflow_breaker_state{dependency=\"redis\"} 2\n")
    );
    assert!(!seen.body.contains("_total"));
}

#[test]
fn where_nobody_can_read_it_nothing_is_counted() {
    let world = World::new();
    world.visit("/app/x");
    world.run_tasks();
    assert_eq!(world.redis_calls(), 1, "the session");
    assert!(world.host.slept().is_empty());
}
