//! Whole requests through the gateway, over a made-up Redis and origin.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod world;

use std::time::Duration;

use authflow_shared::host::{CallError, fake::Breakage, origin::OriginHead};
use futures_executor::block_on;

use crate::world::{AGENT, FORWARDED, ID, IP, Seen, USER, World};

#[test]
fn a_valid_session_reaches_the_origin_with_one_redis_command() {
    let world = World::new();
    let seen = world.visit("/app/hello?a=b");
    assert_eq!(seen.status, FORWARDED, "{}", seen.body);
    let [plan] = &world.host.plans()[..] else {
        panic!("not one request to the origin")
    };
    assert_eq!(plan.url, "http://origin.test/app/hello?a=b");
    assert!(plan.set.contains(&("x-user-id", USER.into())));
    assert!(plan.remove.contains(&"cookie".to_owned()));
    assert_eq!(world.redis_calls(), 1);
}

#[test]
fn a_bearer_token_is_as_good_as_the_cookie_and_stays_here() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.token);
    world.send("GET", "/app/", &[IP, AGENT, ("authorization", &bearer)]);
    assert!(
        world.host.plans()[0]
            .remove
            .contains(&"authorization".to_owned())
    );
}

#[test]
fn a_public_route_asks_redis_nothing_and_tells_the_origin_nothing() {
    let world = World::new();
    assert_eq!(world.visit("/public/x").status, FORWARDED);
    assert_eq!(world.redis_calls(), 0);
    assert!(
        world.host.plans()[0]
            .set
            .iter()
            .all(|(name, _)| !name.starts_with("x-user"))
    );
}

#[test]
fn without_a_token_a_program_gets_401_and_a_browser_the_sign_in_page() {
    let world = World::with(&[("AUTH_URL", "https://auth.test")]);
    let seen = world.send("GET", "/app/", &[IP]);
    assert_eq!((seen.status, seen.code().as_str()), (401, "no_session"));
    let seen = world.send("GET", "/app/", &[IP, ("sec-fetch-mode", "navigate")]);
    assert_eq!(seen.status, 302);
    assert!(
        seen.header("location")
            .unwrap()
            .starts_with("https://auth.test/auth/signin?next=")
    );
    assert_eq!(world.redis_calls(), 0);
    assert!(world.host.plans().is_empty());
}

#[test]
fn a_forged_token_is_refused_without_a_call_to_redis() {
    let world = World::new();
    for token in [
        format!("{ID}.AAAAAAAAAAAAAAAAAAAAAA"),
        "garbage".into(),
        String::new(),
    ] {
        let seen = world.send(
            "GET",
            "/app/",
            &[IP, AGENT, ("cookie", &format!("__Host-authflow={token}"))],
        );
        assert_eq!(
            (seen.status, seen.code().as_str()),
            (401, "session_invalid"),
            "{token}"
        );
        assert_eq!(seen.header("set-cookie"), None);
    }
    assert_eq!(world.redis_calls(), 0);
}

#[test]
fn an_ended_session_is_refused_and_its_cookie_cleared() {
    let world = World::new();
    world.redis.borrow_mut().clear();
    let seen = world.visit("/app/");
    assert_eq!(
        (seen.status, seen.code().as_str()),
        (401, "session_expired")
    );
    assert!(
        seen.header("set-cookie")
            .unwrap()
            .starts_with("__Host-authflow=; ")
    );
}

#[test]
fn another_device_is_refused_and_the_owner_stays_signed_in() {
    let world = World::new();
    let cookie = world.cookie();
    let elsewhere = ("cf-connecting-ip", "198.51.100.7");
    for headers in [
        [IP, ("user-agent", "Chrome"), ("cookie", &cookie)],
        [elsewhere, AGENT, ("cookie", &cookie)],
    ] {
        let seen = world.send("GET", "/app/", &headers);
        assert_eq!(
            (seen.status, seen.code().as_str()),
            (401, "device_mismatch")
        );
        assert_eq!(seen.header("set-cookie"), None);
    }
    assert_eq!(world.visit("/app/").status, FORWARDED);
}

#[test]
fn no_failure_of_redis_lets_anybody_in_or_signs_anybody_out() {
    for breakage in [
        Breakage::Before(CallError::Timeout),
        Breakage::Before(CallError::Connection),
        Breakage::After(CallError::Timeout),
    ] {
        let world = World::new();
        // What is not late is asked for twice more.
        (0..3).for_each(|_| world.host.break_next(breakage));
        let seen = world.visit("/app/");
        assert_eq!(
            (seen.status, seen.code().as_str()),
            (503, "store_unavailable")
        );
        assert_eq!(seen.header("set-cookie"), None);
        assert!(seen.header("retry-after").is_some());
        assert!(world.host.plans().is_empty());
    }
    let world = World::new();
    let key = format!("session:{ID}");
    for garbage in ["", "{}", "OK", "null"] {
        world.redis.borrow_mut().insert(key.clone(), garbage.into());
        assert_eq!(
            world.visit("/app/").code(),
            "store_unavailable",
            "{garbage}"
        );
    }
}

#[test]
fn ambiguous_comes_before_not_found_and_not_found_before_no_session() {
    let world = World::new();
    for (target, expected) in [
        ("/nowhere/%2f", 400),
        ("/app/%2f", 400),
        ("/nowhere", 404),
        ("/app", 401),
    ] {
        assert_eq!(
            world.send("GET", target, &[IP]).status,
            expected,
            "{target}"
        );
    }
    let cookie = world.cookie();
    let twice = format!("{cookie}; {cookie}");
    for target in ["/app/", "/public/", "/nowhere", "/health"] {
        let seen = world.send("GET", target, &[IP, AGENT, ("cookie", &twice)]);
        assert_eq!(
            (seen.status, seen.code().as_str()),
            (400, "ambiguous_request"),
            "{target}"
        );
    }
    assert_eq!(world.redis_calls(), 0);
}

#[test]
fn a_request_without_a_readable_address_is_not_let_through() {
    let world = World::new();
    let cookie = world.cookie();
    for headers in [
        vec![AGENT, ("cookie", &cookie)],
        vec![("cf-connecting-ip", "x"), AGENT],
    ] {
        let seen = world.send("GET", "/public/", &headers);
        assert_eq!((seen.status, seen.code().as_str()), (500, "config_invalid"));
    }
    assert!(world.host.plans().is_empty());
}

#[test]
fn the_origins_trouble_is_told_honestly() {
    let world = World::new();
    for (head, status, code) in [
        (Err(CallError::Connection), 502, "upstream_unreachable"),
        (Err(CallError::Timeout), 504, "upstream_timeout"),
        (
            Ok(OriginHead {
                status: 999,
                ..OriginHead::default()
            }),
            502,
            "upstream_invalid",
        ),
    ] {
        world.host.set_origin(head);
        let seen = world.visit("/app/");
        assert_eq!((seen.status, seen.code().as_str()), (status, code));
        assert_eq!(world.log()["outcome"], code);
    }
}

#[test]
fn health_asks_nothing_unless_it_is_asked_whether_it_is_ready() {
    let world = World::new();
    for target in ["/health", "/health/", "/health?x"] {
        let seen = world.send("GET", target, &[IP]);
        assert_eq!(seen.status, 200, "{target}");
        assert!(seen.body.contains(r#""status":"ok""#), "{}", seen.body);
    }
    assert_eq!(world.redis_calls(), 0);
    for target in ["/health?ready", "/health?ready=1", "/health?x&ready"] {
        let asked = world.redis_calls();
        for _ in 0..10 {
            assert_eq!(world.send("GET", target, &[IP]).status, 200);
        }
        assert_eq!(world.redis_calls(), asked + 1, "once a second: {target}");
        world.host.advance(Duration::from_secs(1));
    }
    world.host.break_next(Breakage::Before(CallError::Timeout));
    let seen = world.send("GET", "/health?ready", &[IP]);
    assert_eq!(seen.status, 503);
    assert!(seen.header("retry-after").is_some());
    assert_eq!(world.send("POST", "/health", &[IP]).status, 405);
    assert_eq!(world.send("GET", "/healthy", &[IP]).status, 404);
}

#[test]
fn sign_in_pages_are_at_the_auth_worker_with_path_and_query_kept() {
    let world = World::with(&[("AUTH_URL", "https://auth.test")]);
    let seen = world.send("GET", "/auth/confirm?token_hash=a&next=%2Fb", &[IP]);
    assert_eq!(seen.status, 302);
    let expected = "https://auth.test/auth/confirm?token_hash=a&next=%2Fb";
    assert_eq!(seen.header("location").as_deref(), Some(expected));
    let seen = World::new().send("GET", "/auth/signin", &[IP]);
    assert_eq!(
        seen.code(),
        "config_invalid",
        "a redirect to ourselves would never end"
    );
}

#[test]
fn our_own_paths_are_never_an_origins() {
    let routes = r#"[{"id":"all","path":"/*","upstream":"http://o.test","access":"public"}]"#;
    let world = World::with(&[("ROUTES", routes)]);
    for target in [
        "/metrics",
        "/.well-known/authflow/jwks.json/",
        "/.well-known/authflow",
        "/api/v1/simple_auth/signin",
    ] {
        assert_eq!(world.send("GET", target, &[IP]).status, 404, "{target}");
    }
    assert_eq!(world.send("GET", "/authors", &[IP]).status, FORWARDED);
}

#[test]
fn a_host_that_is_not_ours_is_misdirected() {
    let world = World::with(&[("PUBLIC_HOSTS", "www.test,app.test")]);
    assert_eq!(world.visit("/app/").status, FORWARDED);
    let world = World::with(&[("PUBLIC_HOSTS", "www.test")]);
    let seen = world.visit("/public/");
    assert_eq!(
        (seen.status, seen.code().as_str()),
        (421, "misdirected_request")
    );
}

#[test]
fn methods_the_route_does_not_take_are_refused_with_those_it_does() {
    let routes = r#"[{"id":"a","path":"/a","upstream":"http://o.test","access":"public","methods":["GET","PUT"]}]"#;
    let world = World::with(&[("ROUTES", routes)]);
    let seen = world.send("POST", "/a", &[IP]);
    assert_eq!(
        (seen.status, seen.header("allow").as_deref()),
        (405, Some("GET, PUT"))
    );
    assert_eq!(world.send("TRACE", "/a", &[IP]).status, 405);
    assert_eq!(world.send("PUT", "/a", &[IP]).status, FORWARDED);
}

#[test]
fn head_gets_no_body() {
    let seen = World::new().send("HEAD", "/nowhere", &[IP]);
    assert_eq!((seen.status, seen.body.as_str()), (404, ""));
}

#[test]
fn a_session_in_use_is_renewed_after_the_response_and_not_with_every_request() {
    let world = World::new();
    world.visit("/app/");
    assert!(world.host.next_task().is_none(), "it has just begun");
    world.host.advance(Duration::from_mins(11));
    world.visit("/app/");
    world.visit("/app/");
    block_on(world.host.next_task().expect("a renewal"));
    let body = world.host.calls().pop().unwrap().body.unwrap();
    assert!(
        body.contains(&format!(r#""4","session:{ID}","#)) && body.contains(r#""3600","7200","#),
        "{body}"
    );
    assert!(world.host.next_task().is_none());
}

#[test]
fn a_renewal_that_failed_is_logged_and_tried_again() {
    let world = World::new();
    world.host.advance(Duration::from_mins(11));
    world.visit("/app/");
    world.host.break_next(Breakage::Before(CallError::Timeout));
    world.run_tasks();
    assert_eq!(world.log()["msg"], "renewal_failed");
    world.visit("/app/");
    assert!(world.host.next_task().is_some());
}

#[test]
fn the_log_tells_who_and_what_but_nothing_secret() {
    let world = World::new();
    let cookie = world.cookie();
    let headers = [
        IP,
        AGENT,
        ("cookie", cookie.as_str()),
        ("x-request-id", "theirs"),
    ];
    world.send("GET", "/app/hello?token=hunter2", &headers);
    let line = world.log();
    for (name, value) in [
        ("level", "info"),
        ("msg", "request"),
        ("service", "verify"),
        ("route", "app"),
        ("method", "GET"),
        ("path", "/app/hello"),
        ("outcome", "forwarded"),
        ("user_id", USER),
        ("client_request_id", "theirs"),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    assert_eq!(line["status"], FORWARDED);
    assert_eq!(line["session"].as_str().unwrap().len(), 8);
    let text = line.to_string();
    for secret in ["hunter2", &world.token, ID, "ada@example.test"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn the_answer_of_an_origin_carries_our_request_id() {
    let world = World::new();
    let cache_control = "public, max-age=60".to_owned();
    world.host.set_origin(Ok(OriginHead {
        status: 200,
        cache_control,
        ..OriginHead::default()
    }));
    let seen = world.visit("/app/");
    assert_eq!(
        seen.header("x-request-id"),
        world.log()["request_id"].as_str().map(str::to_owned)
    );
    assert_eq!(
        seen.header("cache-control").as_deref(),
        Some("private, max-age=60")
    );
}

#[test]
fn each_answer_tells_how_long_its_parts_took_where_that_is_wanted() {
    let world = World::with(&[("SERVER_TIMING", "1")]);
    let timing = |seen: Seen| seen.header("server-timing").unwrap();
    assert_eq!(
        timing(world.visit("/app/x")),
        r#"session;desc="redis";dur=0, decision;desc="session";dur=0, origin;dur=0, total;dur=0"#
    );
    assert_eq!(
        timing(world.send("GET", "/app/x", &[IP])),
        r#"decision;desc="no_session";dur=0, total;dur=0"#
    );
    let world = World::new();
    assert_eq!(world.visit("/app/x").header("server-timing"), None);
}

#[test]
fn headers_beyond_any_honest_clients_are_refused_before_they_are_read() {
    let world = World::new();
    let names: Vec<_> = (0..250).map(|number| format!("x-{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    let long = "a".repeat(65_537);
    let connection = "a,".repeat(40);
    for headers in [
        &[&[IP], &many[..]].concat(),
        &vec![IP, ("x-long", long.as_str())],
        &vec![IP, ("connection", connection.as_str())],
    ] {
        let seen = world.send("GET", "/public/x", headers);
        assert_eq!(
            (seen.status, seen.code().as_str()),
            (431, "headers_too_large")
        );
    }
    let headers: Vec<_> = [&[IP], &many[..150]].concat();
    assert_eq!(world.send("GET", "/public/x", &headers).status, FORWARDED);
}

#[test]
fn a_get_that_says_its_body_is_empty_has_none() {
    let world = World::new();
    let seen = world.send("GET", "/public/x", &[IP, ("content-length", "0")]);
    assert_eq!(seen.status, FORWARDED);
    assert!(!world.host.plans()[0].has_body);
}

#[test]
fn a_session_is_asked_for_once_while_it_is_remembered_and_everything_else_each_time() {
    let world = World::with(&[("SESSION_CACHE_MS", "2000"), ("SERVER_TIMING", "1")]);
    assert_eq!(world.visit("/app/x").status, FORWARDED);
    let seen = world.visit("/app/x");
    let timing = seen.header("server-timing").unwrap();
    assert!(timing.starts_with(r#"session;desc="memory""#), "{timing}");
    assert_eq!(world.redis_calls(), 1);
    let elsewhere = [("cf-connecting-ip", "198.51.100.7"), AGENT];
    let cookie = world.cookie();
    let seen = world.send(
        "GET",
        "/app/x",
        &[&elsewhere[..], &[("cookie", &cookie)]].concat(),
    );
    assert_eq!(seen.code(), "device_mismatch");
    world.redis.borrow_mut().clear();
    world.host.advance(Duration::from_millis(1999));
    assert_eq!(world.visit("/app/x").status, FORWARDED);
    world.host.advance(Duration::from_millis(1));
    assert_eq!(world.visit("/app/x").code(), "session_expired");
}

#[test]
fn the_log_says_where_a_session_came_from_and_how_old_that_was() {
    let world = World::with(&[("SESSION_CACHE_MS", "2000")]);
    world.visit("/app/x");
    let line = world.log();
    assert_eq!(line["session_source"], "redis");
    assert!(line.get("session_age_ms").is_none());
    world.host.forget();
    world.host.advance(Duration::from_millis(1500));
    world.visit("/app/x");
    let line = world.log();
    assert_eq!(line["session_source"], "memory");
    assert_eq!(line["session_age_ms"], 1500);
    world.host.forget();
    world.visit("/public/x");
    assert!(world.log().get("session_source").is_none());
}
