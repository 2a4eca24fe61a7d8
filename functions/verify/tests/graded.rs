//! `FINGERPRINT_MODE=graded`: a device may drift in one factor, and takes its session along.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

#[expect(dead_code, reason = "this file uses a part of it")]
mod world;

use std::time::Duration;

use authflow_shared::{
    host::{CallError, fake::Breakage},
    session::{SessionId, SessionRecord, keys, record::REBINDING_SECONDS},
};

use crate::world::{AGENT, FORWARDED, ID, IP, NOW, Seen, USER, World};

type Headers<'a> = &'a [(&'a str, &'a str)];

const GERMAN: (&str, &str) = ("accept-language", "de");
const ELSEWHERE: (&str, &str) = ("cf-connecting-ip", "198.51.100.9");
const UPDATED: (&str, &str) = ("user-agent", "Firefox 2");

fn graded(changes: &[(&str, &str)]) -> World {
    World::with(&[&[("FINGERPRINT_MODE", "graded")], changes].concat())
}

fn visit(world: &World, device: Headers<'_>) -> Seen {
    let cookie = world.cookie();
    let headers = [device, &[("cookie", cookie.as_str())]].concat();
    world.send("GET", "/app/x", &headers)
}

fn key() -> String {
    keys::session(&SessionId::parse(ID).unwrap())
}

fn text(world: &World) -> Option<String> {
    world.redis.borrow().get(&key()).cloned()
}

fn record(world: &World) -> SessionRecord {
    SessionRecord::from_json(&text(world).unwrap()).unwrap()
}

#[track_caller]
fn is_refused(world: &World, device: Headers<'_>) {
    let seen = visit(world, device);
    assert_eq!(
        (seen.status, seen.code().as_str()),
        (401, "device_mismatch")
    );
    assert_eq!(seen.header("set-cookie"), None);
}

#[test]
fn a_device_that_drifts_in_one_factor_passes_and_is_bound_anew() {
    for (device, factor) in [
        ([IP, AGENT, GERMAN].as_slice(), "language"),
        (&[ELSEWHERE, AGENT], "ip"),
        (&[IP, UPDATED], "user_agent"),
        (&[IP, AGENT, ("sec-ch-ua-mobile", "?0")], "client_hints"),
    ] {
        let world = graded(&[]);
        let before = record(&world);
        assert_eq!(visit(&world, device).status, FORWARDED);
        assert_eq!(world.log()["drift"], factor);
        let audit = world
            .host
            .lines()
            .into_iter()
            .find(|line| line.contains("audit"));
        let audit: serde_json::Value = serde_json::from_str(&audit.unwrap()).unwrap();
        assert_eq!(audit["event"], "device_drift");
        assert_eq!(audit["drift"], factor);
        assert_eq!(audit["user_id"], USER);
        assert_eq!(audit["request_id"], world.log()["request_id"]);
        assert_eq!(record(&world), before, "not before the response");

        world.run_tasks();
        let after = record(&world);
        assert_ne!(after.device_fingerprint, before.device_fingerprint);
        assert_eq!(after.rebound_at, Some(NOW.seconds()));
        assert_eq!(after.user_id, before.user_id);
        assert_eq!(visit(&world, device).status, FORWARDED);
        assert_eq!(
            world.log().get("drift"),
            None,
            "it is the session's device now"
        );
    }
}

#[test]
fn a_device_that_differs_in_two_is_another_and_the_session_stays() {
    let world = graded(&[]);
    let before = text(&world);
    is_refused(&world, &[ELSEWHERE, UPDATED]);
    is_refused(&world, &[ELSEWHERE, AGENT, GERMAN]);
    is_refused(&world, &[ELSEWHERE]);
    world.run_tasks();
    assert_eq!(text(&world), before);
    assert_eq!(world.visit("/app/x").status, FORWARDED);
}

#[test]
fn in_strict_mode_nothing_drifts() {
    let world = World::new();
    is_refused(&world, &[ELSEWHERE, AGENT]);
    is_refused(&world, &[IP, AGENT, GERMAN]);
    assert_eq!(world.log().get("drift"), None);
    assert!(world.host.next_task().is_none());
}

#[test]
fn a_session_of_one_factor_does_not_drift() {
    for factors in ["ip", "ip,client_hints"] {
        let world = graded(&[("FINGERPRINT_FACTORS", factors)]);
        assert_eq!(visit(&world, &[IP, UPDATED]).status, FORWARDED);
        is_refused(&world, &[ELSEWHERE, AGENT]);
    }
}

#[test]
fn a_session_is_not_walked_along_faster_than_once_in_a_while() {
    let world = graded(&[]);
    visit(&world, &[ELSEWHERE, AGENT]);
    world.run_tasks();
    let bound = record(&world);
    let second: Headers<'_> = &[ELSEWHERE, UPDATED];
    world
        .host
        .advance(Duration::from_secs(REBINDING_SECONDS - 1));
    assert_eq!(visit(&world, second).status, FORWARDED);
    world.run_tasks();
    assert_eq!(record(&world), bound, "it passes and is not bound");
    is_refused(&world, &[ELSEWHERE, UPDATED, GERMAN]);
    is_refused(&world, &[IP, UPDATED]);

    world.host.advance(Duration::from_secs(1));
    assert_eq!(visit(&world, second).status, FORWARDED);
    world.run_tasks();
    assert_ne!(record(&world).device_fingerprint, bound.device_fingerprint);
    is_refused(&world, &[IP, AGENT]);
}

#[test]
fn a_session_that_ended_meanwhile_does_not_come_back() {
    let world = graded(&[]);
    visit(&world, &[ELSEWHERE, AGENT]);
    world.redis.borrow_mut().remove(&key());
    world.run_tasks();
    assert_eq!(text(&world), None);
}

#[test]
fn what_changed_meanwhile_is_not_lost() {
    let world = graded(&[]);
    visit(&world, &[ELSEWHERE, AGENT]);
    visit(&world, &[IP, AGENT, GERMAN]);
    let renamed = text(&world).unwrap().replace("ada@", "augusta@");
    world.redis.borrow_mut().insert(key(), renamed);
    world.run_tasks();
    let after = record(&world);
    assert_eq!(after.email, "augusta@example.test");
    assert_eq!(visit(&world, &[ELSEWHERE, AGENT]).status, FORWARDED);
    assert_eq!(world.log().get("drift"), None, "the first binding counts");
}

#[test]
fn a_session_that_was_bound_anew_is_not_remembered_as_it_was() {
    let world = graded(&[("SESSION_CACHE_MS", "5000")]);
    let device: Headers<'_> = &[ELSEWHERE, AGENT];
    visit(&world, device);
    world.run_tasks();
    visit(&world, device);
    assert_eq!(world.log()["session_source"], "redis");
    assert_eq!(world.log().get("drift"), None);
    visit(&world, device);
    assert_eq!(world.log()["session_source"], "memory");
}

#[test]
fn while_redis_is_away_a_device_that_drifted_passes_and_that_is_told() {
    for breakage in [
        Breakage::Before(CallError::Timeout),
        Breakage::After(CallError::Connection),
    ] {
        let world = graded(&[]);
        world.host.pass_next();
        world.host.break_next(breakage);
        assert_eq!(visit(&world, &[ELSEWHERE, AGENT]).status, FORWARDED);
        world.run_tasks();
        assert_eq!(world.log()["msg"], "rebinding_failed");
        assert_eq!(visit(&world, &[ELSEWHERE, AGENT]).status, FORWARDED);
    }
}

#[test]
fn a_websocket_without_hints_has_no_factor_left_to_drift() {
    let hints = ("sec-ch-ua-mobile", "?0");
    let world = graded(&[]);
    visit(&world, &[IP, AGENT, hints]);
    world.run_tasks();
    let upgrade = ("upgrade", "websocket");
    assert_eq!(visit(&world, &[IP, AGENT, upgrade]).status, FORWARDED);
    assert_eq!(world.log().get("drift"), None);
    is_refused(&world, &[ELSEWHERE, AGENT, upgrade]);
    assert!(world.host.next_task().is_none());
}

#[test]
fn no_header_gives_a_session_a_limit_of_its_own() {
    for exact in [true, false] {
        let routes = format!(
            r#"[{{"id":"app","path":"/app/*","upstream":"http://origin.test",
                "rate_limit":{{"requests":2,"seconds":60,"by":"session","exact":{exact}}}}}]"#
        );
        let world = graded(&[("ROUTES", &routes)]);
        let statuses = ["de", "fr", "it"]
            .map(|language| visit(&world, &[IP, AGENT, ("accept-language", language)]).status);
        assert_eq!(statuses, [FORWARDED, FORWARDED, 429]);
    }
}
