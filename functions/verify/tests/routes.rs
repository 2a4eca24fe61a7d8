//! What routes ask for, over whole requests.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

#[expect(dead_code, reason = "this file uses a part of it")]
mod world;

use std::time::Duration;

use authflow_shared::host::CallError;

use crate::world::{AGENT, FORWARDED, IP, World};

const SPA: (&str, &str) = ("origin", "https://spa.test");

fn world(fields: &str) -> World {
    let route =
        format!(r#"[{{"id":"app","path":"/app/*","upstream":"http://origin.test",{fields}}}]"#);
    World::with(&[("ROUTES", &route)])
}

#[test]
fn a_preflight_is_answered_here_and_asks_for_no_session() {
    let world = world(r#""cors":["https://spa.test"]"#);
    let preflight = |origin| {
        world.send(
            "OPTIONS",
            "/app/x",
            &[
                IP,
                ("origin", origin),
                ("access-control-request-method", "PUT"),
                ("access-control-request-headers", "x-a, content-type"),
            ],
        )
    };
    let seen = preflight(SPA.1);
    assert_eq!(seen.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", SPA.1),
        ("access-control-allow-credentials", "true"),
        (
            "access-control-allow-methods",
            "GET, HEAD, POST, PUT, PATCH, DELETE",
        ),
        ("access-control-allow-headers", "x-a, content-type"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(seen.header(name).as_deref(), Some(value), "{name}");
    }
    for other in ["https://spa.test.evil", "null", "https://SPA.test"] {
        assert_eq!(
            preflight(other).header("access-control-allow-origin"),
            None,
            "{other}"
        );
    }
    assert!(world.host.plans().is_empty());
}

#[test]
fn a_preflight_needs_a_session_where_the_route_does_not_speak_of_it() {
    let seen = World::new().send(
        "OPTIONS",
        "/app/x",
        &[IP, SPA, ("access-control-request-method", "PUT")],
    );
    assert_eq!((seen.status, seen.code().as_str()), (401, "no_session"));
}

#[test]
fn a_refusal_can_be_read_by_the_origins_that_the_route_names() {
    let world = world(r#""cors":{"origins":["https://spa.test"],"expose":["x-request-id"]}"#);
    let seen = world.send("GET", "/app/x", &[IP, SPA]);
    assert_eq!(seen.status, 401);
    assert_eq!(
        seen.header("access-control-allow-origin").as_deref(),
        Some(SPA.1)
    );
    assert_eq!(
        seen.header("access-control-expose-headers").as_deref(),
        Some("x-request-id")
    );
    let varies: Vec<_> = seen
        .headers
        .iter()
        .filter(|(name, _)| name == "vary")
        .collect();
    assert!(
        varies.iter().any(|(_, value)| value == "Origin"),
        "{varies:?}"
    );
    let seen = world.send("GET", "/app/x", &[IP, ("origin", "https://evil.test")]);
    assert_eq!(seen.header("access-control-allow-origin"), None);
}

#[test]
fn nothing_of_an_origins_own_words_on_cross_origin_use_passes() {
    let world =
        world(r#""access":"public","cors":{"origins":["https://spa.test"],"credentials":false}"#);
    let words = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "x-secret"),
        ("cloudflare-cdn-cache-control", "public"),
    ];
    *world.origin_headers.borrow_mut() = words
        .map(|(name, value)| (name.into(), value.into()))
        .into();
    let seen = world.send("GET", "/app/x", &[IP, SPA]);
    assert_eq!(seen.header(words[0].0).as_deref(), Some(SPA.1));
    assert_eq!(seen.header(words[1].0), None);
    assert_eq!(seen.header(words[2].0), None);
    assert!(
        seen.header(words[3].0).is_some(),
        "a public answer may be shared"
    );
}

#[test]
fn every_origin_may_use_a_route_without_credentials_alone() {
    let world = world(r#""access":"public","cors":["*"]"#);
    let seen = world.send("GET", "/app/x", &[IP, SPA]);
    assert_eq!(
        seen.header("access-control-allow-origin").as_deref(),
        Some("*")
    );
    assert_eq!(seen.header("access-control-allow-credentials"), None);
}

#[test]
fn a_body_longer_than_the_route_takes_is_refused_before_anybody_is_asked() {
    let world = world(r#""max_body_bytes":10"#);
    let cookie = world.cookie();
    let post = |length: (&str, &str)| {
        world.send("POST", "/app/x", &[IP, AGENT, ("cookie", &cookie), length])
    };
    for length in ["11", "99999999999999999999999", "-1", "x"] {
        let seen = post(("content-length", length));
        assert_eq!(
            (seen.status, seen.code().as_str()),
            (413, "payload_too_large"),
            "{length}"
        );
    }
    assert_eq!(world.redis_calls(), 0);
    assert_eq!(post(("content-length", "10")).status, FORWARDED);
    assert_eq!(
        world.host.plans()[0].body_limit,
        None,
        "its length is known"
    );
    assert_eq!(post(("transfer-encoding", "chunked")).status, FORWARDED);
    assert_eq!(world.host.plans()[1].body_limit, Some(10));
    world.host.break_origin(CallError::TooLarge);
    assert_eq!(post(("transfer-encoding", "chunked")).status, 413);
}

#[test]
fn an_escape_reaches_the_origin_only_where_the_route_allows_it() {
    let world = world(r#""allow_encoded":["%2f"],"strip_prefix":true"#);
    assert_eq!(world.visit("/app/a%2fb").status, FORWARDED);
    assert_eq!(world.host.plans()[0].url, "http://origin.test/a%2Fb");
    for target in [
        "/app/a%5cb",
        "/app/..%2fadmin",
        "/elsewhere%2f",
        "/app/%2fevil.test",
    ] {
        let seen = world.visit(target);
        assert_eq!(
            (seen.status, seen.code().as_str()),
            (400, "ambiguous_request"),
            "{target}"
        );
    }
    assert_eq!(world.host.plans().len(), 1);
}

#[test]
fn a_safe_request_is_sent_again_and_no_other() {
    for (method, header, sent) in [
        ("GET", AGENT, 3),
        ("HEAD", AGENT, 3),
        ("OPTIONS", AGENT, 3),
        ("POST", AGENT, 1),
        ("DELETE", AGENT, 1),
        ("PUT", ("content-length", "3"), 1),
        ("OPTIONS", ("content-length", "3"), 1),
    ] {
        let world = World::new();
        world.host.set_origin(Err(CallError::Connection));
        let seen = world.send(method, "/public/x", &[IP, header]);
        assert_eq!(seen.status, 502);
        assert_eq!(world.host.plans().len(), sent, "{method}");
    }
}

#[test]
fn an_origin_that_is_late_is_not_asked_again() {
    let world = World::new();
    world.host.set_origin(Err(CallError::Timeout));
    assert_eq!(world.send("GET", "/public/x", &[IP]).status, 504);
    assert_eq!(world.host.plans().len(), 1);
}

#[test]
fn retries_stay_within_the_routes_time() {
    let world = world(r#""access":"public","timeout_ms":1000"#);
    world.host.break_origin(CallError::Connection);
    assert_eq!(world.send("GET", "/app/x", &[IP]).status, FORWARDED);
    let (plans, slept) = (world.host.plans(), world.host.slept());
    assert_eq!(plans[0].timeout, Duration::from_secs(1));
    let whole = plans[1].timeout.as_millis() + slept[0].as_millis();
    assert!((999..=1000).contains(&whole), "{whole}");
}

#[test]
fn several_origins_take_turns_and_stand_in_for_each_other() {
    let world = World::with(&[(
        "ROUTES",
        r#"[{"id":"app","path":"/app/*","access":"public",
             "upstream":["http://a.test","http://b.test/base"]}]"#,
    )]);
    let send = || world.send("GET", "/app/x", &[IP]).status;
    assert_eq!((send(), send()), (FORWARDED, FORWARDED));
    world.host.break_origin(CallError::Connection);
    assert_eq!(send(), FORWARDED);
    let urls: Vec<_> = world
        .host
        .plans()
        .into_iter()
        .map(|plan| plan.url)
        .collect();
    assert_eq!(
        urls,
        [
            "http://a.test/app/x",
            "http://b.test/base/app/x",
            "http://a.test/app/x",
            "http://b.test/base/app/x",
        ]
    );
    assert!(
        world.host.slept().is_empty(),
        "another origin need not be waited for"
    );
}

#[test]
fn a_reserved_header_passes_where_the_route_keeps_it() {
    let world = world(r#""access":"public","keep_headers":["X-Original-URL"]"#);
    world.send(
        "GET",
        "/app/x",
        &[
            IP,
            ("x-original-url", "/a"),
            ("x_original_url", "/b"),
            ("x-rewrite-url", "/c"),
        ],
    );
    let remove = &world.host.plans()[0].remove;
    assert!(!remove.contains(&"x-original-url".to_owned()), "{remove:?}");
    assert!(remove.contains(&"x_original_url".to_owned()), "{remove:?}");
    assert!(remove.contains(&"x-rewrite-url".to_owned()), "{remove:?}");
}
