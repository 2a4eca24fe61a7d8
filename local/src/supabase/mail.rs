//! Mails with one-time tokens, and the outbox that keeps them.

use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest, Sha224};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    error::AuthError, flow::Flow, pkce::CodeChallenge, random, redirect, state::State, user::User,
};

/// How long the token of a mail is good for.
const TOKEN_LIFE: Duration = Duration::hours(24);

/// A mail that the real server would have sent.
#[derive(Clone, Serialize)]
pub(super) struct Mail {
    to: String,
    subject: String,
    kind: &'static str,
    link: String,
    token_hash: String,
    token: String,
}

/// What a one-time token proves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Confirmation,
    Recovery,
    /// The present address agrees to its replacement.
    EmailChangeCurrent,
    /// The new address agrees.
    EmailChangeNew,
}

/// The token of a mail. It is stored as its hash, which is also what the link carries.
#[derive(Clone)]
pub(super) struct OneTimeToken {
    pub(super) user_id: Uuid,
    pub(super) purpose: Purpose,
    pub(super) hash: String,
    sent_at: OffsetDateTime,
}

/// How a mail is to be sent.
#[derive(Clone, Copy)]
pub(super) struct Delivery<'a> {
    /// The flow is PKCE, and the token's hash says so.
    pub(super) challenge: Option<&'a CodeChallenge>,
    /// Where the link leads on, if the request named an allowed address.
    pub(super) next: Option<&'a str>,
}

impl Mail {
    /// A text message with a code for a second factor. It has no link.
    pub(super) fn phone_code(number: &str, code: &str) -> Self {
        Self {
            to: number.to_owned(),
            subject: format!("Your code is {code}"),
            kind: "phone_mfa",
            link: String::new(),
            token_hash: String::new(),
            token: code.to_owned(),
        }
    }
}

impl Purpose {
    /// Supabase's `type`.
    fn kind(self) -> &'static str {
        match self {
            Self::Confirmation => "signup",
            Self::Recovery => "recovery",
            Self::EmailChangeCurrent | Self::EmailChangeNew => "email_change",
        }
    }

    /// The name in a token's `amr`, if the mail ends a PKCE flow.
    fn method(self) -> &'static str {
        match self {
            Self::Confirmation => "email/signup",
            Self::Recovery => "recovery",
            Self::EmailChangeCurrent | Self::EmailChangeNew => "email_change",
        }
    }

    fn subject(self) -> &'static str {
        match self {
            Self::Confirmation => "Confirm your email address",
            Self::Recovery => "Reset your password",
            Self::EmailChangeCurrent | Self::EmailChangeNew => "Confirm your new email address",
        }
    }

    /// Our page that takes the token.
    fn page(self) -> &'static str {
        match self {
            Self::Recovery => "/auth/reset",
            _ => "/auth/confirm",
        }
    }

    fn address(self, user: &User) -> &str {
        match self {
            Self::EmailChangeNew => &user.new_email,
            _ => &user.email,
        }
    }

    fn sent_at(self, user: &mut User) -> &mut Option<OffsetDateTime> {
        match self {
            Self::Confirmation => &mut user.confirmation_sent_at,
            Self::Recovery => &mut user.recovery_sent_at,
            Self::EmailChangeCurrent | Self::EmailChangeNew => &mut user.email_change_sent_at,
        }
    }

    fn failure(self) -> &'static str {
        match self {
            Self::Confirmation => "Error sending confirmation email",
            Self::Recovery => "Error sending recovery email",
            Self::EmailChangeCurrent | Self::EmailChangeNew => "Error sending email change email",
        }
    }
}

impl OneTimeToken {
    pub(super) fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.sent_at + TOKEN_LIFE < now
    }

    /// Whether the six digits sent to an address are this token's.
    pub(super) fn is_code(&self, address: &str, code: &str) -> bool {
        let hash = self.hash.strip_prefix("pkce_").unwrap_or(&self.hash);
        hash == token_hash(address, code)
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
        if self.config.mail_broken {
            return Err(AuthError::new(500, "unexpected_failure", purpose.failure()));
        }
        Ok(())
    }

    /// Puts a mail with a new token into the outbox. An older token of that purpose dies.
    pub(super) fn send_mail(
        &mut self,
        user_id: Uuid,
        purpose: Purpose,
        delivery: Delivery<'_>,
    ) -> Result<(), AuthError> {
        let now = self.now();
        let user = self.users.get_mut(&user_id).ok_or_else(AuthError::lost)?;
        *purpose.sent_at(user) = Some(now);
        let to = purpose.address(user).to_owned();
        let token = random::otp();
        let prefix = if delivery.challenge.is_some() {
            "pkce_"
        } else {
            ""
        };
        let hash = format!("{prefix}{}", token_hash(&to, &token));
        let kind = purpose.kind();
        let mut link = format!(
            "{}{}?token_hash={hash}&type={kind}",
            self.config.site_url,
            purpose.page()
        );
        if let Some(next) = delivery.next {
            let _infallible = write!(link, "&next={}", redirect::encode(next));
        }
        self.one_time_tokens
            .retain(|other| other.user_id != user_id || other.purpose != purpose);
        self.one_time_tokens.push(OneTimeToken {
            user_id,
            purpose,
            hash: hash.clone(),
            sent_at: now,
        });
        if let Some(challenge) = delivery.challenge {
            let challenge = Some(challenge.clone());
            self.flows.push(Flow {
                user_id: Some(user_id),
                ..Flow::new(purpose.method(), challenge, now)
            });
        }
        self.outbox.push(Mail {
            to,
            subject: purpose.subject().to_owned(),
            kind,
            link,
            token_hash: hash,
            token,
        });
        Ok(())
    }

    /// Kills every one-time token of a user.
    pub(super) fn clear_one_time_tokens(&mut self, user_id: Uuid) {
        self.one_time_tokens
            .retain(|token| token.user_id != user_id);
    }
}

/// The hash that stands for a code: SHA-224 in lower-case hex.
fn token_hash(address: &str, code: &str) -> String {
    let digest = Sha224::new()
        .chain_update(address)
        .chain_update(code)
        .finalize();
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}
