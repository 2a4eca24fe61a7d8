//! What Supabase Auth answers when it does not do what it was asked.
//!
//! Only the code counts. Statuses change between releases, messages are for people, and the same
//! code comes with different statuses. Both formats are read: since API version 2024-01-01 the
//! code is in `code`; before, `code` is the status and the code is in `error_code`.

use crate::{
    host::{CallError, HttpAnswer},
    json::{self, Value},
};

/// The longest code that is kept for the log.
const LONGEST_CODE: usize = 64;

/// Why Supabase did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// No such user, or another password: Supabase does not say which.
    InvalidCredentials,
    /// The password is right, but the address has not been confirmed.
    EmailNotConfirmed,
    /// The user is banned.
    UserBanned,
    /// The password is too easy to guess.
    WeakPassword(Vec<Weakness>),
    /// The link or code has been used, is too old, or never was.
    OtpExpired,
    /// There is no such user (any more).
    UserNotFound,
    /// The code of a second factor is wrong, or too old.
    WrongCode,
    /// The new password is the old one.
    SamePassword,
    /// The session has to be raised by a second factor first.
    InsufficientAal,
    /// The address belongs to a user already.
    UserAlreadyExists,
    /// Too many requests from this client.
    RateLimited,
    /// Too many mails or text messages, to this address or by the whole project. Unlike
    /// [`AuthError::RateLimited`] this tells something about the address.
    MailRateLimited,
    /// The access token or its session is not good any more.
    SessionEnded,
    /// Refused for another reason; this is Supabase's code.
    Rejected(String),
    /// Nobody knows: it may or may not have taken effect.
    Unavailable(Unavailable),
}

/// What is weak about a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// It is too short.
    Length,
    /// It lacks a kind of character.
    Characters,
    /// It is known from a leak.
    Pwned,
}

/// Why Supabase could not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// The call had no answer.
    Call(CallError),
    /// The answer had this status and said nothing that we know.
    Status(u16),
    /// The answer was a success that cannot be read.
    Unreadable,
}

// === impl AuthError ===

impl AuthError {
    /// Whether an answer that is no success says what it is about.
    pub(super) fn has_code(answer: &HttpAnswer) -> bool {
        let body = json::parse(&answer.body).unwrap_or_default();
        let text = |name| body.get(name).and_then(Value::as_str);
        text("code").or_else(|| text("error_code")).is_some()
    }

    /// Reads an answer that is no success.
    pub(super) fn read(answer: &HttpAnswer) -> Self {
        let body = json::parse(&answer.body).unwrap_or_default();
        let text = |name| body.get(name).and_then(Value::as_str);
        let unavailable = Self::Unavailable(Unavailable::Status(answer.status));
        // Supabase's gateway sends errors without a code: a wrong key, or nobody behind it.
        let Some(code) = text("code").or_else(|| text("error_code")) else {
            return unavailable;
        };
        match code {
            "invalid_credentials" => Self::InvalidCredentials,
            "email_not_confirmed" => Self::EmailNotConfirmed,
            "user_banned" => Self::UserBanned,
            "weak_password" => Self::WeakPassword(weaknesses(&body)),
            "otp_expired" => Self::OtpExpired,
            "mfa_verification_failed" | "mfa_verification_rejected" => Self::WrongCode,
            "user_not_found" => Self::UserNotFound,
            "same_password" => Self::SamePassword,
            "insufficient_aal" => Self::InsufficientAal,
            "user_already_exists" | "email_exists" => Self::UserAlreadyExists,
            "over_request_rate_limit" => Self::RateLimited,
            "over_email_send_rate_limit" | "over_sms_send_rate_limit" => Self::MailRateLimited,
            "bad_jwt"
            | "no_authorization"
            | "session_not_found"
            | "session_expired"
            | "refresh_token_not_found"
            | "refresh_token_already_used" => Self::SessionEnded,
            _ if answer.status >= 500 => unavailable,
            _ => Self::rejected(code),
        }
    }

    /// Refused with `code`, which may be anything.
    pub fn rejected(code: &str) -> Self {
        Self::Rejected(printable(code))
    }

    /// The word for log lines.
    pub fn as_str(&self) -> &str {
        match self {
            Self::InvalidCredentials => "invalid_credentials",
            Self::EmailNotConfirmed => "email_not_confirmed",
            Self::UserBanned => "user_banned",
            Self::WeakPassword(_) => "weak_password",
            Self::OtpExpired => "otp_expired",
            Self::UserNotFound => "user_not_found",
            Self::WrongCode => "wrong_code",
            Self::SamePassword => "same_password",
            Self::InsufficientAal => "insufficient_aal",
            Self::UserAlreadyExists => "user_already_exists",
            Self::RateLimited => "over_request_rate_limit",
            Self::MailRateLimited => "over_email_send_rate_limit",
            Self::SessionEnded => "session_ended",
            Self::Rejected(code) => code,
            Self::Unavailable(reason) => reason.as_str(),
        }
    }
}

fn weaknesses(body: &Value) -> Vec<Weakness> {
    let reasons = body
        .get("weak_password")
        .and_then(|weak| weak.get("reasons"));
    let Some(Value::Array(reasons)) = reasons else {
        return Vec::new();
    };
    reasons
        .iter()
        .filter_map(|reason| Weakness::parse(reason.as_str()?))
        .collect()
}

/// Codes go to the log: nothing but a short word may.
fn printable(code: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if code.len() <= LONGEST_CODE && code.bytes().all(plain) {
        code.to_owned()
    } else {
        "unreadable_code".to_owned()
    }
}

// === impl Weakness ===

impl Weakness {
    fn parse(reason: &str) -> Option<Self> {
        [Self::Length, Self::Characters, Self::Pwned]
            .into_iter()
            .find(|weakness| weakness.as_str() == reason)
    }

    /// Supabase's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Characters => "characters",
            Self::Pwned => "pwned",
        }
    }
}

// === impl Unavailable ===

impl Unavailable {
    /// The word for log lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call(error) => error.as_str(),
            Self::Status(401 | 403) => "key_refused",
            Self::Status(_) => "unexpected_status",
            Self::Unreadable => "unreadable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(status: u16, body: &str, expected: &AuthError) {
        let body = body.to_owned();
        assert_eq!(AuthError::read(&HttpAnswer { status, body }), *expected);
    }

    #[test]
    fn the_code_decides_in_either_format_and_whatever_the_status() {
        for body in [
            r#"{"code":"invalid_credentials","message":"Invalid login credentials"}"#,
            r#"{"code":400,"error_code":"invalid_credentials","msg":"Invalid login credentials"}"#,
        ] {
            reads(400, body, &AuthError::InvalidCredentials);
            reads(422, body, &AuthError::InvalidCredentials);
        }
        reads(
            400,
            r#"{"code":"email_not_confirmed"}"#,
            &AuthError::EmailNotConfirmed,
        );
        reads(403, r#"{"code":"user_banned"}"#, &AuthError::UserBanned);
        reads(403, r#"{"code":"otp_expired"}"#, &AuthError::OtpExpired);
        reads(
            422,
            r#"{"code":"user_already_exists"}"#,
            &AuthError::UserAlreadyExists,
        );
        reads(
            429,
            r#"{"code":"over_request_rate_limit"}"#,
            &AuthError::RateLimited,
        );
        reads(
            429,
            r#"{"code":"over_email_send_rate_limit"}"#,
            &AuthError::MailRateLimited,
        );
        reads(403, r#"{"code":"bad_jwt"}"#, &AuthError::SessionEnded);
    }

    #[test]
    fn a_weak_password_has_its_reasons() {
        let body =
            r#"{"code":"weak_password","weak_password":{"reasons":["length","pwned","new"]}}"#;
        let weaknesses = vec![Weakness::Length, Weakness::Pwned];
        reads(422, body, &AuthError::WeakPassword(weaknesses));
        reads(
            422,
            r#"{"code":"weak_password"}"#,
            &AuthError::WeakPassword(Vec::new()),
        );
    }

    #[test]
    fn an_answer_without_a_code_says_nothing_about_the_user() {
        for (status, body) in [
            (502, "<html>Bad gateway</html>"),
            (401, r#"{"message":"Invalid API key","hint":"x"}"#),
            (404, "404 page not found\n"),
            (405, ""),
            (302, "[]"),
            (500, r#"{"code":500,"msg":"x"}"#),
            (500, r#"{"code":"unexpected_failure","message":"x"}"#),
            (500, r#"{"code":"23505","message":"x"}"#),
        ] {
            reads(
                status,
                body,
                &AuthError::Unavailable(Unavailable::Status(status)),
            );
        }
    }

    #[test]
    fn an_unknown_code_is_kept_if_it_is_a_word() {
        reads(
            403,
            r#"{"code":"captcha_failed"}"#,
            &AuthError::Rejected("captcha_failed".into()),
        );
        for code in ["ada@example.test", &"x".repeat(65)] {
            let body = format!(r#"{{"code":"{code}"}}"#);
            reads(400, &body, &AuthError::Rejected("unreadable_code".into()));
        }
    }
}
