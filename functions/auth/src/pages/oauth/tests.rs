use authflow_shared::hex;
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    form,
    request::Request,
    test_support::{Answer, LOST, World, get, post_form, session, session_of, user},
};

const GOOGLE: &str = "/auth/oauth/google";
const CALLBACK: &str = "/auth/callback";
const TOKEN: &str = "/token";

fn world() -> World {
    World::with(&[("OAUTH_PROVIDERS", "google,github,azure")]).supabase(TOKEN, 200, session())
}

/// A browser at its provider.
struct Tab {
    /// Where the page led it.
    url: String,
    state: String,
    /// The cookie that ties it to its browser.
    cookie: String,
}

impl Tab {
    fn of(answer: &Answer) -> Self {
        let url = answer.header("refresh").unwrap().strip_prefix("0; url=");
        let url = url.unwrap().to_owned();
        let back = form::field(url.split_once('?').unwrap().1, "redirect_to").unwrap();
        let cookie = answer.cookies().pop().unwrap();
        Self {
            url,
            state: form::field(back.split_once('?').unwrap().1, "state").unwrap(),
            cookie: cookie.split(';').next().unwrap().to_owned(),
        }
    }

    fn open(world: &World, next: &str) -> Self {
        Self::of(&world.answer(&post_form(GOOGLE, &[("next", next)])))
    }

    /// Its way back, with what Supabase adds.
    fn back(&self, fields: &str) -> Request {
        let query = format!("{fields}&state={}", self.state);
        let request = get(CALLBACK).query(&query).with("cookie", &self.cookie);
        request.with("sec-fetch-site", "cross-site")
    }

    fn key(&self) -> String {
        format!("oauth:{}", hex::encode(&Sha256::digest(&self.state)))
    }
}

fn is_signed_in(answer: &Answer) -> bool {
    let cookies = answer.cookies();
    cookies
        .iter()
        .any(|cookie| cookie.starts_with("__Host-authflow="))
}

/// Refused by a page with a link to the sign-in page, without a session.
#[track_caller]
fn refused(world: &World, answer: &Answer, status: u16, code: &str) {
    assert_eq!(world.logged()["outcome"], code);
    assert_eq!(answer.status, status);
    assert!(answer.main().contains("href=\"/auth/signin"));
    assert!(!is_signed_in(answer));
}

/// How often a code was redeemed.
fn redeemed(world: &World) -> usize {
    let asked = world.asked();
    asked.iter().filter(|path| path.starts_with(TOKEN)).count()
}

#[test]
fn the_buttons_stand_on_both_pages_in_their_order_and_keep_next() {
    let world = World::with(&[("OAUTH_PROVIDERS", "github,azure")]);
    let answer = world.answer(&get("/auth/signin").query("next=/app?a=b%26c"));
    let (_, buttons) = answer.main().split_once("Sign in</button>\n").unwrap();
    insta::assert_snapshot!(buttons, @r#"
    </form>
    <p class="links"><a href="/auth/forgot?next=https%3A%2F%2Fapp.test%2Fapp%3Fa%3Db%26c">Forgot your password?</a></p>
    <p class="or">or</p>
    <form method="post" action="/auth/oauth/github">
    <input type="hidden" name="next" value="https://app.test/app?a=b&#38;c">
    <button class="second">Continue with GitHub</button>
    </form>
    <form method="post" action="/auth/oauth/azure">
    <input type="hidden" name="next" value="https://app.test/app?a=b&#38;c">
    <button class="second">Continue with Microsoft</button>
    </form>
    <p class="links">No account yet? <a href="/auth/signup?next=https%3A%2F%2Fapp.test%2Fapp%3Fa%3Db%26c">Sign up</a></p>
    "#);
    let german = get("/auth/signup").with("accept-language", "de");
    let answer = world.answer(&german);
    assert!(answer.main().contains(">Weiter mit GitHub</button>"));
    let answer = World::new().answer(&get("/auth/signup"));
    assert!(!answer.main().contains("/auth/oauth/"));
}

#[test]
fn a_button_leads_to_supabase_with_a_page() {
    let world = world();
    let answer = world.answer(&post_form(GOOGLE, &[("next", "/app/x")]));
    assert_eq!(
        answer.status, 200,
        "no redirect, which form-action would stop"
    );
    let tab = Tab::of(&answer);
    let shown = answer.main().replace(&tab.state, "[state]");
    let challenge = form::field(&tab.url, "code_challenge").unwrap();
    insta::assert_snapshot!(shown.replace(&challenge, "[challenge]"), @r#"

    <h1>Continue with Google</h1>
    <p>You are being taken to another site to sign in. If nothing happens, press the button.</p>
    <p><a class="button" href="https://supabase.test/auth/v1/authorize?provider=google&#38;redirect_to=https%3A%2F%2Fapp.test%2Fauth%2Fcallback%3Fstate%3D[state]&#38;code_challenge=[challenge]&#38;code_challenge_method=s256">Continue with Google</a></p>
    "#);
    let cookie = answer.cookies().pop().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-authflow-oauth-"), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
}

#[test]
fn microsoft_is_asked_for_an_address() {
    let tab = Tab::of(&world().answer(&post_form("/auth/oauth/azure", &[])));
    assert!(tab.url.contains("provider=azure&"));
    assert!(tab.url.ends_with("&scopes=email"));
}

#[test]
fn the_secrets_are_three_and_redis_shows_none() {
    let world = world();
    let tab = Tab::open(&world, "/app");
    let (_, binding) = tab.cookie.split_once('=').unwrap();
    assert_eq!((tab.state.len(), binding.len()), (43, 43));
    assert_ne!(tab.state, binding);
    let dump = world.dump();
    assert!(!dump.contains(&tab.state) && !dump.contains(binding));
    assert!(world.redis(&tab.key()).is_some());
    // Neither is where the person wants to go any business of the provider's.
    assert!(!tab.url.contains("app%2F") && !tab.url.contains("next"));
    assert!(!tab.url.contains(binding));
}

#[test]
fn the_way_back_signs_in_and_leads_on() {
    let world = world();
    let tab = Tab::open(&world, "/app/x?a=b");
    let answer = world.answer(&tab.back("code=c0de"));
    assert_eq!(answer.status, 303);
    let to = Some("https://app.test/app/x?a=b");
    assert_eq!(answer.header("location"), to);
    assert!(is_signed_in(&answer));
    let (name, _) = tab.cookie.split_once('=').unwrap();
    let cleared = format!("{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
    assert!(answer.cookies().contains(&cleared.as_str()));

    let calls = world.host.calls();
    let call = calls.iter().find(|call| call.url.contains(TOKEN)).unwrap();
    let body: Value = serde_json::from_str(call.body.as_deref().unwrap()).unwrap();
    assert_eq!(body["auth_code"], "c0de");
    let verifier = body["code_verifier"].as_str().unwrap();
    let challenge = Base64UrlUnpadded::encode_string(&Sha256::digest(verifier));
    assert_eq!(form::field(&tab.url, "code_challenge"), Some(challenge));
}

#[test]
fn next_leads_nowhere_else() {
    for next in [
        "https://evil.test/",
        "//evil.test",
        "",
        "javascript:alert(1)",
    ] {
        let world = world();
        let tab = Tab::open(&world, next);
        let answer = world.answer(&tab.back("code=c"));
        assert_eq!(
            answer.header("location"),
            Some("https://app.test/"),
            "{next}"
        );
    }
}

#[test]
fn a_sign_in_ends_once() {
    let world = world();
    let tab = Tab::open(&world, "/app");
    assert!(is_signed_in(&world.answer(&tab.back("code=c"))));
    for _ in 0..2 {
        let answer = world.answer(&tab.back("code=c"));
        refused(&world, &answer, 401, "oauth_expired");
    }
    assert_eq!(redeemed(&world), 1);
}

#[test]
fn a_sign_in_that_never_was_is_over() {
    let world = world();
    for query in [
        "",
        "code=c",
        "code=c&state=",
        "code=c&state=x",
        "state=a&state=b",
    ] {
        let answer = world.answer(&get(CALLBACK).query(query));
        refused(&world, &answer, 401, "oauth_expired");
    }
    assert_eq!(redeemed(&world), 0);
}

#[test]
fn another_browser_ends_nothing_but_the_sign_in() {
    let world = world();
    let (mine, other) = (Tab::open(&world, "/app"), Tab::open(&world, "/app"));
    let (name, secret) = mine.cookie.split_once('=').unwrap();
    let (_, of_other) = other.cookie.split_once('=').unwrap();
    for cookie in [
        "",
        &other.cookie,
        &format!("{name}={of_other}"),
        &format!("{name}={secret}; {name}={secret}"),
    ] {
        let tab = Tab::open(&world, "/app");
        let cookie = cookie.replace(name, tab.cookie.split_once('=').unwrap().0);
        let answer = world.answer(&tab.back("code=c").with("cookie", &cookie));
        refused(&world, &answer, 403, "oauth_other_browser");
        let answer = world.answer(&tab.back("code=c"));
        refused(&world, &answer, 401, "oauth_expired");
    }
    assert_eq!(redeemed(&world), 0);
}

#[test]
fn two_tabs_do_not_disturb_each_other() {
    let world = world();
    let (one, two) = (Tab::open(&world, "/app/1"), Tab::open(&world, "/app/2"));
    let jar = format!("{}; {}", one.cookie, two.cookie);
    for (tab, to) in [
        (&two, "https://app.test/app/2"),
        (&one, "https://app.test/app/1"),
    ] {
        let answer = world.answer(&tab.back("code=c").with("cookie", &jar));
        assert_eq!(answer.header("location"), Some(to));
        assert!(is_signed_in(&answer));
    }
}

#[test]
fn cookies_do_not_pile_up() {
    let world = world();
    let mut jar: Vec<String> = Vec::new();
    for count in 1..=6 {
        let request = post_form(GOOGLE, &[]).with("cookie", &jar.join("; "));
        for cookie in world.answer(&request).cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            if attributes.contains("Max-Age=0") {
                jar.retain(|kept| !kept.starts_with(pair));
            } else {
                jar.push(pair.to_owned());
            }
        }
        assert_eq!(jar.len(), count.min(4));
    }
}

#[test]
fn a_provider_that_was_turned_off_signs_nobody_in() {
    let before = world();
    let tab = Tab::open(&before, "/app");
    let after = World::with(&[("OAUTH_PROVIDERS", "github")]).supabase(TOKEN, 200, session());
    after.put(&tab.key(), &before.redis(&tab.key()).unwrap());
    let answer = after.answer(&tab.back("code=c"));
    refused(&after, &answer, 401, "oauth_expired");
    assert_eq!(redeemed(&after), 0);
}

#[test]
fn there_is_no_button_for_any_other_provider() {
    let world = World::with(&[("OAUTH_PROVIDERS", "github")]);
    for name in ["google", "GitHub", "facebook", "github%2f", "x&y"] {
        let path = format!("/auth/oauth/{name}");
        assert_eq!(world.answer(&post_form(&path, &[])).status, 404, "{name}");
    }
    assert!(world.host.calls().is_empty());
}

#[test]
fn opening_the_address_of_a_button_begins_nothing() {
    let world = world();
    let answer = world.answer(&get(GOOGLE).query("next=/app"));
    let to = "https://app.test/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp";
    assert_eq!((answer.status, answer.header("location")), (303, Some(to)));
    assert!(world.host.calls().is_empty());
}

#[test]
fn another_site_cannot_press_the_button() {
    let world = world();
    let form = post_form(GOOGLE, &[]).with("sec-fetch-site", "cross-site");
    assert_eq!(world.answer(&form).status, 403);
    assert!(world.host.calls().is_empty());
}

#[test]
fn beginning_is_limited_by_address() {
    let world = World::with(&[
        ("OAUTH_PROVIDERS", "google"),
        ("SIGNIN_LIMIT_ADDRESS", "2/300"),
    ]);
    for _ in 0..2 {
        Tab::open(&world, "/app");
    }
    let answer = world.answer(&post_form(GOOGLE, &[("next", "/app")]));
    refused(&world, &answer, 429, "too_many_attempts");
    assert!(answer.main().contains("?next="));
}

#[test]
fn a_look_at_the_way_back_uses_nothing_up() {
    let world = world();
    let tab = Tab::open(&world, "/app");
    let mut head = tab.back("code=c");
    head.method = "HEAD".into();
    assert_eq!(world.answer(&head).status, 405);
    assert!(is_signed_in(&world.answer(&tab.back("code=c"))));
}

#[test]
fn whoever_said_no_is_told_so_and_can_go_back() {
    let world = world();
    let tab = Tab::open(&world, "/app/x");
    let answer = world.answer(&tab.back("error=access_denied&error_description=%3Cb%3Ebad"));
    refused(&world, &answer, 403, "provider_denied");
    insta::assert_snapshot!(answer.main(), @r#"

    <h1>That did not work</h1>
    <p>The sign-in was cancelled at the other site, or refused there.</p>
    <p class="links"><a href="/auth/signin?next=https%3A%2F%2Fapp.test%2Fapp%2Fx">Sign in</a></p>
    "#);
    assert_eq!(answer.cookies().len(), 1, "the cookie is taken away");
    assert_eq!(redeemed(&world), 0);
    assert!(world.redis(&tab.key()).is_none());
}

#[test]
fn a_refusal_goes_before_a_code() {
    let world = world();
    let tab = Tab::open(&world, "/app");
    let answer = world.answer(&tab.back("code=c&error=server_error"));
    refused(&world, &answer, 503, "provider_unavailable");
    let tab = Tab::open(&world, "/app");
    let answer = world.answer(&tab.back("code="));
    refused(&world, &answer, 401, "oauth_expired");
    assert_eq!(redeemed(&world), 0);
}

#[test]
fn a_code_that_supabase_does_not_take_signs_nobody_in() {
    for (code, outcome) in [
        ("flow_state_not_found", "oauth_expired"),
        ("flow_state_expired", "oauth_expired"),
        ("bad_code_verifier", "oauth_expired"),
        ("validation_failed", "identity_unavailable"),
    ] {
        let world = world().supabase_refuses(TOKEN, code);
        let tab = Tab::open(&world, "/app");
        let answer = world.answer(&tab.back("code=c"));
        assert_eq!(world.logged()["outcome"], outcome, "{code}");
        assert!(!is_signed_in(&answer));
    }
}

#[test]
fn an_answer_that_is_lost_signs_nobody_in() {
    for breakage in LOST {
        let world = world();
        let tab = Tab::open(&world, "/app");
        world.break_after(1, breakage);
        let answer = world.answer(&tab.back("code=c"));
        refused(&world, &answer, 503, "identity_unavailable");
    }
}

#[test]
fn a_store_that_is_down_takes_no_cookie_away() {
    for breakage in LOST {
        let world = world();
        let tab = Tab::open(&world, "/app");
        world.break_after(0, breakage);
        let answer = world.answer(&tab.back("code=c"));
        refused(&world, &answer, 503, "store_unavailable");
        assert!(answer.cookies().is_empty());
    }
    let world = world();
    world.break_after(0, LOST[1]);
    let answer = world.answer(&post_form(GOOGLE, &[]));
    refused(&world, &answer, 503, "store_unavailable");
    assert!(answer.header("refresh").is_none(), "nobody could come back");
}

#[test]
fn an_address_must_be_there_and_confirmed() {
    for (field, value, code) in [
        ("email", json!(""), "provider_email_missing"),
        (
            "email_confirmed_at",
            Value::Null,
            "provider_email_unverified",
        ),
    ] {
        let mut user = user();
        user[field] = value;
        let world = world().supabase(TOKEN, 200, session_of(&user));
        let tab = Tab::open(&world, "/app");
        let answer = world.answer(&tab.back("code=c"));
        refused(&world, &answer, 403, code);
        world.run_tasks();
        assert_eq!(world.asked().pop().unwrap(), "/logout?scope=local");
    }
}

#[test]
fn a_second_factor_comes_all_the_same() {
    let mut user = user();
    user["factors"] = json!([{"id": "f", "status": "verified", "factor_type": "totp"}]);
    let world = world().supabase(TOKEN, 200, session_of(&user));
    let tab = Tab::open(&world, "/app");
    let answer = world.answer(&tab.back("code=c"));
    assert!(!is_signed_in(&answer));
    assert!(world.dump().contains("second_factor:"));
}

#[test]
fn the_session_before_is_replaced() {
    let world = world();
    let before = world.signed_in();
    let tab = Tab::open(&world, "/app");
    let jar = format!("{}; __Host-authflow={before}", tab.cookie);
    assert!(is_signed_in(
        &world.answer(&tab.back("code=c").with("cookie", &jar))
    ));
    let (id, _) = before.split_once('.').unwrap();
    assert!(world.redis(&format!("session:{id}")).is_none());
}

#[test]
fn only_an_account_that_was_there_before_is_told_of_a_new_device() {
    for (created_at, told) in [
        ("2026-11-23T08:00:00Z", true),
        ("2027-01-15T07:59:59.999Z", true),
        ("2027-01-15T08:00:00.123456Z", false),
        ("2027-01-15T08:00:07Z", false),
        ("", true),
    ] {
        let mut user = user();
        user["created_at"] = json!(created_at);
        let world = world().supabase(TOKEN, 200, session_of(&user));
        let tab = Tab::open(&world, "/app");
        assert!(is_signed_in(&world.answer(&tab.back("code=c"))));
        let lines = world.host.lines().join("\n");
        assert_eq!(
            lines.contains("\"event\":\"new_device\""),
            told,
            "{created_at}"
        );
    }
}
