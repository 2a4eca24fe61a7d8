use authflow_shared::session::SessionRecord;
use serde_json::{Value, json};

use crate::test_support::{
    APP, Answer, LOST, PHONE, USER_ID, World, get, post, session, session_at, user_with_factors,
};

const PATH: &str = "/api/v1/simple_auth/mfa/factors";
const PASSWORD: &str = "/token?grant_type=password";
const ONE: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001";
const CHALLENGE: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001/challenge";
const VERIFY: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001/verify";
const OTHER: &str = "/factors/bbbbbbbb-0000-4000-8000-000000000002";

fn begun() -> Value {
    let uri = "otpauth://totp/app.test:ada@example.test?secret=JBSWY3DP";
    json!({"id": APP, "type": "totp", "totp": {"qr_code": "<svg/>", "secret": "JBSWY3DP", "uri": uri}})
}

fn world(verified: &[&str]) -> World {
    world_with(&[("PHONE_FACTORS", "1")], verified)
}

fn world_with(variables: &[(&str, &str)], verified: &[&str]) -> World {
    let user = user_with_factors(verified);
    World::with(variables)
        .supabase("/token?grant_type=refresh_token", 200, session())
        .supabase(PASSWORD, 200, session())
        .supabase("/logout", 204, Value::Null)
        .supabase("/user", 200, user.clone())
        .supabase("/factors", 200, begun())
        .supabase(CHALLENGE, 200, json!({"id": APP}))
        .supabase(VERIFY, 200, session_at("aal2", &user))
        .supabase(ONE, 200, json!({"id": APP}))
        .supabase(OTHER, 200, json!({"id": PHONE}))
}

fn key(token: &str) -> String {
    format!("session:{}", token.split_once('.').unwrap().0)
}

fn aal(world: &World, token: &str) -> String {
    let record = world.redis(&key(token)).unwrap();
    SessionRecord::from_json(&record).unwrap().aal
}

/// A session in which the second factor was given.
fn raised(world: &World) -> String {
    let token = world.signed_in();
    let mut record = SessionRecord::from_json(&world.redis(&key(&token)).unwrap()).unwrap();
    record.aal = "aal2".into();
    world.put(&key(&token), &record.to_json());
    token
}

fn enroll(world: &World, token: &str, body: &Value) -> Answer {
    let mut body = body.clone();
    body["current_password"] = "p".into();
    enroll_without(world, token, &body)
}

fn enroll_without(world: &World, token: &str, body: &Value) -> Answer {
    world.answer(&post(PATH, &body.to_string()).cookie(token))
}

fn verify(world: &World, token: &str, code: &str) -> Answer {
    let body = json!({"code": code}).to_string();
    world.answer(&post(&format!("{PATH}/{APP}/verify"), &body).cookie(token))
}

fn remove(world: &World, token: &str, id: &str) -> Answer {
    let mut request = get(&format!("{PATH}/{id}")).cookie(token);
    request.method = "DELETE".into();
    world.answer(&request)
}

/// What Supabase was asked about factors: method, path and body.
fn factor_calls(world: &World) -> Vec<String> {
    let calls = world.host.calls();
    let calls = calls.iter().filter_map(|call| {
        let (_, path) = call.url.split_once("/auth/v1/factors")?;
        let body = call.body.as_deref().unwrap_or_default();
        Some(format!("{} /factors{path} {body}", call.method))
    });
    calls.collect()
}

fn audited(world: &World) -> Vec<String> {
    let lines = world.host.lines();
    let lines = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let is_way_in = |line: &Value| line["event"] == "sign_in" || line["event"] == "new_device";
    let events = lines.filter(|line| line["msg"] == "audit" && !is_way_in(line));
    events
        .map(|line| {
            assert_eq!(line["user_id"], USER_ID);
            line["event"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn the_list_has_the_factors_that_count() {
    let world = world(&[PHONE]);
    let answer = world.answer(&get(PATH).cookie(&world.signed_in()));
    assert_eq!(
        answer.json(),
        json!({"factors": [{"id": PHONE, "type": "phone", "name": "my phone"}]})
    );
    assert_eq!(world.answer(&get(PATH)).code(), "no_session");
}

#[test]
fn an_app_gets_its_secret_and_a_small_picture_of_it() {
    let world = world(&[]);
    let token = world.signed_in();
    let answer = enroll(&world, &token, &json!({"type": "totp", "name": " my app "}));
    assert_eq!(answer.status, 201);
    let body = answer.json();
    assert_eq!(
        (&body["id"], &body["type"], &body["name"]),
        (&json!(APP), &json!("totp"), &json!("my app"))
    );
    assert_eq!(body["totp"]["secret"], "JBSWY3DP");
    let picture = body["totp"]["qr_code"].as_str().unwrap();
    assert!(
        picture.starts_with("<svg ") && picture.len() < 6000,
        "{picture}"
    );
    assert_eq!(
        factor_calls(&world),
        [r#"POST /factors {"factor_type":"totp","friendly_name":"my app","issuer":"app.test"}"#]
    );
    assert!(audited(&world).is_empty(), "it does not count yet");
    assert!(!world.host.lines().join("").contains("JBSWY3DP"));
}

#[test]
fn a_stolen_session_enrols_nothing() {
    let world = world(&[]);
    let token = world.signed_in();
    let error = |answer: Answer| {
        let error = answer.json()["errors"][0].clone();
        format!("{} {} {}", answer.status, error["field"], error["code"])
    };
    let answer = enroll_without(&world, &token, &json!({"type": "totp"}));
    assert_eq!(error(answer), r#"422 "current_password" "missing""#);
    let world = world.supabase_refuses(PASSWORD, "invalid_credentials");
    let answer = enroll(&world, &token, &json!({"type": "totp"}));
    assert_eq!(error(answer), r#"422 "current_password" "incorrect""#);
    assert!(factor_calls(&world).is_empty());
}

#[test]
fn who_has_another_factor_or_no_password_is_asked_for_none() {
    let body = json!({"type": "totp", "name": "another"});
    let world = world(&[APP]);
    assert_eq!(enroll_without(&world, &raised(&world), &body).status, 201);
    let mut user = user_with_factors(&[]);
    user["app_metadata"] = json!({"provider": "google", "providers": ["google"]});
    let world = self::world(&[]).supabase("/user", 200, user.clone());
    let token = world.signed_in();
    assert_eq!(enroll_without(&world, &token, &body).status, 201);
    user["app_metadata"]["providers"] = json!(["google", "email"]);
    let world = world.supabase("/user", 200, user);
    assert_eq!(enroll_without(&world, &token, &body).status, 422);
}

#[test]
fn a_phone_is_a_number_with_its_country() {
    let world = world(&[]).supabase("/factors", 200, json!({"id": PHONE, "type": "phone"}));
    let token = world.signed_in();
    let body = json!({"type": "phone", "phone": "+1 (555) 123-4567"});
    let answer = enroll(&world, &token, &body);
    assert_eq!(
        answer.json(),
        json!({"id": PHONE, "type": "phone", "name": "Phone"})
    );
    assert_eq!(
        factor_calls(&world),
        [r#"POST /factors {"factor_type":"phone","friendly_name":"Phone","phone":"+15551234567"}"#]
    );
    for phone in [
        "",
        "5551234567",
        "+0555123456",
        "+1",
        "+1555123456789012",
        "+1555x123456",
    ] {
        let answer = enroll(&world, &token, &json!({"type": "phone", "phone": phone}));
        assert_eq!(answer.status, 422, "{phone}");
        assert_eq!(answer.json()["errors"][0]["field"], "phone", "{phone}");
    }
}

#[test]
fn a_phone_is_taken_where_the_operator_says_so() {
    let world = world_with(&[], &[]);
    let token = world.signed_in();
    let body = json!({"type": "phone", "phone": "+1 (555) 123-4567"});
    let error = enroll_without(&world, &token, &body).json()["errors"][0].clone();
    assert_eq!(
        (&error["field"], &error["code"]),
        (&json!("type"), &json!("not_offered"))
    );
    assert!(factor_calls(&world).is_empty());
}

#[test]
fn what_is_wrong_with_a_factor_is_told() {
    let world = world(&[]);
    let token = world.signed_in();
    let long = "x".repeat(65);
    for (body, field, code) in [
        (json!({}), "type", "missing"),
        (json!({"type": "webauthn"}), "type", "unknown_value"),
        (json!({"type": "totp", "name": long}), "name", "malformed"),
        (json!({"type": "totp", "name": "a\nb"}), "name", "malformed"),
        (json!({"type": "totp", "name": 7}), "name", "malformed"),
    ] {
        let error = enroll(&world, &token, &body).json()["errors"][0].clone();
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!(field), &json!(code))
        );
    }
    assert!(factor_calls(&world).is_empty());
}

#[test]
fn what_supabase_refuses_is_told() {
    for (code, status, expected, field) in [
        (
            "mfa_factor_name_conflict",
            422,
            "validation_failed",
            "name taken",
        ),
        (
            "too_many_enrolled_mfa_factors",
            422,
            "validation_failed",
            "type too_many",
        ),
        (
            "mfa_totp_enroll_not_enabled",
            422,
            "validation_failed",
            "type not_offered",
        ),
        (
            "mfa_verified_factor_exists",
            422,
            "validation_failed",
            "phone taken",
        ),
        (
            "validation_failed",
            422,
            "validation_failed",
            "phone malformed",
        ),
        ("insufficient_aal", 403, "step_up_required", "null null"),
        ("session_not_found", 401, "no_session", "null null"),
        ("unexpected", 503, "identity_unavailable", "null null"),
    ] {
        let world = world(&[]).supabase_refuses("/factors", code);
        let token = world.signed_in();
        let answer = enroll(&world, &token, &json!({"type": "totp"}));
        let error = answer.json()["errors"][0].clone();
        let named = format!("{} {}", error["field"], error["code"]).replace('"', "");
        assert_eq!(
            (answer.status, answer.code().as_str(), named.as_str()),
            (status, expected, field),
            "{code}"
        );
    }
}

#[test]
fn one_that_was_begun_under_the_same_name_makes_room() {
    let world = world(&[PHONE]);
    let token = raised(&world);
    enroll(&world, &token, &json!({"type": "totp", "name": "my totp"}));
    let calls = factor_calls(&world);
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0], format!("DELETE {ONE} "));
    enroll(&world, &token, &json!({"type": "totp", "name": "my phone"}));
    assert_eq!(factor_calls(&world).len(), 3, "one that counts stays");
}

#[test]
fn a_name_of_ours_is_free() {
    let mut user = user_with_factors(&[APP, PHONE]);
    user["factors"][0]["friendly_name"] = json!("Authenticator app");
    user["factors"][1]["friendly_name"] = json!("Authenticator app 2");
    let world = world(&[]).supabase("/user", 200, user);
    let token = raised(&world);
    let answer = enroll(&world, &token, &json!({"type": "totp"}));
    assert_eq!(answer.json()["name"], "Authenticator app 3");
}

#[test]
fn whoever_has_a_factor_gives_it_before_another_is_enrolled() {
    let world = world(&[PHONE]);
    let token = world.signed_in();
    for answer in [
        enroll(&world, &token, &json!({"type": "totp"})),
        verify(&world, &token, "123456"),
        remove(&world, &token, PHONE),
    ] {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (403, "step_up_required")
        );
    }
    assert!(
        factor_calls(&world).is_empty(),
        "whatever Supabase's own session may do"
    );
    let token = raised(&world);
    assert_eq!(enroll(&world, &token, &json!({"type": "totp"})).status, 201);
}

#[test]
fn the_first_code_enrolls_and_raises_the_session_under_a_new_id() {
    let world = world(&[]);
    let token = world.signed_in();
    let answer = verify(&world, &token, "123456");
    assert_eq!(answer.status, 200);
    let new = answer.json()["session_token"].as_str().unwrap().to_owned();
    assert_eq!(aal(&world, &new), "aal2");
    assert!(world.redis(&key(&token)).is_none());
    assert_eq!(audited(&world), ["factor_enrolled"]);
}

#[test]
fn a_wrong_first_code_enrolls_nothing() {
    let world = world(&[]).supabase_refuses(VERIFY, "mfa_verification_failed");
    let token = world.signed_in();
    let answer = verify(&world, &token, "123456");
    assert_eq!(answer.json()["errors"][0]["code"], "incorrect");
    assert_eq!(aal(&world, &token), "aal1");
    assert!(audited(&world).is_empty());
}

#[test]
fn a_factor_that_is_not_there_is_not_found() {
    let world = world(&[]).supabase("/user", 200, crate::test_support::user());
    let token = world.signed_in();
    for answer in [
        verify(&world, &token, "123456"),
        remove(&world, &token, APP),
        remove(&world, &token, "x"),
    ] {
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
    }
}

#[test]
fn a_removed_factor_leaves_no_session_raised() {
    let world = world(&[APP, PHONE]);
    let (elsewhere, token) = (raised(&world), raised(&world));
    let answer = remove(&world, &token, APP);
    assert_eq!((answer.status, answer.header("set-cookie")), (204, None));
    assert_eq!(factor_calls(&world), [format!("DELETE {ONE} ")]);
    assert_eq!(audited(&world), ["factor_removed"]);
    for token in [&elsewhere, &token] {
        assert_eq!(aal(&world, token), "aal1", "it goes on, but not raised");
    }
    assert_eq!(remove(&world, &token, PHONE).code(), "step_up_required");
}

#[test]
fn a_session_that_was_raised_while_the_factor_was_going_is_lowered() {
    let world = world(&[APP]);
    let (elsewhere, token) = (world.signed_in(), raised(&world));
    let mut record = SessionRecord::from_json(&world.redis(&key(&elsewhere)).unwrap()).unwrap();
    record.aal = "aal2".into();
    world.put_while_asked(ONE, &key(&elsewhere), &record.to_json());
    assert_eq!(remove(&world, &token, APP).status, 204);
    assert_eq!(aal(&world, &elsewhere), "aal1");
    assert_eq!(aal(&world, &token), "aal1");
}

#[test]
fn a_session_that_may_still_be_raised_after_it_is_told() {
    for breakage in LOST {
        let world = world(&[APP]);
        let token = raised(&world);
        // The session, the user, the list in two steps, the factor; then the list again.
        world.break_after(5, breakage);
        let answer = remove(&world, &token, APP);
        assert_eq!(answer.code(), "store_unavailable");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.starts_with("The second factor has been removed"),
            "{detail}"
        );
        assert_eq!(audited(&world), ["factor_removed"]);
    }
}

#[test]
fn one_that_does_not_count_goes_without_ado() {
    let world = world(&[PHONE]);
    let token = world.signed_in();
    assert_eq!(remove(&world, &token, APP).status, 204);
    assert!(audited(&world).is_empty());
}

#[test]
fn a_factor_stays_unless_the_other_sessions_are_certain_to_be_lowered() {
    for breakage in LOST {
        let world = world(&[APP]);
        let (elsewhere, token) = (raised(&world), raised(&world));
        // The session, the user, the list in two steps; then the other session.
        world.break_after(4, breakage);
        let answer = remove(&world, &token, APP);
        assert_eq!(answer.code(), "store_unavailable");
        assert!(factor_calls(&world).is_empty());
        assert_eq!(aal(&world, &token), "aal2", "it can be tried again");
        assert_eq!(remove(&world, &token, APP).status, 204);
        assert_eq!(aal(&world, &elsewhere), "aal1");
    }
}
