use serde_json::json;

use super::PATH;
use crate::test_support::{
    APP, Answer, PHONE, World, get, post_form, session, session_at, user, user_with_factors,
};

const URI: &str = "otpauth://totp/app.test:ada@example.test?algorithm=SHA1&secret=JBSWY3DP";
const ONE: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001";
const CHALLENGE: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001/challenge";
const PHONE_CHALLENGE: &str = "/factors/bbbbbbbb-0000-4000-8000-000000000002/challenge";
const VERIFY: &str = "/factors/aaaaaaaa-0000-4000-8000-000000000001/verify";

fn world(variables: &[(&str, &str)], verified: &[&str]) -> World {
    let user = user_with_factors(verified);
    let totp = json!({"qr_code": "", "secret": "JBSWY3DP", "uri": URI});
    World::with(variables)
        .supabase("/token?grant_type=refresh_token", 200, session())
        .supabase("/token?grant_type=password", 200, session())
        .supabase("/logout", 204, serde_json::Value::Null)
        .supabase("/user", 200, user.clone())
        .supabase(
            "/factors",
            200,
            json!({"id": APP, "type": "totp", "totp": totp}),
        )
        .supabase(ONE, 200, json!({"id": APP}))
        .supabase(CHALLENGE, 200, json!({"id": APP}))
        .supabase(PHONE_CHALLENGE, 200, json!({"id": PHONE}))
        .supabase(VERIFY, 200, session_at("aal2", &user))
}

fn submit(world: &World, token: &str, fields: &[(&str, &str)]) -> Answer {
    world.answer(&post_form(PATH, fields).cookie(token))
}

fn give(world: &World, token: &str, code: &str, next: &str) -> Answer {
    let fields = [
        ("factor_id", APP),
        ("uri", URI),
        ("code", code),
        ("next", next),
    ];
    submit(world, token, &fields)
}

#[test]
fn the_list_shows_what_counts_and_what_can_be_added() {
    let world = world(&[("PHONE_FACTORS", "1")], &[APP]);
    let answer = world.answer(&get(PATH).cookie(&world.signed_in()));
    insta::assert_snapshot!(answer.main(), @r#"

    <h1>Second factors</h1>
    <nav><a href="/auth/account"><span aria-hidden="true">←</span> Account</a></nav>
    <p>Whoever learns your password cannot sign in without your second factor.</p>
    <ul class="list">
    <li>
    <span id="factor-1">my totp</span>
    <form method="post" action="/auth/account/second-factor">
    <input type="hidden" name="remove" value="aaaaaaaa-0000-4000-8000-000000000001">
    <button class="second" id="remove-1" aria-labelledby="remove-1 factor-1">Remove</button>
    </form>
    </li>
    </ul>
    <section>
    <h2>Add an authenticator app</h2>
    <p>An app on your phone or computer shows a new code every half minute.</p>
    <form method="post" action="/auth/account/second-factor">
    <input type="hidden" name="type" value="totp">
    <button>Add an app</button>
    </form>
    </section>
    <section>
    <h2>Add a phone</h2>
    <form method="post" action="/auth/account/second-factor">
    <input type="hidden" name="type" value="phone">
    <div class="field">
    <label for="phone">Phone number</label>
    <div id="phone-note">
    <p class="hint">With the country code, as in +49 30 901820.</p>
    </div>
    <input id="phone" name="phone" type="tel" autocomplete="tel" maxlength="32" value="" required aria-describedby="phone-note">
    </div>
    <button>Add a phone</button>
    </form>
    </section>
    "#);
}

#[test]
fn a_phone_is_offered_where_the_operator_says_so() {
    let world = world(&[], &[]);
    let answer = world.answer(&get(PATH).cookie(&world.signed_in()));
    assert!(!answer.main().contains("name=\"phone\""));
    assert!(answer.main().contains("You have none yet."));
}

#[test]
fn an_app_is_enrolled_with_a_picture_and_a_code() {
    let world = world(&[], &[]);
    let token = world.signed_in();
    let answer = submit(
        &world,
        &token,
        &[("type", "totp"), ("current_password", "p")],
    );
    assert_eq!(answer.status, 200);
    let (before, picture) = answer.main().split_once("<svg ").unwrap();
    let (_, after) = picture.split_once("</svg>").unwrap();
    insta::assert_snapshot!(format!("{before}[picture]{after}"), @r#"

    <h1>Add a second factor</h1>
    <p>Scan this picture with your authenticator app.</p>
    <div class="qr" role="img" aria-label="QR code for your authenticator app">[picture]</div>
    <p>Or type this key into the app:</p>
    <pre>JBSWY3DP</pre>
    <p>Enter the code that your authenticator app shows.</p>
    <form method="post" action="/auth/account/second-factor">
    <input type="hidden" name="factor_id" value="aaaaaaaa-0000-4000-8000-000000000001">
    <input type="hidden" name="uri" value="otpauth://totp/app.test:ada@example.test?algorithm=SHA1&#38;secret=JBSWY3DP">
    <div class="field">
    <label for="code">Code</label>
    <input id="code" name="code" class="code" type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="10" value="" required>
    </div>
    <button>Confirm</button>
    </form>
    <p class="links"><a href="/auth/account/second-factor">Begin again</a></p>
    "#);
    let done = give(&world, &token, "123456", "");
    assert_eq!(done.status, 303);
    let list = "https://app.test/auth/account/second-factor?done=enrolled";
    assert_eq!(done.header("location"), Some(list));
    assert!(done.header("set-cookie").is_some());
}

#[test]
fn the_first_factor_takes_the_password() {
    let world = world(&[("PHONE_FACTORS", "1")], &[]);
    let token = world.signed_in();
    let list = world.answer(&get(PATH).cookie(&token));
    assert!(
        list.main()
            .contains(r#"<input id="current_password" name="current_password""#)
    );
    assert!(
        list.main()
            .contains(r#"<input id="phone_password" name="current_password""#)
    );
    let without = submit(&world, &token, &[("type", "totp")]);
    assert_eq!(without.status, 422);
    assert!(without.main().contains("Enter your current password."));
    assert!(!without.main().contains("JBSWY3DP"));
}

#[test]
fn an_enrolment_on_the_way_to_something_leads_on() {
    let world = world(&[], &[]);
    let done = give(&world, &world.signed_in(), "123456", "/safe");
    assert_eq!(done.header("location"), Some("https://app.test/safe"));
}

#[test]
fn a_wrong_first_code_shows_the_same_picture_again() {
    let world = world(&[], &[]).supabase_refuses(VERIFY, "mfa_verification_failed");
    let token = world.signed_in();
    let first = submit(
        &world,
        &token,
        &[("type", "totp"), ("current_password", "p")],
    );
    let again = give(&world, &token, "000000", "");
    assert_eq!(again.status, 422);
    let picture = |answer: &Answer| {
        let (_, picture) = answer.main().split_once("<svg ").unwrap();
        picture.split_once("</svg>").unwrap().0.to_owned()
    };
    assert_eq!(picture(&first), picture(&again));
    assert!(again.main().contains("<pre>JBSWY3DP</pre>"));
}

#[test]
fn what_is_no_address_of_an_app_is_not_shown() {
    let world = world(&[], &[]).supabase_refuses(VERIFY, "mfa_verification_failed");
    let token = world.signed_in();
    let long = format!("otpauth://totp/{}", "x".repeat(600));
    for uri in ["https://evil.test/", "otpauth://hotp/x", &long] {
        let fields = [("factor_id", APP), ("uri", uri), ("code", "000000")];
        let answer = submit(&world, &token, &fields);
        assert!(!answer.main().contains("<svg"), "{uri}");
    }
}

#[test]
fn a_phone_has_its_first_code_sent_at_once() {
    let begun = json!({"id": PHONE, "type": "phone"});
    let world = world(&[("PHONE_FACTORS", "1")], &[]).supabase("/factors", 200, begun);
    let token = world.signed_in();
    let fields = [
        ("type", "phone"),
        ("current_password", "p"),
        ("phone", "+1 555 123 4567"),
    ];
    let answer = submit(&world, &token, &fields);
    assert_eq!(answer.status, 200);
    assert!(world.asked().contains(&PHONE_CHALLENGE.to_owned()));
    assert!(
        answer
            .main()
            .contains(&format!("name=\"challenge_id\" value=\"{PHONE}\""))
    );
    let wrong = submit(
        &world,
        &token,
        &[
            ("type", "phone"),
            ("current_password", "p"),
            ("phone", "555"),
        ],
    );
    assert_eq!(wrong.status, 422);
    assert!(
        wrong.main().contains("value=\"555\""),
        "it can be corrected"
    );
}

#[test]
fn a_phone_that_is_not_offered_is_refused() {
    let world = world(&[], &[]);
    let fields = [("type", "phone"), ("phone", "+1 555 123 4567")];
    let answer = submit(&world, &world.signed_in(), &fields);
    assert_eq!(answer.status, 422);
    let told = "This site takes no second factor of this kind.";
    assert!(answer.main().contains(told), "{}", answer.main());
    assert!(!world.asked().contains(&"/factors".to_owned()));
}

#[test]
fn whoever_has_a_factor_gives_it_before_a_change() {
    let world = world(&[], &[PHONE]);
    let token = world.signed_in();
    for fields in [("type", "totp"), ("remove", PHONE)] {
        let answer = submit(&world, &token, &[fields]);
        let here = "https%3A%2F%2Fapp.test%2Fauth%2Faccount%2Fsecond-factor";
        let step_up = format!("https://app.test/auth/step-up?next={here}");
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some(step_up.as_str()))
        );
    }
}

#[test]
fn a_factor_is_removed_by_a_button() {
    let world = world(&[], &[]);
    let answer = submit(&world, &world.signed_in(), &[("remove", APP)]);
    let list = "https://app.test/auth/account/second-factor?done=removed";
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some(list))
    );
    let world = world.supabase("/user", 200, user());
    let gone = submit(&world, &world.signed_in(), &[("remove", APP)]);
    assert_eq!(gone.status, 404);
    assert!(gone.main().contains("role=\"alert\""));
}

#[test]
fn whoever_is_not_signed_in_does_that_first_and_comes_back() {
    let here = "https%3A%2F%2Fapp.test%2Fauth%2Faccount%2Fsecond-factor";
    let signin = format!("https://app.test/auth/signin?next={here}");
    let world = World::new();
    for request in [get(PATH), post_form(PATH, &[("type", "totp")])] {
        let answer = world.answer(&request);
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some(signin.as_str()))
        );
    }
}
