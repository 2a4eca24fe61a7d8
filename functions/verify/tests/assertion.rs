//! Who asks, signed for the origin, over whole requests.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

#[expect(dead_code, reason = "this file uses a part of it")]
mod world;

use std::time::Duration;

use crate::world::{FORWARDED, IP, World};

/// The key of RFC 7515, appendix A.3.
const KEY: &str = r#"{"kty":"EC","crv":"P-256",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

fn assertion(world: &World) -> Option<String> {
    world.host.plans().last().unwrap().assertion.clone()
}

#[test]
fn the_origin_gets_one_that_is_signed_once_in_half_a_minute() {
    let world = World::with(&[("ASSERTION_KEYS", KEY)]);
    for _ in 0..3 {
        assert_eq!(world.visit("/app/x").status, FORWARDED);
    }
    assert_eq!(world.host.signed().len(), 1);
    assert!(assertion(&world).unwrap().ends_with(".signature"));
    world.host.advance(Duration::from_secs(30));
    world.visit("/app/x");
    assert_eq!(world.host.signed().len(), 2);
}

#[test]
fn each_route_has_its_own() {
    let routes = r#"[{"id":"app","path":"/app/*","upstream":"http://o.test"},
        {"id":"backend","path":"/backend/*","upstream":"http://o.test"}]"#;
    let world = World::with(&[("ASSERTION_KEYS", KEY), ("ROUTES", routes)]);
    world.visit("/app/x");
    let first = assertion(&world);
    world.visit("/backend/x");
    assert_ne!(assertion(&world), first);
}

#[test]
fn a_public_route_has_none_and_no_client_brings_one() {
    let world = World::with(&[("ASSERTION_KEYS", KEY)]);
    let cookie = world.cookie();
    let headers = [
        IP,
        ("cookie", cookie.as_str()),
        ("x-authflow-assertion", "evil"),
    ];
    world.send("GET", "/public/x", &headers);
    assert_eq!(assertion(&world), None);
    let removed = &world.host.plans()[0].remove;
    assert!(removed.contains(&"x-authflow-assertion".to_owned()));
}

#[test]
fn nobody_passes_with_a_key_that_cannot_sign() {
    let world = World::with(&[("ASSERTION_KEYS", KEY)]);
    world.host.break_signing();
    let seen = world.visit("/app/x");
    assert_eq!((seen.status, seen.code().as_str()), (500, "config_invalid"));
    assert!(world.host.plans().is_empty());
}

#[test]
fn its_keys_are_published_without_what_signs() {
    let world = World::with(&[("ASSERTION_KEYS", KEY)]);
    let seen = world.send("GET", "/.well-known/authflow/jwks.json", &[IP]);
    assert_eq!(seen.status, 200);
    assert_eq!(
        seen.header("content-type").as_deref(),
        Some("application/jwk-set+json")
    );
    assert!(
        seen.body.contains("f83O") && !seen.body.contains("jpsQ"),
        "{}",
        seen.body
    );
    let none = World::new().send("GET", "/.well-known/authflow/jwks.json", &[IP]);
    assert_eq!(none.body, r#"{"keys":[]}"#);
    let post = world.send("POST", "/.well-known/authflow/jwks.json", &[IP]);
    assert_eq!(
        (post.status, post.header("allow").as_deref()),
        (405, Some("GET, HEAD"))
    );
}
