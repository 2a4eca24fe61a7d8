//! What becomes of browsers that must sign in, while the auth worker answers and while it does not.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

#[expect(dead_code, reason = "this file uses a part of it")]
mod world;

use std::time::Duration;

use authflow_shared::host::{CallError, HttpAnswer};

use crate::world::{AGENT, FORWARDED, IP, Seen, World, page};

const NAVIGATE: (&str, &str) = ("sec-fetch-mode", "navigate");
const ELSEWHERE: (&str, &str) = ("AUTH_URL", "https://auth.test");
const PAGE: &str = "https://auth.test/auth/signin/unavailable";

fn elsewhere() -> World {
    World::with(&[ELSEWHERE])
}

/// A browser that has no session, and opens `target`.
fn open(world: &World, target: &str) -> Seen {
    world.send("GET", target, &[IP, AGENT, NAVIGATE])
}

/// An auth worker that has answered once, and does no longer.
fn gone() -> World {
    let world = elsewhere();
    open(&world, "/app/");
    world.run_tasks();
    world.host.advance(Duration::from_secs(10));
    world.host.set_page(Err(CallError::Connection));
    world
}

#[track_caller]
fn is_plain(seen: &Seen) {
    assert_eq!(seen.status, 503, "{}", seen.body);
    assert!(seen.body.contains("<small>auth_unavailable · "));
    assert_eq!(seen.header("retry-after").as_deref(), Some("10"));
    assert_eq!(seen.header("refresh").as_deref(), Some("10"));
    assert_eq!(seen.header("cache-control").as_deref(), Some("no-store"));
}

#[test]
fn a_browser_goes_to_sign_in_and_the_page_is_kept() {
    let world = elsewhere();
    assert_eq!(open(&world, "/app/").status, 302);
    assert!(world.host.kept().is_empty(), "after the answer");
    world.run_tasks();
    assert_eq!(world.host.kept()[&format!("{PAGE}?")], page().body);
    assert_eq!(world.log()["outcome"], "no_session");
}

#[test]
fn while_sign_in_is_away_the_page_kept_is_shown() {
    let world = gone();
    let seen = open(&world, "/app/x?token=secret");
    assert_eq!(seen.status, 503);
    assert_eq!(seen.body, "<p>10</p>\n<a href=\"\">again</a>\n");
    for (name, value) in [
        ("retry-after", "10"),
        ("refresh", "10"),
        ("cache-control", "no-store"),
        (
            "content-security-policy",
            "default-src 'none', script-src 'none'",
        ),
        ("content-type", "text/html; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(seen.header(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(seen.header("set-cookie"), None);
    assert_eq!(seen.header("location"), None);
    assert_eq!(world.log()["outcome"], "auth_unavailable");
}

#[test]
fn without_a_page_kept_the_gateway_has_its_own() {
    let world = elsewhere();
    world.host.set_page(Err(CallError::Timeout));
    is_plain(&open(&world, "/app/"));
    assert_eq!(world.log()["detail"], "timeout");
    let of_another = format!("{PAGE}?");
    let kept = [(of_another, "p\n<p>no page of ours</p>".to_owned())];
    world.host.set_kept(kept.into());
    is_plain(&open(&world, "/app/"));
}

#[test]
fn whatever_is_not_the_page_is_no_answer() {
    let good = page().body;
    for (status, body) in [
        (500, good.as_str()),
        (302, &good),
        (204, ""),
        (200, ""),
        (200, "p\n<h1>Welcome to nginx</h1>"),
        (200, good.trim_start_matches("default-src 'none'")),
    ] {
        let world = elsewhere();
        let body = body.to_owned();
        world.host.set_page(Ok(HttpAnswer { status, body }));
        is_plain(&open(&world, "/app/"));
        world.run_tasks();
        assert!(world.host.kept().is_empty(), "{status}");
    }
}

#[test]
fn it_is_asked_now_and_then_and_no_oftener() {
    let world = elsewhere();
    let asked_after = |seconds| {
        world.host.advance(Duration::from_secs(seconds));
        open(&world, "/app/");
        world.host.asked_pages().len()
    };
    assert_eq!([asked_after(0), asked_after(9), asked_after(1)], [1, 1, 2]);
    world.host.set_page(Err(CallError::Connection));
    assert_eq!([asked_after(10), asked_after(4), asked_after(1)], [3, 3, 4]);
    world.host.set_page(Ok(page()));
    assert_eq!(open(&world, "/app/").status, 503, "as was heard last");
    world.host.advance(Duration::from_secs(5));
    assert_eq!(open(&world, "/app/").status, 302);
}

#[test]
fn the_question_has_nothing_of_whoever_asks() {
    let world = elsewhere();
    let cookie = format!("{}; theirs=1", world.cookie());
    world.redis.borrow_mut().clear();
    let headers = [
        IP,
        AGENT,
        NAVIGATE,
        ("cookie", cookie.as_str()),
        ("referer", "https://app.test/secret"),
        ("accept-language", "de-AT, x-secret;q=0.9"),
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
    ];
    world.send("GET", "/app/?token=secret", &headers);
    let [order] = &world.host.asked_pages()[..] else {
        panic!("not asked once")
    };
    assert_eq!(order.url, PAGE);
    assert_eq!((&*order.binding, order.language), ("", "de"));
    world.run_tasks();
    let kept: Vec<_> = world.host.kept().into_iter().collect();
    assert_eq!(kept, [(format!("{PAGE}?de"), page().body)]);
}

#[test]
fn a_client_cannot_have_more_than_a_few_pages_kept() {
    let world = elsewhere();
    for language in ["de", "en", "fr", "x", "en-GB", "a;q=1, b", "de\"", ""] {
        let language = ("accept-language", language);
        world.send("GET", "/app/", &[IP, AGENT, NAVIGATE, language]);
        world.run_tasks();
    }
    assert_eq!(world.host.asked_pages().len(), 3);
    assert_eq!(world.host.kept().len(), 3);
}

#[test]
fn a_program_gets_what_it_always_got_and_nobody_is_asked() {
    let world = elsewhere();
    world.host.set_page(Err(CallError::Connection));
    let forged = ("cookie", "__Host-authflow=x");
    for headers in [&[IP, AGENT][..], &[IP, AGENT, forged]] {
        assert_eq!(world.send("GET", "/app/", headers).status, 401);
    }
    assert_eq!(world.send("GET", "/auth/signin", &[IP]).status, 302);
    let refused = &[IP, ("sec-fetch-mode", "cors"), ("accept", "text/html")];
    assert_eq!(world.send("GET", "/app/", refused).status, 401);
    assert!(world.host.asked_pages().is_empty());
}

#[test]
fn whoever_need_not_sign_in_notices_nothing() {
    let world = elsewhere();
    world.host.set_page(Err(CallError::Connection));
    assert_eq!(open(&world, "/public/x").status, FORWARDED);
    let cookie = world.cookie();
    let headers = [IP, AGENT, NAVIGATE, ("cookie", &cookie)];
    assert_eq!(world.send("GET", "/app/", &headers).status, FORWARDED);
    assert_eq!(open(&world, "/nowhere").status, 404);
    assert!(world.host.asked_pages().is_empty());
}

#[test]
fn a_form_that_was_sent_is_not_loaded_anew_by_itself() {
    let world = elsewhere();
    let headers = [IP, AGENT, NAVIGATE, ("content-length", "3")];
    assert_eq!(world.send("POST", "/app/save", &headers).status, 303);
    let world = gone();
    let seen = world.send("POST", "/app/save", &headers);
    assert_eq!(seen.status, 503);
    assert_eq!(seen.header("refresh"), None);
    assert_eq!(seen.header("retry-after").as_deref(), Some("10"));
}

#[test]
fn the_way_to_the_other_pages_of_sign_in_is_the_same() {
    let seen = open(&elsewhere(), "/auth/reset?token_hash=a&type=b");
    assert_eq!(
        seen.header("location").as_deref(),
        Some("https://auth.test/auth/reset?token_hash=a&type=b")
    );
    let seen = open(&gone(), "/auth/reset?token_hash=a&type=b");
    assert_eq!(seen.status, 503);
    assert!(seen.body.contains("href=\"\""), "{}", seen.body);
}

#[test]
fn an_ended_session_is_told_of_once_sign_in_is_there_again() {
    let world = gone();
    world.redis.borrow_mut().clear();
    let cookie = world.cookie();
    let headers = [IP, AGENT, NAVIGATE, ("cookie", cookie.as_str())];
    let seen = world.send("GET", "/app/", &headers);
    assert_eq!((seen.status, seen.header("set-cookie")), (503, None));
    world.host.set_page(Ok(page()));
    world.host.advance(Duration::from_secs(5));
    let seen = world.send("GET", "/app/", &headers);
    assert!(
        seen.header("location")
            .unwrap()
            .ends_with("&reason=session_expired")
    );
    assert!(seen.header("set-cookie").is_some());
}

#[test]
fn head_has_no_body() {
    let seen = gone().send("HEAD", "/app/", &[IP, AGENT, NAVIGATE]);
    assert_eq!((seen.status, seen.body.as_str()), (503, ""));
}

#[test]
fn under_one_origin_only_a_binding_leads_to_the_auth_worker() {
    let world = World::new();
    world.host.set_page(Err(CallError::Connection));
    assert_eq!(open(&world, "/app/").status, 302);
    assert!(world.host.asked_pages().is_empty());
    let world = World::with(&[("AUTH_BINDING", "AUTH")]);
    assert_eq!(open(&world, "/app/").status, 302);
    assert_eq!(&*world.host.asked_pages()[0].binding, "AUTH");
}
