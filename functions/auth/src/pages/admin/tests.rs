use serde_json::json;

use crate::{
    api::admin::tests::{
        ADMIN, AT_SUPABASE, BOB, audit, bob, session_key, signed_in, world, world_with,
    },
    test_support::{Answer, USER_ID, World, get, post_form, session_of, user as ada},
};

const PATH: &str = "/auth/admin";

fn page() -> String {
    format!("{PATH}/users/{BOB}")
}

/// Presses the button of a form.
fn press(world: &World, token: &str, deed: &str, fields: &[(&str, &str)]) -> Answer {
    world.answer(&post_form(&format!("{}/{deed}", page()), fields).cookie(token))
}

/// Each deed and the word of its note.
const DEEDS: [(&str, &str); 5] = [
    ("end-sessions", "sessions_ended"),
    ("lock", "user_locked"),
    ("unlock", "user_unlocked"),
    ("role", "role_changed"),
    ("delete", "user_deleted"),
];

#[test]
fn the_search_is_a_form_that_names_its_finds() {
    let (world, token) = world();
    let mut nameless = bob();
    nameless["email"] = "".into();
    nameless["email_confirmed_at"] = json!(null);
    let world = world.supabase("/admin/users", 200, json!({"users": [bob(), nameless]}));
    let calls = world.asked().len();
    let empty = world.answer(&get(PATH).cookie(&token));
    assert_eq!(world.asked().len(), calls + 1, "nobody was looked for");
    assert!(!empty.main().contains("<section>"));
    let found = world.answer(&get(PATH).query("email=bob").cookie(&token));
    assert_eq!(found.status, 200);
    insta::assert_snapshot!(found.main(), @r#"
<h1>Users</h1>
<search>
<form method="get" action="/auth/admin">
<div class="field">
<label for="email">A part of an e-mail address</label>
<input id="email" name="email" type="text" value="bob" required>
</div>
<button>Search</button>
</form>
</search>
<section>
<h2>Found</h2>
<ul class="list">
<li><a href="/auth/admin/users/5f6b7c8d-0000-4000-8000-000000000002">Bob@example.test</a> <span class="faint">authenticated, active</span></li>
<li><a href="/auth/admin/users/5f6b7c8d-0000-4000-8000-000000000002">5f6b7c8d-0000-4000-8000-000000000002</a> <span class="faint">authenticated, address not confirmed</span></li>
</ul>
</section>
"#);
    let world = world.supabase("/admin/users", 200, json!({"users": []}));
    let nobody = world.answer(&get(PATH).query("email=bob").cookie(&token));
    assert!(nobody.main().contains("No user has such an address."));
}

#[test]
fn a_search_that_is_cut_says_so() {
    let (world, token) = world();
    let world = world.supabase("/admin/users", 200, json!({"users": vec![bob(); 50]}));
    let full = world.answer(&get(PATH).query("email=bob").cookie(&token));
    assert!(full.main().contains("There may be more"));
}

#[test]
fn a_search_for_too_little_is_told_so() {
    let (world, token) = world();
    let answer = world.answer(&get(PATH).query("email=%22b").cookie(&token));
    assert_eq!(answer.status, 422);
    assert!(answer.main().contains("at least three characters"));
    assert!(answer.main().contains("value=\"&#34;b\""));
}

#[test]
fn a_users_page_shows_them_and_what_can_be_done() {
    let (world, token) = world();
    let (world, bobs) = signed_in(world, session_of(&bob()));
    let answer = world.answer(&get(&page()).cookie(&token));
    assert_eq!(answer.status, 200);
    let (session, _) = bobs.split_once('.').unwrap();
    insta::assert_snapshot!(answer.main().replace(session, "[session]"), @r#"
<h1>Bob@example.test</h1>
<nav><a href="/auth/admin"><span aria-hidden="true">←</span> Users</a></nav>
<dl>
<dt>Status</dt><dd>active</dd>
<dt>Role</dt><dd>authenticated</dd>
<dt>Signed up</dt><dd>2026-11-23 08:00 UTC</dd>
<dt>Last sign-in</dt><dd>2026-11-24 08:00 UTC</dd>
<dt>User ID</dt><dd><code>5f6b7c8d-0000-4000-8000-000000000002</code></dd>
</dl>
<section>
<h2>Sessions</h2>
<ul class="list">
<li>
<div id="s-[session]"><strong>Firefox on Linux</strong><br><span class="faint">Last used 2027-01-15 08:00 UTC, 192.0.2.0/24</span></div>
<form method="post" action="/auth/admin/users/5f6b7c8d-0000-4000-8000-000000000002/sessions/[session]"><button class="second" aria-describedby="s-[session]">End</button></form>
</li>
</ul>
<form method="post" action="/auth/admin/users/5f6b7c8d-0000-4000-8000-000000000002/end-sessions"><button class="second">End all sessions</button></form>
</section>
<section>
<h2>Role</h2>
<form method="post" action="/auth/admin/users/5f6b7c8d-0000-4000-8000-000000000002/role">
<div class="field">
<label for="role">New role</label>
<div id="role-note">
<p class="hint">All sessions of this user end, so that the new role counts at once.</p>
</div>
<input id="role" name="role" type="text" value="authenticated" required aria-describedby="role-note">
</div>
<button>Set the role</button>
</form>
</section>
<section>
<h2>Access</h2>
<p>Lets the user sign in again at once, even after too many attempts.</p>
<form method="post" action="/auth/admin/users/5f6b7c8d-0000-4000-8000-000000000002/unlock"><button class="second">Forget failed sign-ins</button></form>
<p>A locked account cannot sign in, and all its sessions end.</p>
<form method="post" action="/auth/admin/users/5f6b7c8d-0000-4000-8000-000000000002/lock"><button class="danger">Lock the account</button></form>
<details>
<summary class="button second">Delete the account</summary>
<p>The account is gone for good, and all its sessions end. This cannot be undone.</p>
<form method="post" action="/auth/admin/users/5f6b7c8d-0000-4000-8000-000000000002/delete"><button class="danger">Delete for good</button></form>
</details>
</section>
"#);
}

#[test]
fn a_device_has_its_name_in_the_admins_language() {
    let (world, token) = world_with(&[("FINGERPRINT_FACTORS", "user_agent")]);
    let (world, _) = signed_in(world, session_of(&bob()));
    let german = get(&page()).with("accept-language", "de").cookie(&token);
    assert!(world.answer(&german).main().contains("Firefox auf Linux"));
}

#[test]
fn a_locked_user_can_be_unlocked_and_ones_own_account_is_left_alone() {
    let (world, token) = world();
    let mut locked = bob();
    locked["banned_until"] = "2100-01-01T00:00:00Z".into();
    let world = world.supabase(AT_SUPABASE, 200, locked);
    let answer = world.answer(&get(&page()).cookie(&token));
    assert!(answer.main().contains("<dd>locked</dd>"));
    assert!(answer.main().contains("Unlock the account</button>"));
    assert!(!answer.main().contains("/lock\""));
    let own = format!("{PATH}/users/{USER_ID}");
    let answer = world.answer(&get(&own).cookie(&token));
    assert!(answer.main().contains("This is your own account"));
    for deed in ["role", "lock", "unlock", "delete"] {
        assert!(!answer.main().contains(&format!("/{deed}\"")), "{deed}");
    }
}

#[test]
fn each_button_does_one_thing_and_leads_back_with_a_note() {
    for (deed, word) in DEEDS {
        let (world, token) = world();
        let (world, bobs) = signed_in(world, session_of(&bob()));
        let answer = press(&world, &token, deed, &[("role", "editor")]);
        assert_eq!(answer.status, 303, "{deed}");
        let back = if deed == "delete" { PATH } else { &page() };
        let location = answer.header("location").unwrap();
        assert_eq!(location, format!("https://app.test{back}?done={word}"));
        assert_eq!(
            world.redis(&session_key(&bobs)).is_none(),
            deed != "unlock",
            "{deed}"
        );
        assert_eq!(audit(&world).len(), 1);
        let note = world.answer(&get(back).query(&format!("done={word}")).cookie(&token));
        assert!(note.main().contains("class=\"done\""), "{deed}");
    }
    let (world, token) = world();
    let odd = world.answer(&get(PATH).query("done=<b>").cookie(&token));
    assert!(!odd.main().contains("class=\"done\""));
}

#[test]
fn one_session_can_be_ended() {
    let (world, token) = world();
    let (world, bobs) = signed_in(world, session_of(&bob()));
    let (session, _) = bobs.split_once('.').unwrap();
    let answer = press(&world, &token, &format!("sessions/{session}"), &[]);
    let location = answer.header("location").unwrap();
    assert_eq!(
        location,
        format!("https://app.test{}?done=session_ended", page())
    );
    assert!(world.redis(&session_key(&bobs)).is_none());
    let answer = press(&world, &token, &format!("sessions/{session}"), &[]);
    assert_eq!(answer.status, 404, "it has ended already");
    assert!(answer.main().contains("<h1>Bob@example.test</h1>"));
}

#[test]
fn what_fails_is_said_above_the_users_page() {
    let (world, token) = world();
    let answer = press(&world, &token, "role", &[("role", "two words")]);
    assert_eq!(answer.status, 422);
    assert!(answer.main().contains("role=\"alert\""));
    assert!(
        answer.main().contains("<p class=\"error\""),
        "{}",
        answer.main()
    );
    let own = format!("{PATH}/users/{USER_ID}/delete");
    let answer = world.answer(&post_form(&own, &[]).cookie(&token));
    assert_eq!(answer.status, 409);
    assert!(answer.main().contains("Ask another admin."));
    let world = world.supabase(AT_SUPABASE, 404, json!({"code": "user_not_found"}));
    assert_eq!(press(&world, &token, "lock", &[]).status, 404);
    assert_eq!(press(&world, &token, "promote", &[]).status, 404);
}

#[test]
fn nobody_signed_in_goes_to_sign_in_and_comes_back() {
    let (world, _) = world();
    let encoded = "https%3A%2F%2Fapp.test%2Fauth%2Fadmin";
    for (request, next) in [
        (get(PATH), encoded.to_owned()),
        (
            get(PATH).query("email=bob"),
            format!("{encoded}%3Femail%3Dbob"),
        ),
        (get(&page()), format!("{encoded}%2Fusers%2F{BOB}")),
        (
            post_form(&format!("{}/lock", page()), &[]),
            format!("{encoded}%2Fusers%2F{BOB}"),
        ),
    ] {
        let answer = world.answer(&request);
        assert_eq!(answer.status, 303);
        let location = answer.header("location").unwrap();
        assert_eq!(
            location,
            format!("https://app.test/auth/signin?next={next}")
        );
    }
}

#[test]
fn who_is_no_admin_sees_and_does_nothing() {
    let (world, _) = world();
    let (world, bobs) = signed_in(world, session_of(&bob()));
    let mut requests = vec![get(PATH), get(PATH).query("email=bob"), get(&page())];
    for (deed, _) in DEEDS {
        requests.push(post_form(
            &format!("{}/{deed}", page()),
            &[("role", "admin")],
        ));
    }
    requests.push(post_form(&format!("{}/sessions/{BOB}", page()), &[]));
    for request in requests {
        let answer = world.answer(&request.cookie(&bobs));
        assert_eq!(answer.status, 403);
        assert!(answer.main().contains("Your account may not do this."));
    }
    assert!(world.redis(&session_key(&bobs)).is_some());
    let (world, token) = world_with(&[("ADMIN_AAL", "aal2")]);
    let world = world.supabase(ADMIN, 200, ada());
    assert_eq!(world.answer(&get(PATH).cookie(&token)).status, 403);
}

#[test]
fn who_must_give_a_second_factor_is_led_there_and_back() {
    let (world, token) = world_with(&[("ADMIN_AAL", "aal2")]);
    let answer = world.answer(&get(PATH).query("email=bob").cookie(&token));
    assert_eq!(answer.status, 403);
    insta::assert_snapshot!(answer.main(), @r#"

    <h1>That did not work</h1>
    <p>Give your second factor first.</p>
    <p class="links"><a href="/auth/step-up?next=https%3A%2F%2Fapp.test%2Fauth%2Fadmin%3Femail%3Dbob">Confirm that it is you</a></p>
    "#);
    let step_up = |next: &str| {
        format!(
            "href=\"/auth/step-up?next=https%3A%2F%2Fapp.test%2Fauth%2Fadmin%2Fusers%2F{next}\""
        )
    };
    let answer = world.answer(&get(&page()).cookie(&token));
    assert!(answer.main().contains(&step_up(BOB)));
    let answer = press(&world, &token, "lock", &[]);
    assert_eq!(answer.status, 403);
    assert!(answer.main().contains(&step_up(BOB)));
}

#[test]
fn what_users_chose_stays_text() {
    let (world, token) = world();
    let mut odd = bob();
    odd["email"] = "<script>alert(1)</script>".into();
    odd["app_metadata"]["role"] = "\"><script>".into();
    let world = world.supabase(AT_SUPABASE, 200, odd.clone()).supabase(
        "/admin/users",
        200,
        json!({"users": [odd]}),
    );
    for request in [get(&page()), get(PATH).query("email=bob")] {
        let answer = world.answer(&request.cookie(&token));
        assert_eq!(answer.status, 200);
        assert!(!answer.body.unwrap().contains("<script"));
    }
}
