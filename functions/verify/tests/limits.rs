//! How often clients may come, over whole requests.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

#[expect(dead_code, reason = "this file uses a part of it")]
mod world;

use std::time::Duration;

use authflow_shared::host::{CallError, fake::Breakage};

use crate::world::{AGENT, FORWARDED, IP, Seen, World};

fn world(limit: &str) -> World {
    let routes = format!(
        r#"[{{"id":"app","path":"/app/*","upstream":"http://origin.test","rate_limit":{limit}}},
            {{"id":"open","path":"/open/*","upstream":"http://origin.test","access":"public",
              "rate_limit":{limit}}}]"#
    );
    World::with(&[("ROUTES", &routes)])
}

fn from(address: &str) -> (&'static str, &str) {
    ("cf-connecting-ip", address)
}

#[track_caller]
fn is_limited(seen: &Seen) {
    assert_eq!((seen.status, seen.code().as_str()), (429, "rate_limited"));
    let seconds: u64 = seen.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=61).contains(&seconds), "{seconds}");
}

#[test]
fn an_address_has_a_limit_of_its_own_on_all_routes_together() {
    let world = World::with(&[("GATEWAY_LIMIT", "3")]);
    let send = |target, ip| world.send("GET", target, &[from(ip)]);
    assert_eq!(send("/public/x", "192.0.2.1").status, FORWARDED);
    assert_eq!(send("/app/x", "192.0.2.1").status, 401);
    assert_eq!(send("/nowhere", "192.0.2.1").status, 404);
    for target in ["/public/x", "/app/x", "/nowhere"] {
        is_limited(&send(target, "192.0.2.1"));
    }
    assert_eq!(send("/public/x", "192.0.2.2").status, FORWARDED);
    world.host.advance(Duration::from_mins(2));
    assert_eq!(send("/public/x", "192.0.2.1").status, FORWARDED);
}

#[test]
fn every_address_of_a_slash_64_shares_one_limit() {
    let world = World::with(&[("GATEWAY_LIMIT", "2")]);
    let send = |ip| world.send("GET", "/public/x", &[from(ip)]);
    assert_eq!(send("2001:db8::1").status, FORWARDED);
    assert_eq!(send("2001:DB8:0:0:1:2:3:4").status, FORWARDED);
    is_limited(&send("2001:db8::ffff"));
    assert_eq!(send("2001:db8:0:1::1").status, FORWARDED);
    assert_eq!(send("::ffff:192.0.2.1").status, FORWARDED);
    assert_eq!(send("192.0.2.1").status, FORWARDED);
    is_limited(&send("::ffff:c000:201"));
}

#[test]
fn probes_and_ambiguous_requests_are_not_counted() {
    let world = World::with(&[("GATEWAY_LIMIT", "1")]);
    for target in ["/health", "/.well-known/authflow/jwks.json", "/public//x"] {
        for _ in 0..3 {
            assert_ne!(world.send("GET", target, &[IP]).status, 429, "{target}");
        }
    }
    assert_eq!(world.send("GET", "/public/x", &[IP]).status, FORWARDED);
}

#[test]
fn a_probe_that_asks_redis_is_counted() {
    let world = World::with(&[("GATEWAY_LIMIT", "2")]);
    let probe = || {
        world.host.advance(Duration::from_secs(1));
        world.send("GET", "/health?ready", &[IP])
    };
    assert_eq!((probe().status, probe().status), (200, 200));
    is_limited(&probe());
    assert_eq!(world.redis_calls(), 2);
}

#[test]
fn zero_is_no_limit() {
    let world = World::with(&[("GATEWAY_LIMIT", "0")]);
    for _ in 0..10_000 {
        assert_eq!(world.send("GET", "/public/x", &[IP]).status, FORWARDED);
    }
}

#[test]
fn the_platforms_limiter_is_asked_where_one_is_named_and_its_no_counts() {
    let world = World::with(&[("GATEWAY_LIMIT_BINDING", "EDGE")]);
    let send = || world.send("GET", "/public/x", &[IP]);
    assert_eq!(send().status, FORWARDED);
    let asked = world.host.asked_limiter();
    assert_eq!(
        (&*asked[0].limiter, asked[0].key.as_str()),
        ("EDGE", "address:192.0.2.1")
    );
    world.host.set_admits(Ok(false));
    is_limited(&send());
}

#[test]
fn while_the_platforms_limiter_is_away_the_isolates_count_holds() {
    let world = World::with(&[("GATEWAY_LIMIT_BINDING", "EDGE"), ("GATEWAY_LIMIT", "2")]);
    world.host.set_admits(Err(CallError::Connection));
    let send = || world.send("GET", "/public/x", &[IP]);
    assert_eq!((send().status, send().status), (FORWARDED, FORWARDED));
    is_limited(&send());
}

#[test]
fn a_route_counts_each_session_and_refuses_before_redis_is_asked() {
    let world = world(r#"{"requests":2,"seconds":60}"#);
    assert_eq!(world.visit("/app/x").status, FORWARDED);
    let seen = world.visit("/app/x");
    assert_eq!(
        seen.header("ratelimit").as_deref(),
        Some(r#""route";r=0;t=60"#)
    );
    assert_eq!(
        seen.header("ratelimit-policy").as_deref(),
        Some(r#""route";q=2;w=60"#)
    );
    let before = world.redis_calls();
    is_limited(&world.visit("/app/x"));
    assert_eq!(world.redis_calls(), before);
}

#[test]
fn a_browser_over_the_limit_sees_a_page() {
    let world = world(r#"{"requests":1,"seconds":60,"by":"address"}"#);
    let visit = || world.send("GET", "/open/x", &[IP, ("sec-fetch-mode", "navigate")]);
    assert_eq!(visit().status, FORWARDED);
    let seen = visit();
    assert_eq!(seen.status, 429);
    assert!(seen.header("retry-after").is_some());
    assert!(seen.body.starts_with("<!doctype html>"));
}

#[test]
fn whoever_stole_a_token_cannot_use_up_its_owners_limit() {
    for exact in [true, false] {
        let world = world(&format!(r#"{{"requests":2,"seconds":60,"exact":{exact}}}"#));
        let cookie = world.cookie();
        for _ in 0..5 {
            let thief = [from("198.51.100.9"), ("cookie", cookie.as_str())];
            assert!(matches!(
                world.send("GET", "/app/x", &thief).status,
                401 | 429
            ));
        }
        assert_eq!(world.visit("/app/x").status, FORWARDED);
    }
}

#[test]
fn a_refusal_for_another_reason_says_nothing_of_the_limit() {
    let world = world(r#"{"requests":1,"seconds":60,"exact":true}"#);
    world.visit("/app/x");
    world
        .redis
        .borrow_mut()
        .retain(|key, _| !key.starts_with("session:"));
    let seen = world.visit("/app/x");
    assert_eq!((seen.status, seen.header("retry-after")), (401, None));
    assert_eq!(seen.header("ratelimit"), None);
    world.host.break_next(Breakage::Before(CallError::Timeout));
    let seen = world.visit("/app/x");
    assert_eq!(
        (seen.status, seen.header("retry-after").as_deref()),
        (503, Some("5"))
    );
}

#[test]
fn an_exact_limit_shares_the_sessions_round_trip() {
    let world = world(r#"{"requests":2,"seconds":60,"exact":true}"#);
    assert_eq!(world.visit("/app/x").status, FORWARDED);
    assert_eq!(
        world.redis_calls(),
        2,
        "the script is sent once, as the server did not know it"
    );
    assert_eq!(world.visit("/app/x").status, FORWARDED);
    assert_eq!(world.redis_calls(), 3);
    is_limited(&world.visit("/app/x"));
    assert_eq!(world.redis_calls(), 4);
}

#[test]
fn whoever_has_no_session_learns_that_first_and_costs_redis_nothing() {
    let world = world(r#"{"requests":1,"seconds":60,"exact":true,"by":"address"}"#);
    for _ in 0..3 {
        let seen = world.send("GET", "/app/x", &[IP, AGENT]);
        assert_eq!((seen.status, seen.code().as_str()), (401, "no_session"));
    }
    assert_eq!(world.redis_calls(), 0);
}

#[test]
fn an_exact_limit_of_a_public_route_is_one_round_trip() {
    let world = world(r#"{"requests":2,"seconds":60,"exact":true,"by":"address"}"#);
    let send = || world.send("GET", "/open/x", &[IP]);
    assert_eq!((send().status, send().status), (FORWARDED, FORWARDED));
    is_limited(&send());
    assert_eq!(world.redis_calls(), 4, "and once with the script");
}

#[test]
fn while_redis_is_away_the_isolate_counts_in_its_stead() {
    let world = world(r#"{"requests":2,"seconds":60,"exact":true,"by":"address"}"#);
    let send = || {
        world.host.break_next(Breakage::Before(CallError::Timeout));
        world.send("GET", "/open/x", &[IP])
    };
    assert_eq!((send().status, send().status), (FORWARDED, FORWARDED));
    is_limited(&send());
}
