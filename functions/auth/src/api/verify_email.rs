//! `POST /api/v1/simple_auth/verify-email`: the link in a mail becomes a session.
//!
//! A change of address has two links, one in the mail to each address: the first only counts, the
//! second changes the address and becomes a session.

use authflow_shared::{
    host::Host,
    json::Object,
    secret::Secret,
    supabase::{AuthError, account::EmailChange},
};

use crate::{
    change_email,
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    open_session::{self, Arrival, Entry},
    response::Response,
};

/// The links that sign in. `email` is what newer templates of Supabase call a sign-up or a magic
/// link; Supabase takes a recovery token for it too, which proves no less.
const KINDS: [&str; 5] = ["signup", "email", "invite", "magiclink", EMAIL_CHANGE];
pub(crate) const EMAIL_CHANGE: &str = "email_change";
/// The longest `token_hash` that Supabase makes has 61 characters.
const LONGEST_TOKEN: usize = 128;

/// What came of a link.
#[derive(Debug)]
pub(crate) enum Redeemed {
    Entry(Entry),
    /// It was the first of the two links of a change of address.
    OtherAddressToConfirm,
}

/// What a link in a mail carries.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) token_hash: Secret,
    pub(crate) kind: &'static str,
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let link = read(Fields::from_json(exchange.request)?)?;
    Ok(match redeem(exchange, &link).await? {
        Redeemed::Entry(entry) => entry.into_json(200),
        Redeemed::OtherAddressToConfirm => {
            let body = Object::new().with("status", "other_address_to_confirm");
            Response::json(200, "other_address_to_confirm", &body)
        }
    })
}

/// Reads `token_hash` and `type`.
pub(crate) fn read(mut fields: Fields) -> Result<Link, Failure> {
    let token_hash = read_token(&mut fields);
    let kind = fields.choice("type", &KINDS, None);
    let link = token_hash
        .zip(kind)
        .map(|(token_hash, kind)| Link { token_hash, kind });
    fields.finish(link)
}

/// Reads `token_hash`.
pub(crate) fn read_token(fields: &mut Fields) -> Option<Secret> {
    let detail = "Open the link exactly as it stands in the mail.";
    let token = Secret::new(fields.text("token_hash", detail)?);
    if !is_token(token.expose()) {
        fields.fault("token_hash", "malformed", detail);
        return None;
    }
    Some(token)
}

/// Whether `text` could be a token of Supabase's.
fn is_token(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() <= LONGEST_TOKEN && text.bytes().all(plain)
}

/// Signs in by a link, which is used up by it.
pub(crate) async fn redeem<H: Host>(
    exchange: &Exchange<'_, H>,
    link: &Link,
) -> Result<Redeemed, Failure> {
    let supabase = exchange.supabase();
    let verified = if link.kind == EMAIL_CHANGE {
        match supabase.verify_email_change(&link.token_hash).await {
            Ok(EmailChange::HalfDone) => return Ok(Redeemed::OtherAddressToConfirm),
            Ok(EmailChange::Done(session)) => {
                let entry = change_email::finish(exchange, *session).await?;
                return Ok(Redeemed::Entry(entry));
            }
            Err(error) => Err(error),
        }
    } else {
        supabase.verify(&link.token_hash, link.kind).await
    };
    match verified {
        Ok(session) => {
            // The link of a sign-up comes before any device.
            let arrival = match link.kind {
                "signup" | "invite" => Arrival::FirstTime,
                _ => Arrival::Returning,
            };
            let entry = open_session::enter(exchange, session, arrival).await?;
            Ok(Redeemed::Entry(entry))
        }
        // A token that Supabase cannot read was never one of a mail.
        Err(AuthError::Rejected(code)) if code == "validation_failed" => {
            Err(Failure::from_supabase(&AuthError::OtpExpired))
        }
        Err(error) => Err(Failure::from_supabase(&error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::test_support::{Answer, LOST, World, get, post, session, session_of, user};

    const PATH: &str = "/api/v1/simple_auth/verify-email";

    fn verify(world: &World, token_hash: &str, kind: &str) -> Answer {
        let body = json!({"token_hash": token_hash, "type": kind}).to_string();
        world.answer(&post(PATH, &body))
    }

    #[test]
    fn a_link_becomes_a_session() {
        let world = World::new().supabase("/verify", 200, session());
        let answer = verify(&world, "pkce_0a1b", "signup");
        assert_eq!(answer.status, 200);
        assert!(answer.header("set-cookie").is_some());
        let asked = world.host.calls()[0].body.clone().unwrap();
        assert_eq!(asked, r#"{"token_hash":"pkce_0a1b","type":"signup"}"#);
    }

    #[test]
    fn a_link_that_is_of_no_use_is_expired() {
        for code in ["otp_expired", "validation_failed"] {
            for kind in ["email", "email_change"] {
                let world = World::new().supabase_refuses("/verify", code);
                let answer = verify(&world, "0a1b", kind);
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (401, "link_expired")
                );
            }
        }
        let world = World::new().supabase_refuses("/verify", "otp_expired");
        insta::assert_snapshot!(verify(&world, "0a1b", "email").shown(), @r#"401 {"type":"urn:authflow:problem:link_expired","title":"Link expired","status":401,"detail":"The link has expired or has been used before. Ask for a new one.","code":"link_expired","request_id":"[request_id]"}"#);
    }

    #[test]
    fn links_that_do_more_than_sign_in_are_not_redeemed_here() {
        let world = World::new().supabase("/verify", 200, session());
        for kind in ["recovery", "sms", "Signup", ""] {
            assert_eq!(
                verify(&world, "0a1b", kind).code(),
                "validation_failed",
                "{kind}"
            );
        }
        assert!(world.host.calls().is_empty());
        insta::assert_snapshot!(verify(&world, "a&b", "recovery").shown(), @r#"422 {"type":"urn:authflow:problem:validation_failed","title":"Validation failed","status":422,"detail":"Some fields are missing or malformed; `errors` names them.","code":"validation_failed","request_id":"[request_id]","errors":[{"field":"token_hash","code":"malformed","detail":"Open the link exactly as it stands in the mail."},{"field":"type","code":"unknown_value","detail":"Must be one of: signup, email, invite, magiclink, email_change."}]}"#);
    }

    /// Another session of the same user's, under the new address.
    fn moved() -> serde_json::Value {
        let mut user = user();
        user["email"] = "new@example.test".into();
        session_of(&user)
    }

    #[test]
    fn the_first_link_of_a_change_of_address_only_counts() {
        let half = json!({"code": "200", "msg": "Confirmation link accepted."});
        let world = World::new().supabase("/verify", 200, half);
        let token = world.signed_in();
        let answer = verify(&world, "0a1b", "email_change");
        insta::assert_snapshot!(answer.shown(), @r#"200 {"status":"other_address_to_confirm"}"#);
        assert!(answer.header("set-cookie").is_none());
        let me = world.answer(&get("/api/v1/simple_auth/me").cookie(&token));
        assert_eq!(me.json()["user"]["email"], "ada@example.test");
    }

    #[test]
    fn the_second_changes_it_and_no_session_holds_the_old_one() {
        let world = World::new().supabase("/verify", 200, moved()).supabase(
            "/logout",
            204,
            serde_json::Value::Null,
        );
        let old = world.signed_in();
        let answer = verify(&world, "0a1b", "email_change");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["user"]["email"], "new@example.test");
        assert!(answer.header("set-cookie").is_some());
        let me = |token: &str| world.answer(&get("/api/v1/simple_auth/me").cookie(token));
        assert_eq!(me(&old).code(), "no_session");
        let token = answer.json()["session_token"].as_str().unwrap().to_owned();
        assert_eq!(me(&token).json()["user"]["email"], "new@example.test");
        let (id, _) = token.split_once('.').unwrap();
        let record = world.redis(&format!("session:{id}")).unwrap();
        assert!(record.contains("new@example.test"), "{record}");
        assert!(world.host.lines().join("").contains("email_changed"));
        world.run_tasks();
        assert!(world.asked().contains(&"/logout?scope=others".to_owned()));
    }

    #[test]
    fn what_fails_after_the_change_of_address_says_that_it_has_changed() {
        let world = World::new().supabase("/verify", 200, moved());
        world.break_after(1, LOST[0]);
        (0..2).for_each(|_| world.host.break_next(LOST[0]));
        let answer = verify(&world, "0a1b", "email_change");
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "store_unavailable")
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.starts_with("The address has been changed"),
            "{detail}"
        );
        assert!(answer.header("set-cookie").is_none());
    }

    #[test]
    fn a_second_factor_is_asked_for_after_a_change_of_address_too() {
        let mut user = user();
        user["factors"] = json!([{"id": "x", "status": "verified", "factor_type": "totp"}]);
        let world = World::new().supabase("/verify", 200, session_of(&user));
        let old = world.signed_in();
        let answer = verify(&world, "0a1b", "email_change");
        assert_eq!(answer.json()["status"], "mfa_required");
        assert!(answer.header("set-cookie").is_none());
        let me = world.answer(&get("/api/v1/simple_auth/me").cookie(&old));
        assert_eq!(me.code(), "no_session");
    }

    #[test]
    fn no_log_line_holds_the_token() {
        let world = World::new().supabase_refuses("/verify", "otp_expired");
        verify(&world, "0a1b2c3d", "email");
        assert!(!world.host.lines().join("").contains("0a1b2c3d"));
    }
}
