//! `POST /api/v1/simple_auth/verify-email`: the link in a mail becomes a session.

use authflow_shared::{host::Host, secret::Secret, supabase::AuthError};

use crate::{
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    open_session::{self, Arrival, Entry},
    response::Response,
};

/// The links that sign in. `email` is what newer templates of Supabase call a sign-up or a magic
/// link; Supabase takes a recovery token for it too, which proves no less.
const KINDS: [&str; 4] = ["signup", "email", "invite", "magiclink"];
/// The longest `token_hash` that Supabase makes has 61 characters.
const LONGEST_TOKEN: usize = 128;

/// What a link in a mail carries.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) token_hash: Secret,
    pub(crate) kind: &'static str,
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let link = read(Fields::from_json(exchange.request)?)?;
    Ok(redeem(exchange, &link).await?.into_json(200))
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
) -> Result<Entry, Failure> {
    match exchange
        .supabase()
        .verify(&link.token_hash, link.kind)
        .await
    {
        Ok(session) => {
            // The link of a sign-up comes before any device.
            let arrival = match link.kind {
                "signup" | "invite" => Arrival::FirstTime,
                _ => Arrival::Returning,
            };
            open_session::enter(exchange, session, arrival).await
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

    use crate::test_support::{Answer, World, post, session};

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
            let world = World::new().supabase_refuses("/verify", code);
            let answer = verify(&world, "0a1b", "email");
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (401, "link_expired")
            );
        }
        let world = World::new().supabase_refuses("/verify", "otp_expired");
        insta::assert_snapshot!(verify(&world, "0a1b", "email").shown(), @r#"401 {"type":"urn:authflow:problem:link_expired","title":"Link expired","status":401,"detail":"The link has expired or has been used before. Ask for a new one.","code":"link_expired","request_id":"[request_id]"}"#);
    }

    #[test]
    fn links_that_do_more_than_sign_in_are_not_redeemed_here() {
        let world = World::new().supabase("/verify", 200, session());
        for kind in ["recovery", "email_change", "sms", "Signup", ""] {
            assert_eq!(
                verify(&world, "0a1b", kind).code(),
                "validation_failed",
                "{kind}"
            );
        }
        assert!(world.host.calls().is_empty());
        insta::assert_snapshot!(verify(&world, "a&b", "recovery").shown(), @r#"422 {"type":"urn:authflow:problem:validation_failed","title":"Validation failed","status":422,"detail":"Some fields are missing or malformed; `errors` names them.","code":"validation_failed","request_id":"[request_id]","errors":[{"field":"token_hash","code":"malformed","detail":"Open the link exactly as it stands in the mail."},{"field":"type","code":"unknown_value","detail":"Must be one of: signup, email, invite, magiclink."}]}"#);
    }

    #[test]
    fn no_log_line_holds_the_token() {
        let world = World::new().supabase_refuses("/verify", "otp_expired");
        verify(&world, "0a1b2c3d", "email");
        assert!(!world.host.lines().join("").contains("0a1b2c3d"));
    }
}
