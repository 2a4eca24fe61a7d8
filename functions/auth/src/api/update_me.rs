//! `PATCH /api/v1/simple_auth/me`: what a user says of themselves.

use authflow_shared::{
    host::Host,
    json::{Map, Object},
    supabase::{User, account::Change},
};

use crate::{
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    profile,
    response::Response,
    signed_in::{self, Known},
    user_data,
};

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let data = read(Fields::from_json(exchange.request)?)?;
    let user = update(exchange, data).await?;
    let user_id = user.id.clone();
    let body = Object::new().with("user", profile::of_user(user));
    Ok(Response::json(200, "profile_changed", &body).of_user(&user_id))
}

/// Reads `data`.
fn read(mut fields: Fields) -> Result<Map, Failure> {
    if !fields.has("data") {
        let detail = "Send an object of what is to change; null removes.";
        return Err(Failure::of_field("data", "missing", detail));
    }
    let data = fields.object("data");
    fields.finish(data)
}

/// Changes what `data` names: null removes, and what is not named stays.
///
/// # Errors
/// [`Failure`]; after `store_unavailable` it has changed, but may not show yet, and can be sent again.
pub(crate) async fn update<H: Host>(
    exchange: &Exchange<'_, H>,
    data: Map,
) -> Result<User, Failure> {
    let Known { tokens, user, .. } = signed_in::know(exchange).await?;

    // (1) The size of what there will be. Who has more already, from elsewhere, may still take away.
    let mut metadata = user.user_metadata;
    let before = user_data::size(&metadata);
    for (name, value) in &data {
        if value.is_null() {
            metadata.remove(name);
        } else {
            metadata.insert(name.clone(), value.clone());
        }
    }
    if user_data::size(&metadata) > user_data::LONGEST.max(before) {
        let detail = "With this, there would be over 4 KiB of data. Keep less.";
        return Err(Failure::of_field("data", "too_large", detail));
    }

    // (2) The change.
    let change = Change::Metadata(data);
    let changed = exchange
        .supabase()
        .change(&tokens.access_token, change)
        .await;
    let user = changed.map_err(|error| Failure::from_change(&error))?;

    // (3) The profile that is shown from now on.
    let forgotten = exchange.store().forget_profile(&user.id).await;
    forgotten.map_err(Failure::store_unavailable)?;
    Ok(user)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        request::Request,
        test_support::{Answer, LOST, USER_ID, World, get, post, user},
    };

    const PATH: &str = "/api/v1/simple_auth/me";

    fn patch(token: &str, body: &Value) -> Request {
        Request {
            method: "PATCH".to_owned(),
            ..post(PATH, &body.to_string()).cookie(token)
        }
    }

    fn world() -> (World, String) {
        let world = World::new().supabase("/user", 200, user());
        let token = world.signed_in();
        (world, token)
    }

    fn error(answer: &Answer) -> Value {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "validation_failed")
        );
        answer.json()["errors"][0].clone()
    }

    #[test]
    fn what_is_named_changes_and_shows_at_once() {
        let (world, token) = world();
        let mut renamed = user();
        renamed["user_metadata"] = json!({"name": "Augusta"});
        let world = world.supabase("/user", 200, renamed);
        let data = json!({"data": {"name": "Augusta", "nick": null}});
        let answer = world.answer(&patch(&token, &data));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["user"]["user_metadata"]["name"], "Augusta");
        let mut calls = world.host.calls().into_iter().rev();
        let sent = calls.find(|call| call.method == "PUT").unwrap();
        assert_eq!(sent.body.as_deref(), Some(data.to_string().as_str()));
        assert!(world.redis(&format!("user_profile:{USER_ID}")).is_none());
        let me = world.answer(&get(PATH).cookie(&token)).json();
        assert_eq!(me["user"]["user_metadata"]["name"], "Augusta");
    }

    #[test]
    fn what_is_no_object_is_told() {
        for (body, code) in [
            (json!({}), "missing"),
            (json!({"data": null}), "missing"),
            (json!({"data": ""}), "missing"),
            (json!({"data": []}), "malformed"),
            (json!({"data": "x"}), "malformed"),
        ] {
            let (world, token) = world();
            let asked = world.asked().len();
            let error = error(&world.answer(&patch(&token, &body)));
            assert_eq!(
                (&error["field"], &error["code"]),
                (&json!("data"), &json!(code))
            );
            assert_eq!(world.asked().len(), asked);
        }
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let (world, token) = world();
        let most = 4096 - r#"{"name":"Ada","x":""}"#.len();
        let data = |count: usize| json!({"data": {"x": "x".repeat(count)}});
        assert_eq!(world.answer(&patch(&token, &data(most))).status, 200);
        let answer = world.answer(&patch(&token, &data(most + 1)));
        assert_eq!(error(&answer)["code"], "too_large");
        // Who has more already can still take away.
        let mut much = user();
        much["user_metadata"] = json!({"x": "x".repeat(9000), "y": 1});
        let world = world.supabase("/user", 200, much);
        let less = json!({"data": {"y": null}});
        assert_eq!(world.answer(&patch(&token, &less)).status, 200);
        let more = json!({"data": {"z": 1}});
        assert_eq!(
            error(&world.answer(&patch(&token, &more)))["code"],
            "too_large"
        );
    }

    #[test]
    fn only_one_who_is_signed_in_changes_anything() {
        let (world, token) = world();
        let asked = world.asked().len();
        let mut request = patch(&token, &json!({"data": {"a": 1}}));
        request.headers.retain(|(name, _)| name != "cookie");
        assert_eq!(world.answer(&request).code(), "no_session");
        let elsewhere =
            patch(&token, &json!({"data": {"a": 1}})).with("sec-fetch-site", "cross-site");
        assert_eq!(world.answer(&elsewhere).code(), "cross_site");
        assert_eq!(world.asked().len(), asked);
    }

    #[test]
    fn a_profile_that_may_still_be_the_old_one_is_said_so() {
        for breakage in LOST {
            let (world, token) = world();
            // The session, the user, a new token, the change.
            let before = world.host.calls().len();
            world.answer(&patch(&token, &json!({"data": {"a": 1}})));
            let calls = world.host.calls().len() - before;
            world.break_after(calls - 1, breakage);
            let answer = world.answer(&patch(&token, &json!({"data": {"a": 1}})));
            assert_eq!(answer.code(), "store_unavailable");
        }
    }
}
