//! What no `Debug` shows, wherever it may be printed one day.

use authflow_shared::{host::fake::FakeHost, secret::Secret};
use futures_executor::block_on;
use serde_json::json;

use crate::{
    exchange::{Exchange, Ids},
    fields::Fields,
    oauth,
    open_session::{self, Arrival},
    request::Request,
    response::Response,
    test_support::{APP, World, get, post, session},
};

/// Runs `of` with the exchange of `request`.
fn with<T>(world: &World, request: &Request, of: impl FnOnce(&Exchange<'_, FakeHost>) -> T) -> T {
    let ids = Ids::begin(&world.host, request, None);
    let client_ip = world.config.common.client_ip.read(Some("192.0.2.1"));
    of(&Exchange::new(
        &world.host,
        &world.config,
        request,
        &ids,
        client_ip.unwrap(),
        None,
    ))
}

#[test]
fn what_was_sent_is_named_and_not_shown() {
    let body = json!({"password": "SECRET", "code": "734512", "factor_id": APP});
    let mut fields = Fields::from_json(&post("/x", &body.to_string())).unwrap();
    let shown = format!("{fields:?} {:?}", fields.code().unwrap());
    assert!(shown.contains("password"), "{shown}");
    assert!(
        !shown.contains("SECRET") && !shown.contains("734512"),
        "{shown}"
    );
}

#[test]
fn a_session_and_its_answer_show_no_token() {
    let world = World::new().supabase("/token", 200, session());
    let shown = with(&world, &get("/x"), |exchange| {
        let password = Secret::new("p");
        let session = block_on(exchange.supabase().sign_in("ada@example.test", &password)).unwrap();
        let entry = block_on(open_session::enter(exchange, session, Arrival::FirstTime)).unwrap();
        let opened = format!("{entry:?}");
        let response = entry.into_json(200);
        let token = json_of(response.body.as_deref())["session_token"].clone();
        let token = token.as_str().unwrap().to_owned();
        (format!("{opened} {response:?}"), token)
    });
    let (shown, token) = shown;
    let (_, mac) = token.split_once('.').unwrap();
    assert!(shown.contains("signed_in"), "{shown}");
    assert!(
        !shown.contains(mac) && !shown.contains("SUPABASE"),
        "{shown}"
    );
}

#[test]
fn a_sign_in_at_another_provider_shows_neither_state_nor_binding() {
    let world = World::with(&[("OAUTH_PROVIDERS", "google")]);
    let (begun, response) = with(&world, &get("/x"), |exchange| {
        let provider = exchange.config.oauth_providers[0];
        let begun = block_on(oauth::begin(exchange, provider, None)).unwrap();
        let shown = format!("{begun:?}");
        let to = Response::see_other(begun.url.clone(), "begun");
        let response = begun.hand_out(to);
        (format!("{shown} {response:?}"), response)
    });
    let value = |name: &str| {
        let mut headers = response.headers.iter();
        headers.find(|(known, _)| *known == name).unwrap().1.clone()
    };
    let (location, cookie) = (value("location"), value("set-cookie"));
    let (_, state) = location.split_once("state%3D").unwrap();
    let (state, _) = state.split_once('&').unwrap();
    let (_, binding) = cookie.split_once('=').unwrap();
    let (binding, _) = binding.split_once(';').unwrap();
    let back = get("/auth/callback").query(&format!("state={state}"));
    let attempt = with(&world, &back, |exchange| {
        block_on(oauth::take(exchange)).unwrap()
    });
    let shown = format!("{begun} {attempt:?}");
    assert!(shown.contains("google"), "{shown}");
    assert!(
        !shown.contains(state) && !shown.contains(binding),
        "{shown}"
    );
}

fn json_of(body: Option<&str>) -> serde_json::Value {
    serde_json::from_str(body.unwrap_or_default()).unwrap()
}
