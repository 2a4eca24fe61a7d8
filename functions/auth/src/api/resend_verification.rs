//! `POST /api/v1/simple_auth/resend-verification`: the mail of a sign-up, once more.
//!
//! The answer does not wait for Supabase, so it is the same, in time too, whether an address is
//! waiting for its confirmation, has been confirmed, or is unknown.

use authflow_shared::{host::Host, json::Object, supabase::AuthError};

use crate::{
    email::Email, exchange::Exchange, failure::Failure, fields::Fields, limits::Attempt,
    response::Response,
};

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let email = read(Fields::from_json(exchange.request)?)?;
    let targets = &exchange.config.common.targets;
    resend(exchange, email, targets.resolve("/")).await?;
    let body = Object::new().with("status", "verification_required");
    Ok(Response::json(202, "verification_required", &body))
}

/// Reads `email`.
pub(crate) fn read(mut fields: Fields) -> Result<Email, Failure> {
    let email = fields.email();
    fields.finish(email)
}

/// Has the mail sent after the answer; its link will lead on to `redirect_to`, which is one of our
/// targets.
pub(crate) async fn resend<H: Host>(
    exchange: &Exchange<'_, H>,
    email: Email,
    redirect_to: String,
) -> Result<(), Failure> {
    exchange.count(Attempt::Resend, email.as_str()).await?;
    let supabase = exchange.supabase().clone();
    exchange.afterwards("resend_failed", async move {
        match supabase.resend_sign_up(email.as_str(), &redirect_to).await {
            // A mail went out a moment ago.
            Ok(()) | Err(AuthError::MailRateLimited) => Ok(()),
            Err(error) => Err(error.as_str().to_owned()),
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use serde_json::json;

    use crate::test_support::{World, post};

    const PATH: &str = "/api/v1/simple_auth/resend-verification";

    #[test]
    fn the_answer_does_not_wait_for_supabase() {
        let world = World::new().supabase("/resend", 200, json!({}));
        let answer = world.answer(&post(PATH, r#"{"email":"Ada@example.test"}"#));
        insta::assert_snapshot!(answer.shown(), @r#"202 {"status":"verification_required"}"#);
        assert!(world.asked().is_empty());
        assert_eq!(world.elapsed(), Duration::ZERO);
        world.run_tasks();
        assert_eq!(
            world.asked(),
            ["/resend?redirect_to=https%3A%2F%2Fapp.test%2F"]
        );
        let asked = world.host.calls()[0].body.clone().unwrap();
        assert_eq!(asked, r#"{"email":"ada@example.test","type":"signup"}"#);
    }

    #[test]
    fn a_failure_is_told_to_the_log_unless_a_mail_has_just_been_sent() {
        for (code, lines) in [
            ("over_email_send_rate_limit", 1),
            ("over_request_rate_limit", 2),
        ] {
            let world = World::new().supabase_refuses("/resend", code);
            let answer = world.answer(&post(PATH, r#"{"email":"ada@example.test"}"#));
            assert_eq!(answer.status, 202);
            world.run_tasks();
            assert_eq!(world.host.lines().len(), lines, "{code}");
        }
    }

    #[test]
    fn a_bad_address_is_named() {
        let answer = World::new().answer(&post(PATH, r#"{"email":"ada"}"#));
        assert_eq!(answer.code(), "validation_failed");
    }
}
