//! No origin reads as protected what the gateway let through as public.
//!
//! Random targets, made of what has fooled gateways before, go through the whole gateway without
//! a session. Whatever reaches the origin is then read by a model of each kind of origin, and each
//! must find it public, by a table of its own.
//!
//! It would have stopped CVE-2026-40575, CVE-2026-41059, CVE-2025-54576, CVE-2023-33189 and
//! CVE-2026-33494, where a gateway and its origin read one path in two ways.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod models;
#[expect(dead_code, reason = "this file uses a part of it")]
mod world;

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    models::MODELS,
    world::{FORWARDED, IP, World},
};

const CASES: u32 = 200_000;

/// Public paths with protected ones in and beside them, on one origin.
const ROUTES: &str = r#"[
    {"id":"public","path":"/public/*","upstream":"http://o.test","access":"public"},
    {"id":"inner","path":"/public/admin/*","upstream":"http://o.test"},
    {"id":"leaf","path":"/public/admin/login","upstream":"http://o.test","access":"public"},
    {"id":"admin","path":"/admin/*","upstream":"http://o.test","allow_encoded":["%2f","%25","%3b"]},
    {"id":"page","path":"/page","upstream":"http://o.test","access":"public"}]"#;

/// Whether a path is public, said once more in other words than the gateway's.
fn is_public(path: &str) -> bool {
    let below = |base: &str| path == base || path.starts_with(&format!("{base}/"));
    path == "/page"
        || path == "/public/admin/login"
        || (below("/public") && !below("/public/admin"))
}

/// What a path is made of. Words come often, so that many targets pass.
fn piece() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        8 => Just("/"),
        5 => prop::sample::select(vec!["public", "admin", "page", "login", "x"]),
        4 => prop::sample::select(vec![
            ".", "..", "...", ";", ";a=b", "\\", "//", "%2e", "%2E%2e", "%2f", "%2F", "%5c", "%23",
            "%3f", "%3b", "%00", "%252f", "%252e", "%25", "%61", "%41dmin", "%20", " ", "\t", "%09",
            "Admin", "ADMIN", "PUBLIC", "%c3%a9", "\u{131}", "%c5%bf", "adm%C4%B1n", "%e2%84%aa",
            "%ff", "%c0%af", "%zz", "%", "?", "?x=/public", "#", "#/public", "@", ":", "~", "-", "+",
        ]),
    ]
}

fn target() -> impl Strategy<Value = String> {
    let start = prop::sample::select(vec![
        "/public/",
        "/public",
        "/",
        "/admin/",
        "/page",
        "/public/admin",
    ]);
    (start, prop::collection::vec(piece(), 0..8))
        .prop_map(|(start, pieces)| start.to_owned() + &pieces.concat())
}

/// The target as the client sent it, and as a runtime that parses URLs would hand it on.
fn as_handed_on(target: &str) -> Vec<String> {
    let parsed = url::Url::parse(&format!("https://app.test{target}")).ok();
    let parsed = parsed.map(|url| {
        url.as_str()
            .trim_start_matches("https://app.test")
            .to_owned()
    });
    [Some(target.to_owned()), parsed]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn what_passes_without_a_session_is_public_to_every_kind_of_origin() {
    let mut runner = TestRunner::new_with_rng(
        Config {
            cases: CASES,
            failure_persistence: None,
            ..Config::default()
        },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let world = World::with(&[
        ("ROUTES", ROUTES),
        ("GATEWAY_LIMIT", "0"),
        ("LOG_LEVEL", "error"),
    ]);
    let result = runner.run(&target(), |target| {
        for target in as_handed_on(&target) {
            world.host.forget();
            if world.send("GET", &target, &[IP]).status != FORWARDED {
                continue;
            }
            let plans = world.host.plans();
            let url = &plans.first().unwrap().url;
            let path = url
                .strip_prefix("http://o.test")
                .unwrap()
                .split('?')
                .next()
                .unwrap();
            for (model, read) in MODELS {
                let reading = read(path);
                prop_assert!(
                    is_public(&reading),
                    "{model}: {target} as {path} reads {reading}"
                );
            }
        }
        Ok(())
    });
    result.unwrap();
    // A gateway that refuses everything would pass, too.
    for target in [
        "/public",
        "/public/x/",
        "/public/caf%C3%A9",
        "/page",
        "/public/admin/login",
    ] {
        world.host.forget();
        assert_eq!(
            world.send("GET", target, &[IP]).status,
            FORWARDED,
            "{target}"
        );
    }
}

#[test]
fn the_models_tell_a_lax_gateway_from_ours() {
    // Targets that a gateway without our refusals would let through, and who reads them otherwise.
    for (model, path) in [
        ("whatwg", "/public/%2e%2e/admin"),
        ("rfc3986", "/public/../admin"),
        ("decode once", "/public/..%2fadmin"),
        ("decode twice", "/public/..%252fadmin"),
        ("merge slashes", "/public//admin"),
        ("strip parameters", "/public/..;/admin"),
        ("lower case", "/public/ADMIN"),
        ("trim", "/public/admin."),
    ] {
        let (_, read) = MODELS.iter().find(|(name, _)| *name == model).unwrap();
        assert!(
            !is_public(&read(path)),
            "{model}: {path} reads {}",
            read(path)
        );
    }
}
