//! Mails, and the outbox that keeps them.

use std::fmt::Write as _;

use serde::Serialize;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    error::AuthError, flow::Flow, pkce::CodeChallenge, purpose::Purpose, redirect, state::State,
};

/// A mail or a text message that the real server would have sent. A mail without a link or a token
/// has an empty one.
#[derive(Clone, Default, Serialize)]
pub(super) struct Mail {
    to: String,
    subject: String,
    kind: &'static str,
    link: String,
    token_hash: String,
    token: String,
}

/// How a mail is to be sent.
#[derive(Clone, Copy, Default)]
pub(super) struct Delivery<'a> {
    /// The flow is PKCE, and the token's hash says so.
    pub(super) challenge: Option<&'a CodeChallenge>,
    /// Where the link leads on, if the request named an allowed address.
    pub(super) next: Option<&'a str>,
}

/// A mail that says what happened.
#[derive(Clone, Copy)]
pub(super) enum Notice {
    PasswordChanged,
    EmailChanged,
    FactorEnrolled,
    FactorUnenrolled,
}

impl Notice {
    fn kind(self) -> &'static str {
        match self {
            Self::PasswordChanged => "password_changed_notification",
            Self::EmailChanged => "email_changed_notification",
            Self::FactorEnrolled => "mfa_factor_enrolled_notification",
            Self::FactorUnenrolled => "mfa_factor_unenrolled_notification",
        }
    }

    fn subject(self) -> &'static str {
        match self {
            Self::PasswordChanged => "Your password was changed",
            Self::EmailChanged => "Your email address was changed",
            Self::FactorEnrolled => "A new verification method was added to your account",
            Self::FactorUnenrolled => "A verification method was removed from your account",
        }
    }
}

impl Mail {
    /// A text message with a code for a second factor.
    pub(super) fn phone_code(number: &str, code: &str) -> Self {
        Self {
            to: number.to_owned(),
            subject: format!("Your code is {code}"),
            kind: "phone_mfa",
            token: code.to_owned(),
            ..Self::default()
        }
    }
}

impl State {
    /// Refuses if a mail cannot go out now; `last` is when one of its kind went out before.
    pub(super) fn check_mail(
        &self,
        purpose: Purpose,
        last: Option<OffsetDateTime>,
    ) -> Result<(), AuthError> {
        let interval = Duration::seconds(self.config.mail_interval_seconds);
        if let Some(wait) = last.map(|last| last + interval - self.now())
            && wait.is_positive()
        {
            let seconds = wait.whole_seconds() + 1;
            return Err(AuthError::new(
                429,
                "over_email_send_rate_limit",
                format!(
                    "For security purposes, you can only request this after {seconds} seconds."
                ),
            ));
        }
        let hour_ago = self.now() - Duration::hours(1);
        let sent = self.mails_sent_at.iter();
        let sent = sent.filter(|sent_at| **sent_at > hour_ago).count();
        if self.config.mails_per_hour > 0 && sent >= self.config.mails_per_hour {
            let message = "email rate limit exceeded";
            return Err(AuthError::new(429, "over_email_send_rate_limit", message));
        }
        if self.config.mail_broken {
            return Err(AuthError::new(500, "unexpected_failure", purpose.failure()));
        }
        Ok(())
    }

    /// Puts a mail with a new token into the outbox.
    pub(super) fn send_mail(
        &mut self,
        user_id: Uuid,
        purpose: Purpose,
        delivery: Delivery<'_>,
    ) -> Result<(), AuthError> {
        let now = self.now();
        let made = self.make_token(user_id, purpose, delivery.challenge.is_some())?;
        if let Some(challenge) = delivery.challenge {
            let challenge = Some(challenge.clone());
            self.flows.push(Flow {
                user_id: Some(user_id),
                ..Flow::new(purpose.method(), challenge, now)
            });
        }
        let (to, kind) = (purpose.address(self.user(user_id)?), purpose.kind());
        let mut mail = Mail {
            to: to.to_owned(),
            subject: purpose.subject(&made.code),
            kind,
            token: made.code,
            ..Mail::default()
        };
        if let Some(page) = purpose.page() {
            let hash = made.hash;
            let site_url = &self.config.site_url;
            mail.link = format!("{site_url}{page}?token_hash={hash}&type={kind}");
            if let Some(next) = delivery.next {
                let _infallible = write!(mail.link, "&next={}", redirect::encode(next));
            }
            mail.token_hash = hash;
        }
        self.mails_sent_at.push(now);
        self.outbox.push(mail);
        Ok(())
    }

    /// Tells an address what happened, if the server does that.
    pub(super) fn notify(&mut self, to: &str, notice: Notice) {
        if self.config.notifications {
            self.outbox.push(Mail {
                to: to.to_owned(),
                subject: notice.subject().to_owned(),
                kind: notice.kind(),
                ..Mail::default()
            });
        }
    }
}
