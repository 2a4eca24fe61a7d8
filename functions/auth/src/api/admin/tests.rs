use serde_json::json;

use crate::{
    request::Request,
    test_support::{Answer, LOST, USER_ID, World, get, post, session_of, user as ada},
};

const API: &str = "/api/v1/simple_auth/admin/users";
pub(crate) const ADMIN: &str = "/admin/users/5f6b7c8d-0000-4000-8000-000000000001";
pub(crate) const BOB: &str = "5f6b7c8d-0000-4000-8000-000000000002";
pub(crate) const AT_SUPABASE: &str = "/admin/users/5f6b7c8d-0000-4000-8000-000000000002";
const SIGN_IN: &str = "/token?grant_type=password";
const LEVEL_2: &str = "eyJhYWwiOiJhYWwyIn0";

pub(crate) fn admin() -> serde_json::Value {
    let mut admin = ada();
    admin["app_metadata"]["role"] = "admin".into();
    admin
}

pub(crate) fn bob() -> serde_json::Value {
    let mut bob = ada();
    bob["id"] = BOB.into();
    bob["email"] = "Bob@example.test".into();
    bob["last_sign_in_at"] = "2026-11-24T08:00:00Z".into();
    bob
}

/// A world with an admin and Bob, and the admin's token.
pub(crate) fn world_with(changes: &[(&str, &str)]) -> (World, String) {
    let key = ("SUPABASE_SERVICE_ROLE_KEY", "service");
    let changes: Vec<_> = [key].iter().chain(changes).copied().collect();
    let world = World::with(&changes)
        .supabase(ADMIN, 200, admin())
        .supabase(AT_SUPABASE, 200, bob());
    let (world, token) = signed_in(world, session_of(&admin()));
    (world, token)
}

pub(crate) fn world() -> (World, String) {
    world_with(&[])
}

pub(crate) fn signed_in(world: World, session: serde_json::Value) -> (World, String) {
    let world = world.supabase(SIGN_IN, 200, session);
    let body = r#"{"email":"x@example.test","password":"p"}"#;
    let answer = world.answer(&post("/api/v1/simple_auth/signin", body));
    let token = answer.json()["session_token"].as_str().unwrap().to_owned();
    (world, token)
}

fn request(method: &str, path: &str) -> Request {
    let body = if method == "PUT" {
        r#"{"role":"editor"}"#
    } else {
        ""
    };
    let mut request = post(&format!("{API}/{path}"), body);
    request.method = method.to_owned();
    request
}

pub(crate) fn ask(world: &World, token: &str, method: &str, path: &str) -> Answer {
    world.answer(&request(method, path).cookie(token))
}

pub(crate) fn session_key(token: &str) -> String {
    format!("session:{}", token.split_once('.').unwrap().0)
}

/// What an admin can do to Bob.
fn everything() -> [(&'static str, String); 8] {
    [
        ("GET", BOB.to_owned()),
        ("GET", format!("{BOB}/data")),
        ("DELETE", BOB.to_owned()),
        ("DELETE", format!("{BOB}/sessions")),
        ("DELETE", format!("{BOB}/sessions/{BOB}")),
        ("POST", format!("{BOB}/lock")),
        ("POST", format!("{BOB}/unlock")),
        ("PUT", format!("{BOB}/role")),
    ]
}

/// What changes an account.
fn deeds() -> [(&'static str, String, &'static str); 3] {
    [
        ("POST", format!("{BOB}/lock"), "user_locked"),
        ("PUT", format!("{BOB}/role"), "role_changed"),
        ("DELETE", BOB.to_owned(), "user_deleted"),
    ]
}

/// The answers to all that an admin can ask: each is this.
#[track_caller]
fn all_are(world: &World, token: &str, status: u16, code: &str) {
    let search = get(API).query("email=bob").cookie(token);
    let mut answers = vec![world.answer(&search)];
    for (method, path) in everything() {
        answers.push(ask(world, token, method, &path));
    }
    for answer in answers {
        let seen = (answer.status, answer.code());
        assert_eq!((seen.0, seen.1.as_str()), (status, code), "{answer:?}");
    }
}

/// What was recorded as somebody's doing to somebody else.
pub(crate) fn audit(world: &World) -> Vec<serde_json::Value> {
    let lines = world.host.lines().into_iter();
    let lines = lines.map(|line| serde_json::from_str(&line).unwrap());
    lines
        .filter(|line: &serde_json::Value| line["msg"] == "audit" && line["actor"].is_string())
        .collect()
}

#[test]
fn only_an_admin_learns_or_does_anything() {
    let (world, token) = world();
    let calls = world.asked().len();
    all_are(&world, "none", 401, "no_session");
    let (world, bobs) = signed_in(world, session_of(&bob()));
    all_are(&world, &bobs, 403, "forbidden");
    assert_eq!(world.asked().len(), calls + 1, "Supabase was not asked");
    let elsewhere = request("GET", BOB)
        .cookie(&token)
        .with("user-agent", "curl/8");
    assert_eq!(world.answer(&elsewhere).code(), "no_session");
    assert!(world.redis(&session_key(&bobs)).is_some());
}

#[test]
fn a_role_that_was_taken_away_at_supabase_is_worth_nothing() {
    let (world, token) = world();
    let world = world.supabase(ADMIN, 200, ada());
    all_are(&world, &token, 403, "forbidden");
    let mut locked = admin();
    locked["banned_until"] = "2100-01-01T00:00:00Z".into();
    let world = world.supabase(ADMIN, 200, locked);
    all_are(&world, &token, 403, "forbidden");
    let world = world.supabase(ADMIN, 404, json!({"code": "user_not_found"}));
    all_are(&world, &token, 403, "forbidden");
    let world = world.supabase(ADMIN, 502, json!(null));
    all_are(&world, &token, 503, "identity_unavailable");
}

#[test]
fn a_second_factor_that_there_is_must_have_been_given() {
    let factor = json!([{"id": "f", "status": "verified", "factor_type": "totp"}]);
    let mut with_factor = admin();
    with_factor["factors"] = factor;
    let (world, token) = world();
    let world = world.supabase(ADMIN, 200, with_factor);
    all_are(&world, &token, 403, "step_up_required");
    let mut raised = session_of(&admin());
    raised["access_token"] = format!("e30.{LEVEL_2}.x").into();
    let (world, token) = signed_in(world, raised);
    assert_eq!(ask(&world, &token, "GET", BOB).status, 200);
}

#[test]
fn a_second_factor_can_be_asked_of_every_admin() {
    let (world, token) = world_with(&[("ADMIN_AAL", "aal2")]);
    all_are(&world, &token, 403, "step_up_required");
    let (world, token) = world_with(&[("ADMIN_AAL", "aal1")]);
    assert_eq!(ask(&world, &token, "GET", BOB).status, 200);
}

#[test]
fn without_its_key_there_is_no_administration() {
    let (world, token) = world_with(&[("SUPABASE_SERVICE_ROLE_KEY", "")]);
    all_are(&world, &token, 501, "admin_unavailable");
}

#[test]
fn a_search_finds_users() {
    let mut locked = bob();
    locked["banned_until"] = "2100-01-01T00:00:00Z".into();
    locked["app_metadata"]["role"] = "editor".into();
    let (world, token) = world();
    let world = world.supabase("/admin/users", 200, json!({"users": [bob(), locked]}));
    let answer = world.answer(&get(API).query("email=%20BOB%40&x=1").cookie(&token));
    insta::assert_snapshot!(answer.shown(), @r#"200 {"users":[{"created_at":"2026-11-23T08:00:00Z","email":"Bob@example.test","email_confirmed_at":"2026-11-23T09:00:00Z","id":"5f6b7c8d-0000-4000-8000-000000000002","last_sign_in_at":"2026-11-24T08:00:00Z","locked":false,"role":"authenticated"},{"created_at":"2026-11-23T08:00:00Z","email":"Bob@example.test","email_confirmed_at":"2026-11-23T09:00:00Z","id":"5f6b7c8d-0000-4000-8000-000000000002","last_sign_in_at":"2026-11-24T08:00:00Z","locked":true,"role":"editor"}]}"#);
    assert_eq!(
        world.asked().last().unwrap(),
        "/admin/users?page=1&per_page=50&filter=bob%40"
    );
    world.answer(&get(API).query("email=bob&page=12").cookie(&token));
    assert_eq!(
        world.asked().last().unwrap(),
        "/admin/users?page=12&per_page=50&filter=bob"
    );
    for (query, error) in [
        ("", "missing"),
        ("email=", "missing"),
        ("email=bo%20", "part_needed"),
        ("email=bob%00", "part_needed"),
        (&format!("email={}", "x".repeat(255)), "part_needed"),
        ("email=bob&page=0", "malformed"),
        ("email=bob&page=-1", "malformed"),
        ("email=bob&page=1000000000", "malformed"),
    ] {
        let answer = world.answer(&get(API).query(query).cookie(&token));
        assert_eq!(answer.code(), "validation_failed", "{query}");
        assert_eq!(answer.json()["errors"][0]["code"], error, "{query}");
    }
}

#[test]
fn a_user_is_shown_with_their_sessions() {
    let (world, token) = world();
    let (world, bobs) = signed_in(world, session_of(&bob()));
    let answer = ask(&world, &token, "GET", &BOB.to_uppercase());
    let shown = answer.json();
    assert_eq!(shown["user"]["id"], BOB);
    let session = &shown["sessions"][0];
    assert!(bobs.starts_with(session["id"].as_str().unwrap()));
    assert_eq!(session["current"], false);
    assert_eq!(shown["sessions"].as_array().unwrap().len(), 1);
    assert!(!answer.body.unwrap().contains(&bobs));
}

#[test]
fn what_is_no_user_is_not_found() {
    let (world, token) = world();
    let calls = world.asked().len();
    for odd in ["x", "..", "%2e%2e", &"0".repeat(36), &format!("{BOB}0")] {
        for (method, rest) in [("GET", ""), ("POST", "/lock"), ("DELETE", "/sessions")] {
            let answer = ask(&world, &token, method, &format!("{odd}{rest}"));
            assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
        }
    }
    let asked = world.asked().split_off(calls);
    assert!(asked.iter().all(|path| path == ADMIN), "{asked:?}");
    let world = world.supabase(AT_SUPABASE, 404, json!({"code": "user_not_found"}));
    for (method, path) in [
        ("GET", BOB.to_owned()),
        ("POST", format!("{BOB}/lock")),
        ("POST", format!("{BOB}/unlock")),
        ("PUT", format!("{BOB}/role")),
    ] {
        assert_eq!(
            ask(&world, &token, method, &path).code(),
            "not_found",
            "{path}"
        );
    }
}

#[test]
fn a_user_that_is_gone_can_be_deleted_and_signed_out_again() {
    let (world, token) = world();
    let world = world.supabase(AT_SUPABASE, 404, json!({"code": "user_not_found"}));
    assert_eq!(ask(&world, &token, "DELETE", BOB).status, 204);
    let sessions = format!("{BOB}/sessions");
    assert_eq!(ask(&world, &token, "DELETE", &sessions).status, 204);
}

#[test]
fn each_deed_ends_the_sessions_changes_the_account_and_is_recorded() {
    for (method, path, event) in deeds() {
        let (world, token) = world();
        let (world, bobs) = signed_in(world, session_of(&bob()));
        assert_eq!(ask(&world, &token, method, &path).status, 204, "{path}");
        assert!(world.redis(&session_key(&bobs)).is_none(), "{path}");
        assert!(world.redis(&session_key(&token)).is_some(), "{path}");
        let audit = audit(&world);
        assert_eq!(audit.len(), 1);
        assert_eq!(audit[0]["event"], event);
        assert_eq!(audit[0]["user_id"], BOB);
        assert_eq!(audit[0]["actor"], USER_ID);
        assert_eq!(world.logged()["user_id"], USER_ID);
    }
}

/// How many calls come before the deed itself: the session, and the admin at Supabase.
const BEFORE: usize = 2;
/// Calls that end all sessions.
const ENDING: usize = 2;

#[test]
fn without_the_store_nothing_changes() {
    for (method, path, _) in deeds() {
        let (world, token) = world();
        world.host.forget();
        (0..BEFORE).for_each(|_| world.host.pass_next());
        (0..3).for_each(|_| world.host.break_next(LOST[0]));
        let answer = ask(&world, &token, method, &path);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "store_unavailable")
        );
        assert_eq!(world.asked(), [ADMIN], "{path}");
        assert!(audit(&world).is_empty());
    }
}

#[test]
fn if_the_account_may_not_have_changed_the_sessions_have_ended_all_the_same() {
    for (method, path, _) in deeds() {
        for lost in LOST {
            let (world, token) = world();
            let (world, bobs) = signed_in(world, session_of(&bob()));
            world.break_after(BEFORE + ENDING, lost);
            let answer = ask(&world, &token, method, &path);
            assert_eq!(answer.code(), "identity_unavailable");
            let detail = answer.json()["detail"].clone();
            assert!(detail.as_str().unwrap().contains("not certain"), "{detail}");
            assert!(world.redis(&session_key(&bobs)).is_none(), "{path}");
            assert!(audit(&world).is_empty(), "nobody says that it happened");
            assert_eq!(ask(&world, &token, method, &path).status, 204, "again");
        }
    }
}

#[test]
fn if_late_sessions_may_go_on_it_is_no_success_and_can_be_done_again() {
    for (method, path, event) in deeds() {
        let (world, token) = world();
        // Whoever is deleted is looked up first.
        let changing = if method == "DELETE" { 2 } else { 1 };
        (0..BEFORE + ENDING + changing).for_each(|_| world.host.pass_next());
        (0..3).for_each(|_| world.host.break_next(LOST[0]));
        let answer = ask(&world, &token, method, &path);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "store_unavailable")
        );
        let detail = answer.json()["detail"].clone();
        assert!(detail.as_str().unwrap().contains("has changed"), "{detail}");
        assert_eq!(audit(&world)[0]["event"], event);
        assert_eq!(ask(&world, &token, method, &path).status, 204, "again");
    }
}

#[test]
fn nobody_takes_their_own_account_away() {
    let (world, token) = world();
    for id in [USER_ID.to_owned(), USER_ID.to_uppercase()] {
        for (method, rest) in [("POST", "/lock"), ("PUT", "/role"), ("DELETE", "")] {
            let answer = ask(&world, &token, method, &format!("{id}{rest}"));
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (409, "own_account")
            );
        }
    }
    assert!(world.redis(&session_key(&token)).is_some());
}

#[test]
fn a_role_is_a_word() {
    let (world, token) = world();
    let put = |body: serde_json::Value| {
        let mut request = post(&format!("{API}/{BOB}/role"), &body.to_string());
        request.method = "PUT".to_owned();
        let answer = world.answer(&request.cookie(&token));
        let code = answer.body.is_some().then(|| answer.code());
        (answer.status, code.unwrap_or_default())
    };
    for role in ["admin", "a", "team:editor-2.x_y", &"r".repeat(64)] {
        assert_eq!(put(json!({"role": role})).0, 204, "{role}");
    }
    let bodies = world.host.calls().into_iter().filter_map(|call| call.body);
    let sent = json!({"app_metadata": {"role": "admin"}}).to_string();
    assert!(bodies.into_iter().any(|body| body == sent));
    for odd in [
        json!({}),
        json!({"role": ""}),
        json!({"role": 7}),
        json!({"role": "a b"}),
        json!({"role": "a\r\nX-User-Id: x"}),
        json!({"role": "r".repeat(65)}),
        json!({"role": "ädmin"}),
    ] {
        assert_eq!(put(odd.clone()), (422, "validation_failed".into()), "{odd}");
    }
}

#[test]
fn unlocking_forgets_the_attempts_of_this_account_alone() {
    let limit = ("SIGNIN_LIMIT_ACCOUNT", "2/900");
    let (world, token) = world_with(&[limit, ("CODE_LIMIT_ACCOUNT", "2/900")]);
    let world = world.supabase_refuses(SIGN_IN, "invalid_credentials");
    let attempt = |email: &str| {
        let body = json!({"email": email, "password": "p"}).to_string();
        let answer = world.answer(&post("/api/v1/simple_auth/signin", &body));
        answer.code()
    };
    for email in ["bob@example.test", "eve@example.test"] {
        (0..2).for_each(|_| assert_eq!(attempt(email), "invalid_credentials"));
        assert_eq!(attempt(email), "too_many_attempts");
    }
    assert_eq!(
        ask(&world, &token, "POST", &format!("{BOB}/unlock")).status,
        204
    );
    assert_eq!(attempt("bob@example.test"), "invalid_credentials");
    assert_eq!(attempt("eve@example.test"), "too_many_attempts");
    assert_eq!(audit(&world).last().unwrap()["event"], "user_unlocked");
    let forgotten = world.host.calls().into_iter().filter_map(|call| call.body);
    let forgotten: Vec<_> = forgotten
        .filter(|body| body.contains(r#"["DEL","limit"#))
        .collect();
    let [forgotten] = &forgotten[..] else {
        panic!("{forgotten:?}");
    };
    // 1,800,000,000 is the start of window 2,000,000 of a quarter of an hour.
    assert!(forgotten.contains("}:2000000\"") && forgotten.contains("}:1999999\""));
    assert!(forgotten.contains("limit:{code:account:"), "{forgotten}");
    assert!(!forgotten.contains("signup"), "{forgotten}");
}

#[test]
fn attempts_that_may_still_count_are_no_success() {
    let (world, token) = world_with(&[("SIGNIN_LIMIT_ACCOUNT", "2/900")]);
    world.break_after(BEFORE + 1, LOST[0]);
    let path = format!("{BOB}/unlock");
    assert_eq!(
        ask(&world, &token, "POST", &path).code(),
        "store_unavailable"
    );
    assert_eq!(ask(&world, &token, "POST", &path).status, 204, "again");
}

#[test]
fn sessions_end_all_or_one_by_one_and_only_that_users() {
    let (world, token) = world();
    let (world, one) = signed_in(world, session_of(&bob()));
    let (world, two) = signed_in(world, session_of(&bob()));
    let id = |token: &str| token.split_once('.').unwrap().0.to_owned();
    for (session, status) in [
        (id(&token), 404),
        (BOB.into(), 404),
        ("x".into(), 404),
        (id(&one), 204),
    ] {
        let path = format!("{BOB}/sessions/{session}");
        assert_eq!(
            ask(&world, &token, "DELETE", &path).status,
            status,
            "{session}"
        );
    }
    assert!(world.redis(&session_key(&one)).is_none());
    assert!(world.redis(&session_key(&two)).is_some());
    assert!(world.redis(&session_key(&token)).is_some());
    let last = audit(&world).pop().unwrap();
    assert_eq!(
        (last["event"].as_str(), last["actor"].as_str()),
        (Some("session_ended"), Some(USER_ID))
    );
    let path = format!("{BOB}/sessions");
    assert_eq!(ask(&world, &token, "DELETE", &path).status, 204);
    assert!(world.redis(&session_key(&two)).is_none());
    let last = audit(&world).pop().unwrap();
    assert_eq!(
        (last["event"].as_str(), last["actor"].as_str()),
        (Some("sessions_ended"), Some(USER_ID))
    );
}

#[test]
fn another_site_does_nothing() {
    let (world, token) = world();
    for (method, path) in everything()
        .into_iter()
        .filter(|(method, _)| *method != "GET")
    {
        let request = request(method, &path)
            .cookie(&token)
            .with("sec-fetch-site", "cross-site");
        assert_eq!(world.answer(&request).code(), "cross_site", "{path}");
    }
}
