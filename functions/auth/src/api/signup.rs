//! `POST /api/v1/simple_auth/signup`: a new account.
//!
//! Whether an address has an account already shows neither in the answer nor in its time: only
//! whoever reads the mail learns it.

use authflow_shared::{
    host::Host,
    json::{Map, Object},
    secret::Secret,
    supabase::{AuthError, auth::SignUp},
};

use crate::{
    email::{self, Email},
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    limits::Attempt,
    open_session::{self, Arrival, Entry},
    response::Response,
    user_data,
};

/// What somebody signs up with.
#[derive(Debug)]
pub(crate) struct Application {
    email: Email,
    password: Secret,
    data: Map,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A mail is on its way, or the address is known. The log says why, if Supabase did.
    VerificationRequired { cause: Option<String> },
    /// The address needs no confirmation here.
    SignedIn(Entry),
}

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let application = read(Fields::from_json(exchange.request)?)?;
    let targets = &exchange.config.common.targets;
    Ok(
        match sign_up(exchange, application, &targets.resolve("/")).await? {
            Outcome::SignedIn(entry) => entry.into_json(201),
            Outcome::VerificationRequired { cause } => {
                let body = Object::new().with("status", "verification_required");
                Response::json(202, "verification_required", &body).because(cause)
            }
        },
    )
}

/// Reads `email`, `password` and `data`.
pub(crate) fn read(mut fields: Fields) -> Result<Application, Failure> {
    let (email, password) = (fields.email(), fields.new_password());
    let data = fields.object("data");
    if data
        .as_ref()
        .is_some_and(|data| user_data::size(data) > user_data::LONGEST)
    {
        fields.fault(
            "data",
            "too_large",
            "This is over 4 KiB of data. Send less.",
        );
    }
    let application = email
        .zip(password)
        .zip(data)
        .map(|((email, password), data)| Application {
            email,
            password,
            data,
        });
    fields.finish(application)
}

/// Signs up; the link in the mail will lead on to `redirect_to`, which is one of our targets.
pub(crate) async fn sign_up<H: Host>(
    exchange: &Exchange<'_, H>,
    application: Application,
    redirect_to: &str,
) -> Result<Outcome, Failure> {
    let Application {
        email,
        password,
        data,
    } = application;
    exchange.note_account(email.as_str());
    exchange.count(Attempt::SignUp, email.as_str()).await?;
    let supabase = exchange.supabase();
    let signed_up = supabase
        .sign_up(email.as_str(), &password, data, redirect_to)
        .await;
    let error = match signed_up {
        Ok(SignUp::SignedIn(session)) => {
            let entered = open_session::enter(exchange, *session, Arrival::FirstTime).await;
            return entered.map(Outcome::SignedIn);
        }
        Ok(SignUp::ToBeConfirmed) => None,
        Err(error) => Some(error),
    };
    exchange.even_out().await;
    match error {
        // Where addresses need no confirmation, Supabase tells a known one; and it sends an
        // address no second mail at once, nor any when the project has sent too many. A stranger
        // would learn from each that there is, or is not, an account.
        None | Some(AuthError::UserAlreadyExists | AuthError::MailRateLimited) => {
            let cause = error.map(|error| format!("supabase: {}", error.as_str()));
            Ok(Outcome::VerificationRequired { cause })
        }
        Some(AuthError::Rejected(code)) if email::is_refusal(&code) => {
            let mut errors = Fields::default();
            let detail = "No mail can be sent to this address. Use another one.";
            errors.fault("email", "refused", detail);
            errors.finish(None)
        }
        Some(AuthError::Rejected(code)) if is_closed(&code) => Err(Failure::sign_up_disabled()),
        Some(error) => Err(Failure::from_supabase(&error)),
    }
}

fn is_closed(code: &str) -> bool {
    matches!(code, "signup_disabled" | "email_provider_disabled")
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use serde_json::json;

    use crate::test_support::{Answer, LOST, World, post, session, user};

    const PATH: &str = "/api/v1/simple_auth/signup";
    const FLOOR: Duration = Duration::from_millis(800);

    fn sign_up(world: &World) -> Answer {
        let body =
            r#"{"email":"Ada@example.test","password":"p","data":{"name":"Ada"},"role":"admin"}"#;
        world.answer(&post(PATH, body))
    }

    #[test]
    fn a_new_address_gets_a_mail() {
        let world = World::new().supabase("/signup", 200, user());
        insta::assert_snapshot!(sign_up(&world).shown(), @r#"202 {"status":"verification_required"}"#);
        insta::assert_snapshot!(world.asked().join(" "), @"/signup?redirect_to=https%3A%2F%2Fapp.test%2F");
        insta::assert_snapshot!(world.host.calls()[0].body.clone().unwrap(), @r#"{"data":{"name":"Ada"},"email":"ada@example.test","password":"p"}"#);
    }

    #[test]
    fn every_session_carries_the_data_so_it_has_an_end() {
        let send = |length| {
            let world = World::new().supabase("/signup", 200, user());
            let data = json!({"a": "x".repeat(length)});
            let body = json!({"email": "ada@example.test", "password": "p", "data": data});
            world.answer(&post(PATH, &body.to_string()))
        };
        assert_eq!(send(4096 - r#"{"a":""}"#.len()).status, 202);
        let error = send(4096).json()["errors"][0].clone();
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!("data"), &json!("too_large"))
        );
    }

    #[test]
    fn a_known_address_looks_like_a_new_one_in_time_too() {
        let new = World::new().supabase("/signup", 200, user());
        let expected = sign_up(&new);
        assert_eq!(new.elapsed(), FLOOR);
        for code in ["user_already_exists", "over_email_send_rate_limit"] {
            let known = World::new().supabase_refuses("/signup", code);
            let answer = sign_up(&known);
            // Even the request ids are the same: nothing else was made at random.
            assert_eq!(answer, expected, "{code}");
            assert_eq!(known.elapsed(), FLOOR);
            assert_eq!(known.logged()["cause"], format!("supabase: {code}"));
        }
    }

    #[test]
    fn where_addresses_need_no_confirmation_it_is_a_sign_in() {
        let world = World::new().supabase("/signup", 200, session());
        let answer = sign_up(&world);
        assert_eq!(answer.status, 201);
        assert!(
            answer
                .header("set-cookie")
                .unwrap()
                .starts_with("__Host-authflow=")
        );
        assert_eq!(answer.json()["user"]["email"], "ada@example.test");
    }

    #[test]
    fn a_weak_password_says_what_is_weak() {
        let weak =
            json!({"code": "weak_password", "weak_password": {"reasons": ["length", "pwned"]}});
        let world = World::new().supabase("/signup", 422, weak);
        insta::assert_snapshot!(sign_up(&world).shown(), @r#"422 {"type":"urn:authflow:problem:weak_password","title":"Weak password","status":422,"detail":"Choose another password; `errors` says what is weak about this one.","code":"weak_password","request_id":"[request_id]","errors":[{"field":"password","code":"length","detail":"The password is too short."},{"field":"password","code":"pwned","detail":"The password is known from a leak of another site. Choose one that you use nowhere else."}]}"#);
    }

    #[test]
    fn other_refusals_say_what_to_do() {
        for (code, status, expected) in [
            ("validation_failed", 422, "validation_failed"),
            ("email_address_invalid", 422, "validation_failed"),
            ("signup_disabled", 403, "signup_disabled"),
            ("over_request_rate_limit", 429, "rate_limited"),
            ("unexpected_failure_of_a_hook", 503, "identity_unavailable"),
        ] {
            let answer = sign_up(&World::new().supabase_refuses("/signup", code));
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (status, expected),
                "{code}"
            );
        }
    }

    #[test]
    fn nothing_is_promised_while_supabase_is_down() {
        for breakage in LOST {
            let world = World::new().supabase("/signup", 200, user());
            world.break_after(0, breakage);
            assert_eq!(sign_up(&world).code(), "identity_unavailable");
        }
    }

    #[test]
    fn bad_fields_are_named_and_supabase_is_not_asked() {
        let world = World::new();
        let body = json!({"email": "a@b@c", "password": "x".repeat(73), "data": 1}).to_string();
        insta::assert_snapshot!(world.answer(&post(PATH, &body)).shown(), @r#"422 {"type":"urn:authflow:problem:validation_failed","title":"Validation failed","status":422,"detail":"Some fields are missing or malformed; `errors` names them.","code":"validation_failed","request_id":"[request_id]","errors":[{"field":"email","code":"malformed","detail":"This is not an e-mail address. It looks like name@example.com."},{"field":"password","code":"too_long","detail":"The password is over 72 bytes long. Choose a shorter one."},{"field":"data","code":"malformed","detail":"Send an object."}]}"#);
        assert!(world.host.calls().is_empty());
    }
}
