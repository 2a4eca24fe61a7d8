//! `POST /api/v1/simple_auth/forgot-password`: a mail with a link, for whoever forgot the password.
//!
//! The answer does not wait for Supabase, so it is the same, in time too, whether there is an
//! account or not.

use authflow_shared::{host::Host, json::Object, supabase::AuthError};

use super::resend_verification::read;
use crate::{
    email::Email, exchange::Exchange, failure::Failure, fields::Fields, limits::Attempt,
    response::Response,
};

pub(crate) async fn handle<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let email = read(Fields::from_json(exchange.request)?)?;
    let targets = &exchange.config.common.targets;
    send(exchange, email, targets.resolve("/")).await?;
    let body = Object::new().with("status", "mail_sent");
    Ok(Response::json(202, "mail_sent", &body))
}

/// Has the mail sent after the answer; its link will lead on to `redirect_to`, which is one of our
/// targets.
pub(crate) async fn send<H: Host>(
    exchange: &Exchange<'_, H>,
    email: Email,
    redirect_to: String,
) -> Result<(), Failure> {
    exchange.count(Attempt::Forgot, email.as_str()).await?;
    let supabase = exchange.supabase().clone();
    exchange.afterwards("recovery_mail_failed", async move {
        match supabase.recover(email.as_str(), &redirect_to).await {
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

    use crate::test_support::{LOST, World, post};

    const PATH: &str = "/api/v1/simple_auth/forgot-password";
    const ADA: &str = r#"{"email":" Ada@example.test"}"#;

    #[test]
    fn the_answer_waits_for_nobody_and_is_always_the_same() {
        let world = World::new().supabase("/recover", 200, json!({}));
        let answer = world.answer(&post(PATH, ADA));
        insta::assert_snapshot!(answer.shown(), @r#"202 {"status":"mail_sent"}"#);
        assert!(world.asked().is_empty());
        assert_eq!(world.elapsed(), Duration::ZERO);
        world.run_tasks();
        assert_eq!(
            world.asked(),
            ["/recover?redirect_to=https%3A%2F%2Fapp.test%2F"]
        );
    }

    #[test]
    fn what_goes_wrong_shows_in_the_log_alone() {
        let world = World::new().supabase("/recover", 200, json!({}));
        world.break_after(0, LOST[0]);
        assert_eq!(world.answer(&post(PATH, ADA)).status, 202);
        world.run_tasks();
        let lines = world.host.lines().join("\n");
        assert!(lines.contains("recovery_mail_failed"), "{lines}");
        assert!(!lines.contains("ada@"), "{lines}");
    }

    #[test]
    fn a_malformed_address_is_told() {
        let world = World::new();
        let answer = world.answer(&post(PATH, r#"{"email":"ada"}"#));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "validation_failed")
        );
    }

    #[test]
    fn what_cannot_be_counted_is_not_done() {
        let world = World::with(&[("FORGOT_LIMIT_ADDRESS", "20/3600")]);
        world.break_after(0, LOST[0]);
        let answer = world.answer(&post(PATH, ADA));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "store_unavailable")
        );
        world.run_tasks();
        assert!(world.asked().is_empty());
    }

    #[test]
    fn each_mail_is_counted_by_itself() {
        let world = World::with(&[
            ("FORGOT_LIMIT_ACCOUNT", "1/900"),
            ("RESEND_LIMIT_ACCOUNT", "1/900"),
        ]);
        assert_eq!(world.answer(&post(PATH, ADA)).status, 202);
        let answer = world.answer(&post(PATH, ADA));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (429, "rate_limited")
        );
        let resend = post("/api/v1/simple_auth/resend-verification", ADA);
        assert_eq!(world.answer(&resend).status, 202);
    }
}
