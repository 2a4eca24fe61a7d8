use core::time::Duration;

use serde_json::{Value, json};

use super::PATH;
use crate::{
    request::Request,
    test_support::{Answer, LOST, World, get, post_form, session, user},
};

const ADMIN: &str = "/admin/users/5f6b7c8d-0000-4000-8000-000000000001";
const FORMS: [&str; 4] = ["name", "email", "password", "delete"];

fn world() -> World {
    World::with(&[("SUPABASE_SERVICE_ROLE_KEY", "service")])
        .supabase("/token?grant_type=password", 200, session())
        .supabase("/logout", 204, Value::Null)
        .supabase("/user", 200, user())
        .supabase(ADMIN, 200, json!({}))
}

fn open(world: &World, token: &str, query: &str) -> Answer {
    world.answer(&get(PATH).query(query).cookie(token))
}

fn form(path: &str, fields: &[(&str, &str)], token: &str) -> Request {
    post_form(&format!("{PATH}/{path}"), fields).cookie(token)
}

fn lives(world: &World, token: &str) -> bool {
    let (id, _) = token.split_once('.').unwrap();
    world.redis(&format!("session:{id}")).is_some()
}

#[track_caller]
fn leads_to(answer: &Answer, location: &str) {
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(answer.header("location"), Some(location));
}

#[test]
fn the_account_at_a_glance() {
    let world = world();
    let (other, own) = (world.signed_in(), world.signed_in());
    let mut moving = user();
    moving["new_email"] = "new@example.test".into();
    let world = world.supabase("/user", 200, moving);
    let answer = open(&world, &own, "");
    let id = other.split_once('.').unwrap().0;
    insta::assert_snapshot!(answer.main().replace(id, "[id]"), @r#"

    <h1>Account</h1>
    <nav aria-label="Account"><a href="/auth/account" aria-current="page">Account</a> <a href="/auth/signout">Sign out</a></nav>
    <section>
    <h2>Profile</h2>
    <ul class="list">
    <li><div><p>Name</p><p class="faint">Ada</p>
    </div>
    <a class="button second" href="/auth/account/name" aria-label="Change: Name">Change</a></li>
    <li><div><p>E-mail address</p><p class="faint">ada@example.test</p>
    <p class="hint">new@example.test is not confirmed yet. Follow the links in both mails, to the old address and to the new one.</p>
    </div>
    <a class="button second" href="/auth/account/email" aria-label="Change: E-mail address">Change</a></li>
    </ul>
    </section>
    <section>
    <h2>Sign-in</h2>
    <ul class="list">
    <li><div><p>Password</p><p class="faint"></p>
    </div>
    <a class="button second" href="/auth/account/password" aria-label="Change: Password">Change</a></li>
    <li><div><p>Second factor</p><p class="faint">Off</p>
    </div>
    <a class="button second" href="/auth/account/second-factor" aria-label="Change: Second factor">Change</a></li>
    </ul>
    </section>
    <section>
    <h2>Sessions and devices</h2>
    <ul class="list">
    <li><div><p>Firefox on Linux <strong class="mark">This device</strong></p><p class="faint">192.0.2.0/24 · active now</p></div>
    </li>
    <li><div><p>Firefox on Linux</p><p class="faint">192.0.2.0/24 · active now</p></div>
    <form method="post" action="/auth/account/sessions/end">
    <input type="hidden" name="id" value="[id]">
    <button class="second" aria-label="End: Firefox on Linux">End</button>
    </form>
    </li>
    </ul>
    <form method="post" action="/auth/account/sessions/end-others">
    <button class="second">End all others</button>
    </form>
    </section>
    <section>
    <h2>Delete the account</h2>
    <a class="button second" href="/auth/account/delete">Delete the account</a>
    </section>
    "#);
    assert!(answer.body.unwrap().contains("class=\"wide\""));
}

#[test]
fn whoever_is_not_signed_in_is_sent_to_sign_in_and_back() {
    let world = world();
    let signin = "https://app.test/auth/signin?next=https%3A%2F%2Fapp.test%2Fauth%2Faccount";
    leads_to(&world.answer(&get(PATH)), signin);
    for path in FORMS {
        let own = format!("{signin}%2F{path}");
        leads_to(&world.answer(&get(&format!("{PATH}/{path}"))), &own);
        let fields = [
            ("name", "Ada"),
            ("email", "a@b.test"),
            ("current_password", "p"),
            ("password", "q"),
        ];
        leads_to(
            &world.answer(&post_form(&format!("{PATH}/{path}"), &fields)),
            &own,
        );
    }
    for path in ["sessions/end", "sessions/end-others"] {
        leads_to(
            &world.answer(&post_form(&format!("{PATH}/{path}"), &[])),
            signin,
        );
    }
    let ended = world.signed_in();
    world.forget(&format!("session:{}", ended.split_once('.').unwrap().0));
    leads_to(&open(&world, &ended, ""), signin);
    assert_eq!(world.asked(), ["/token?grant_type=password"]);
}

#[test]
fn a_word_in_the_address_is_one_of_ours_or_shows_nothing() {
    let world = world();
    let token = world.signed_in();
    for word in ["name", "email", "password", "session", "sessions"] {
        let answer = open(&world, &token, &format!("done={word}"));
        assert!(
            answer.main().contains("class=\"done\" role=\"status\""),
            "{word}"
        );
    }
    for word in ["", "x", "%3Cb%3Eyou%20won", "name&done=name"] {
        let answer = open(&world, &token, &format!("done={word}"));
        assert!(!answer.main().contains("role=\"status\""), "{word}");
        assert!(!answer.main().contains("you won"), "{word}");
    }
}

#[test]
fn without_supabase_sessions_can_still_be_seen_and_ended() {
    for breakage in LOST {
        let world = world();
        let (other, own) = (world.signed_in(), world.signed_in());
        // The session, the list, each of it; then Supabase.
        world.break_after(3, breakage);
        let answer = open(&world, &own, "");
        assert_eq!(answer.status, 200);
        let main = answer.main();
        assert!(
            main.contains("role=\"alert\"") && main.contains("ada@example.test"),
            "{main}"
        );
        assert!(main.contains(other.split_once('.').unwrap().0));
        assert!(!main.contains("/auth/account/name"));
    }
}

#[test]
fn a_session_that_supabase_ended_leads_to_the_sign_in_page() {
    let world = world();
    let token = world.signed_in();
    let world = world.supabase_refuses("/user", "session_not_found");
    let signin = "https://app.test/auth/signin?next=https%3A%2F%2Fapp.test%2Fauth%2Faccount";
    let answer = open(&world, &token, "");
    leads_to(&answer, signin);
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
}

#[test]
fn sessions_end_one_by_one_and_all_others_at_once() {
    let world = world();
    let (own, one, two) = (world.signed_in(), world.signed_in(), world.signed_in());
    let id = one.split_once('.').unwrap().0;
    let answer = world.answer(&form("sessions/end", &[("id", id)], &own));
    leads_to(&answer, "https://app.test/auth/account?done=session");
    assert!(answer.header("set-cookie").is_none());
    assert!(!lives(&world, &one) && lives(&world, &two));
    let answer = world.answer(&form("sessions/end-others", &[], &own));
    leads_to(&answer, "https://app.test/auth/account?done=sessions");
    assert!(!lives(&world, &two) && lives(&world, &own));
    let id = own.split_once('.').unwrap().0;
    let answer = world.answer(&form("sessions/end", &[("id", id)], &own));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert!(!lives(&world, &own));
}

#[test]
fn a_session_of_somebody_else_is_not_found_and_stays() {
    let world = world();
    let own = world.signed_in();
    let foreign = "00000000-0000-4000-8000-000000000001";
    world.put(&format!("session:{foreign}"), "{}");
    world.put(&format!("user_id:{foreign}"), "somebody-else");
    for id in [foreign, "00000000-0000-4000-8000-000000000002", "x", ""] {
        let answer = world.answer(&form("sessions/end", &[("id", id)], &own));
        assert_eq!(answer.status, 404, "{id}");
        assert!(answer.main().contains("<h1>Not found</h1>"));
    }
    assert!(world.redis(&format!("session:{foreign}")).is_some());
}

#[test]
fn another_site_can_send_no_form() {
    let world = world();
    let token = world.signed_in();
    let calls = world.host.calls().len();
    let paths = FORMS.iter().chain(&["sessions/end", "sessions/end-others"]);
    for path in paths {
        let form = form(path, &[("current_password", "p")], &token);
        let answer = world.answer(&form.with("sec-fetch-site", "cross-site"));
        assert_eq!(answer.status, 403, "{path}");
    }
    assert_eq!(world.host.calls().len(), calls);
}

#[test]
fn opening_a_form_changes_nothing() {
    for path in FORMS {
        let world = world();
        let token = world.signed_in();
        let answer = world.answer(&get(&format!("{PATH}/{path}")).cookie(&token));
        assert_eq!(answer.status, 200, "{path}");
        let action = format!("<form method=\"post\" action=\"{PATH}/{path}\">");
        assert!(answer.main().contains(&action), "{}", answer.main());
        let mut methods = world.host.calls().into_iter().map(|call| call.method);
        assert!(methods.all(|method| method == "GET" || method == "POST"));
        assert!(lives(&world, &token));
    }
}

#[test]
fn a_name_is_shown_and_changed() {
    let world = world();
    let token = world.signed_in();
    let shown = world.answer(&get("/auth/account/name").cookie(&token));
    assert!(shown.main().contains("value=\"Ada\""));
    let answer = world.answer(&form("name", &[("name", " Augusta Ada ")], &token));
    leads_to(&answer, "https://app.test/auth/account?done=name");
    let calls = world.host.calls();
    let sent = calls.iter().rfind(|call| call.method == "PUT").unwrap();
    assert_eq!(
        sent.body.as_deref(),
        Some(r#"{"data":{"name":"Augusta Ada"}}"#)
    );
    for (name, status) in [
        ("", 422),
        ("  ", 422),
        (&"x".repeat(101), 422),
        (&"é".repeat(100), 303),
    ] {
        let answer = world.answer(&form("name", &[("name", name)], &token));
        assert_eq!(answer.status, status, "{name}");
    }
    let odd = "\"><script>alert(1)</script>";
    let long = format!("{odd}{}", "x".repeat(100));
    let answer = world.answer(&form("name", &[("name", &long)], &token));
    assert!(!answer.main().contains("<script"), "{}", answer.main());
}

#[test]
fn an_address_is_changed_with_the_password() {
    let world = world();
    let token = world.signed_in();
    let fields = [("email", "new@example.test"), ("current_password", "p")];
    let answer = world.answer(&form("email", &fields, &token));
    leads_to(&answer, "https://app.test/auth/account?done=email");
    let world = world.supabase_refuses("/token?grant_type=password", "invalid_credentials");
    let answer = world.answer(&form("email", &fields, &token));
    assert_eq!(answer.status, 422);
    insta::assert_snapshot!(answer.main(), @r##"

    <h1>Change your e-mail address</h1>
    <div class="alert" role="alert" tabindex="-1" autofocus>
    <p>Please correct this:</p>
    <ul>
    <li><a href="#current_password">This is not your current password. If you have never set one, do so by “Forgot your password?”.</a></li>
    </ul>
    </div>
    <p>A mail comes to your current address and one to the new one. The address changes once you have followed the links in both.</p>
    <form method="post" action="/auth/account/email">
    <div class="field">
    <label for="email">New e-mail address</label>
    <input id="email" name="email" type="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" value="new@example.test" required>
    </div>
    <div class="field">
    <label for="current_password">Current password</label>
    <div id="current_password-note">
    <p class="error">This is not your current password. If you have never set one, do so by “Forgot your password?”.</p>
    </div>
    <input id="current_password" name="current_password" type="password" autocomplete="current-password" value="" required aria-invalid="true" aria-describedby="current_password-note">
    </div>
    <button>Save</button>
    </form>
    <p class="links"><a href="/auth/account">Back to the account</a> <a href="/auth/forgot?next=https%3A%2F%2Fapp.test%2Fauth%2Faccount">Forgot your password?</a></p>
    "##);
}

#[test]
fn a_new_password_leads_back_with_a_new_cookie() {
    let world = world();
    let (own, other) = (world.signed_in(), world.signed_in());
    let fields = [("current_password", "p"), ("password", "new words")];
    let answer = world.answer(&form("password", &fields, &own));
    leads_to(&answer, "https://app.test/auth/account?done=password");
    assert!(
        answer
            .header("set-cookie")
            .unwrap()
            .starts_with("__Host-authflow=")
    );
    assert!(!lives(&world, &own) && !lives(&world, &other));

    world.host.advance(Duration::from_secs(1));
    let own = world.signed_in();
    let world = world.supabase_refuses("/token?grant_type=password", "invalid_credentials");
    let answer = world.answer(&form("password", &fields, &own));
    assert_eq!(answer.status, 422);
    assert!(!answer.body.unwrap().contains("new words"));
}

#[test]
fn whoever_has_a_second_factor_is_led_to_it() {
    let world = world();
    let token = world.signed_in();
    let mut secured = user();
    secured["factors"] = json!([{"id": "x", "status": "verified", "factor_type": "totp"}]);
    let world = world.supabase("/user", 200, secured);
    let answer = world.answer(&form("delete", &[("current_password", "p")], &token));
    assert_eq!(answer.status, 403);
    let link = "href=\"/auth/step-up?next=https%3A%2F%2Fapp.test%2Fauth%2Faccount\"";
    assert!(answer.main().contains(link), "{}", answer.main());
    assert!(lives(&world, &token));
    assert!(open(&world, &token, "").main().contains(">On</p>"));
}

#[test]
fn an_account_is_deleted_on_a_page_of_its_own() {
    let world = world();
    let token = world.signed_in();
    let shown = world.answer(&get("/auth/account/delete").cookie(&token));
    insta::assert_snapshot!(shown.main(), @r#"

    <h1>Delete the account</h1>
    <p>This deletes your account for good and signs you out everywhere. It cannot be undone.</p>
    <form method="post" action="/auth/account/delete">
    <div class="field">
    <label for="current_password">Current password</label>
    <input id="current_password" name="current_password" type="password" autocomplete="current-password" value="" required>
    </div>
    <button class="danger">Delete for good</button>
    </form>
    <p class="links"><a href="/auth/account">Back to the account</a> <a href="/auth/forgot?next=https%3A%2F%2Fapp.test%2Fauth%2Faccount">Forgot your password?</a></p>
    "#);
    let answer = world.answer(&form("delete", &[("current_password", "p")], &token));
    leads_to(
        &answer,
        "https://app.test/auth/signin?reason=account_deleted",
    );
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert!(!lives(&world, &token));
}

#[test]
fn where_accounts_cannot_be_deleted_no_page_offers_it() {
    let world = World::new().supabase("/user", 200, user());
    let token = world.signed_in();
    assert!(
        !open(&world, &token, "")
            .main()
            .contains("/auth/account/delete")
    );
    let page = world.answer(&get("/auth/account/delete").cookie(&token));
    assert_eq!(page.status, 404);
    let sent = world.answer(&form("delete", &[("current_password", "p")], &token));
    assert_eq!(sent.status, 404);
    assert!(lives(&world, &token));
}
