use serde_json::{Value, json};

use crate::{
    api::admin::tests::{AT_SUPABASE, BOB, ask, audit, bob, session_key, signed_in, world_with},
    test_support::{Answer, LOST, USER_ID, World, get, post, session, session_of},
};

const SIGN_IN: &str = "/api/v1/simple_auth/signin";
const ADDRESS: &str = "/api/v1/simple_auth/admin/address";
const LIMITS: [(&str, &str); 3] = [
    ("SIGNIN_LIMIT_ACCOUNT", "10/900"),
    ("CODE_LIMIT_ACCOUNT", "10/900"),
    ("DATABASE_FALLBACK", "1"),
];
const DELETED: &str = "DELETE /admin/users/5f6b7c8d-0000-4000-8000-000000000002";

/// A world where much is counted and both stores are used, Bob's token in it, and the admin's.
fn world() -> (World, String, String) {
    let (world, admin) = world_with(&LIMITS);
    let (world, bobs) = signed_in(world, session_of(&bob()));
    attempt(&world, "bob@example.test");
    world.run_tasks();
    (world, admin, bobs)
}

fn attempt(world: &World, email: &str) {
    let body = json!({"email": email, "password": "p"}).to_string();
    world.answer(&post(SIGN_IN, &body));
}

fn address(world: &World, token: &str, method: &str, query: &str) -> Answer {
    let mut request = get(ADDRESS).query(query).cookie(token);
    request.method = method.to_owned();
    world.answer(&request)
}

/// What is stored of Bob, by the name of its key.
fn left(world: &World) -> Vec<String> {
    let counted = crate::limits::Attempt::SignIn.account_key("bob@example.test");
    let dump = world.dump();
    let pairs = dump.split("\", \"");
    let is_bobs = |pair: &&str| {
        [BOB, "bob@", "Bob@", &counted]
            .iter()
            .any(|his| pair.contains(his))
    };
    pairs.filter(is_bobs).map(str::to_owned).collect()
}

/// Bob is gone at Supabase as soon as he has been deleted there.
fn and_he_is_gone(world: World) -> World {
    world.supabase(AT_SUPABASE, 404, json!({"code": "user_not_found"}))
}

#[test]
fn what_is_stored_is_told_by_its_keys_and_without_tokens() {
    let (world, token, bobs) = world();
    let world = world.database(
        "authflow_stored",
        200,
        json!({"sessions": [{"id_hash": "x"}]}),
    );
    let answer = ask(&world, &token, "GET", &format!("{BOB}/data"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    assert_eq!(told["account"], bob());
    assert_eq!(told["database"]["sessions"][0]["id_hash"], "x");
    let redis = told["redis"].as_object().unwrap();
    assert_eq!(redis[&session_key(&bobs)]["supabase"], "sealed");
    assert_eq!(redis[&format!("user_profile:{BOB}")]["id"], BOB);
    for start in ["device:", "limit:{signin:account:"] {
        assert!(redis.keys().any(|key| key.starts_with(start)), "{start}");
    }
    let body = answer.body.unwrap();
    assert!(!body.contains(USER_ID) && !body.contains(bobs.split_once('.').unwrap().1));
    let event = audit(&world).pop().unwrap();
    assert_eq!(
        (&event["event"], &event["user_id"], &event["actor"]),
        (&json!("data_exported"), &json!(BOB), &json!(USER_ID))
    );
}

#[test]
fn whom_supabase_has_forgotten_is_told_as_far_as_anything_is_stored() {
    let (world, token, _) = world();
    let world = and_he_is_gone(world);
    let path = format!("{BOB}/data");
    let told = ask(&world, &token, "GET", &path).json();
    assert_eq!(told["account"], Value::Null);
    assert!(told["redis"][format!("user_profile:{BOB}")].is_object());
    let nobody = "5f6b7c8d-0000-4000-8000-000000000009/data";
    let unknown = json!({"code": "user_not_found"});
    let world = world.supabase(
        "/admin/users/5f6b7c8d-0000-4000-8000-000000000009",
        404,
        unknown,
    );
    let answer = ask(&world, &token, "GET", nobody);
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
}

#[test]
fn a_part_that_cannot_be_read_is_no_export() {
    for (function, status) in [
        ("authflow_stored", 404),
        ("authflow_owed", 500),
        ("authflow_stored", 500),
    ] {
        let (world, token, _) = world();
        let world = world.database(function, status, json!({}));
        let answer = ask(&world, &token, "GET", &format!("{BOB}/data"));
        assert_eq!(answer.code(), "store_unavailable", "{function}");
    }
    let (world, token, _) = world();
    let world = world.supabase(AT_SUPABASE, 502, json!(null));
    let answer = ask(&world, &token, "GET", &format!("{BOB}/data"));
    assert_eq!(answer.code(), "identity_unavailable");
}

#[test]
fn what_is_stored_under_an_address_is_told_and_forgotten_and_recorded_without_it() {
    let (world, token, _) = world();
    attempt(&world, "eve@example.test");
    let query = "email=%20Bob@example.test";
    let told = address(&world, &token, "GET", query).json();
    let keys: Vec<_> = told["redis"].as_object().unwrap().keys().collect();
    assert!(
        keys.len() == 1 && keys[0].starts_with("limit:{signin:account:"),
        "{keys:?}"
    );
    assert_eq!(address(&world, &token, "DELETE", query).status, 204);
    assert_eq!(address(&world, &token, "GET", query).code(), "not_found");
    assert_eq!(
        address(&world, &token, "GET", "email=eve@example.test").status,
        200
    );
    for event in audit(&world).iter().rev().skip(1).take(2) {
        assert_eq!(event["account"].as_str().unwrap().len(), 16);
        assert!(event["user_id"].is_null() && !event.to_string().contains("example"));
    }
    for odd in ["", "email=", "email=bob", "email=bob@"] {
        assert_eq!(
            address(&world, &token, "DELETE", odd).code(),
            "validation_failed"
        );
    }
}

#[test]
fn whoever_is_deleted_is_forgotten() {
    let (world, token, _) = world();
    assert!(left(&world).len() >= 5, "{:?}", left(&world));
    assert_eq!(ask(&world, &token, "DELETE", BOB).status, 204);
    world.run_tasks();
    assert!(left(&world).is_empty(), "{:?}", left(&world));
    let calls = world.host.calls();
    let order: Vec<_> = calls
        .iter()
        .filter_map(|call| {
            let body = call.body.as_deref().unwrap_or_default();
            let known = [
                ("sessions", body.contains("[\"SET\",\"sessions_ended")),
                ("counted", body.starts_with("[\"DEL\",\"limit")),
                ("account", call.method == "DELETE"),
                ("devices", body.starts_with("[\"DEL\",\"device")),
                ("database", call.url.ends_with("/authflow_forget")),
            ];
            known.into_iter().find_map(|(name, is)| is.then_some(name))
        })
        .collect();
    let expected = [
        "sessions", "counted", "account", "sessions", "devices", "database",
    ];
    assert_eq!(order, expected);
}

/// Whatever step fails, before or after it took effect, the same once more goes on.
#[test]
fn whatever_fails_says_so_and_the_same_again_forgets_all() {
    let steps = {
        let (world, token, _) = world();
        let before = world.host.calls().len();
        ask(&world, &token, "DELETE", BOB);
        world.host.calls().len() - before
    };
    let mut failed = 0;
    for step in 0..steps {
        for lost in LOST {
            let (world, token, _) = world();
            world.break_after(step, lost);
            // What is tried again fails again.
            (0..2).for_each(|_| world.host.break_next(lost));
            let answer = ask(&world, &token, "DELETE", BOB);
            world.run_tasks();
            if answer.status != 204 {
                assert_eq!(answer.status, 503, "{step}");
                failed += 1;
            }
            let was_deleted = world
                .host
                .calls()
                .iter()
                .any(|call| call.method == "DELETE");
            let world = if was_deleted {
                and_he_is_gone(world)
            } else {
                world
            };
            // Until what is left of the fault has passed.
            let mut again = (0..3).map(|_| ask(&world, &token, "DELETE", BOB).status);
            assert!(again.any(|status| status == 204), "{step}");
            world.run_tasks();
            let left = left(&world);
            assert!(left.is_empty(), "{step}: {left:?}");
        }
    }
    assert!(failed > steps, "{failed} of {steps}");
}

#[test]
fn what_the_database_does_not_forget_is_said() {
    for (status, is_unusable) in [(404, true), (500, false)] {
        let (world, token, bobs) = world();
        let world = world.database("authflow_forget", status, json!({}));
        let answer = ask(&world, &token, "DELETE", BOB);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "store_unavailable")
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.contains("deleted account") && detail.contains("same again"),
            "{detail}"
        );
        assert!(world.redis(&session_key(&bobs)).is_none());
        let lines = world.host.lines().join("\n");
        assert_eq!(lines.contains("database_unusable"), is_unusable);
        let world = world.database("authflow_forget", 200, Value::Null);
        assert_eq!(ask(&world, &token, "DELETE", BOB).status, 204, "again");
    }
}

#[test]
fn while_the_address_cannot_be_looked_up_nobody_is_deleted() {
    let (world, token, _) = world();
    let world = world
        .supabase(AT_SUPABASE, 502, json!(null))
        .supabase(DELETED, 200, json!({}));
    let answer = ask(&world, &token, "DELETE", BOB);
    assert_eq!(answer.code(), "identity_unavailable");
    assert!(
        !world
            .host
            .calls()
            .iter()
            .any(|call| call.method == "DELETE")
    );
}

#[test]
fn whoever_deletes_their_own_account_is_forgotten_too() {
    let (world, _, _) = world();
    let me = serde_json::from_value::<Value>(session()["user"].clone()).unwrap();
    let world =
        world
            .supabase("/user", 200, me)
            .supabase("/token?grant_type=password", 200, session());
    let token = world.signed_in();
    let mut request = post(
        "/api/v1/simple_auth/delete-account",
        &json!({"current_password": "p"}).to_string(),
    );
    request = request.cookie(&token);
    let answer = world.answer(&request);
    assert_eq!(answer.status, 204, "{answer:?}");
    let world = world.database("authflow_forget", 500, json!({}));
    world.run_tasks();
    let dump = world.dump();
    for key in [
        format!("device:{USER_ID}"),
        format!("user_profile:{USER_ID}"),
    ] {
        assert!(!dump.contains(&key), "{dump}");
    }
    assert!(world.host.lines().join("\n").contains("user_not_forgotten"));
}
