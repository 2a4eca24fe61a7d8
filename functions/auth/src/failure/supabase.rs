//! What a refusal by Supabase means to the client.

use authflow_shared::supabase::AuthError;

use super::{Failure, NO_PHONE, RETRY_UNAVAILABLE};

/// Seconds after which it makes sense to ask again when Supabase counted too many requests. It
/// does not say how long; its limits fill up again within a minute or more.
const RETRY_LIMITED: u32 = 60;

impl Failure {
    /// What a refusal by Supabase means wherever it means nothing special.
    pub(crate) fn from_supabase(error: &AuthError) -> Self {
        match error {
            AuthError::InvalidCredentials => {
                let detail = "The e-mail address or the password is wrong.";
                Self::new(401, "invalid_credentials", "Invalid credentials", detail)
            }
            AuthError::EmailNotConfirmed => {
                let detail = "Confirm your e-mail address first: follow the link in the mail that \
                              we sent you.";
                let title = "E-mail address not confirmed";
                Self::new(403, "email_not_confirmed", title, detail)
            }
            AuthError::UserBanned => {
                let detail = "This account has been suspended. Ask whoever runs this site.";
                Self::new(403, "user_banned", "Account suspended", detail)
            }
            AuthError::OtpExpired => {
                let detail = "The link has expired or has been used before. Ask for a new one.";
                Self::new(401, "link_expired", "Link expired", detail)
            }
            AuthError::WeakPassword(weaknesses) => Self::weak_password(weaknesses),
            AuthError::RateLimited | AuthError::MailRateLimited => {
                let detail = "Too many requests. Please wait a minute.";
                Self::new(429, "rate_limited", "Too many requests", detail)
                    .because("supabase", error.as_str())
                    .retry_after(RETRY_LIMITED)
            }
            AuthError::SamePassword => Self::same_password(),
            AuthError::WrongCode => Self::wrong_code(),
            AuthError::UserAlreadyExists
            | AuthError::UserNotFound
            | AuthError::InsufficientAal
            | AuthError::SessionEnded
            | AuthError::Rejected(_)
            | AuthError::Unavailable(_) => {
                let detail = "Accounts cannot be reached at the moment. Please try again.";
                Self::new(503, "identity_unavailable", "Identity unavailable", detail)
                    .because("supabase", error.as_str())
                    .retry_after(RETRY_UNAVAILABLE)
            }
        }
    }

    /// The same, about a change of one's own account.
    pub(crate) fn from_change(error: &AuthError) -> Self {
        match error {
            AuthError::InsufficientAal => Self::step_up_required(),
            AuthError::SessionEnded | AuthError::UserNotFound => Self::no_session(),
            error => Self::from_supabase(error),
        }
    }

    /// The same, about enrolling or removing a second factor.
    pub(crate) fn from_factor_change(error: &AuthError) -> Self {
        let AuthError::Rejected(code) = error else {
            return Self::from_change(error);
        };
        let (field, code, detail) = match code.as_str() {
            "mfa_factor_name_conflict" => (
                "name",
                "taken",
                "Another second factor has this name. Choose another.",
            ),
            "too_many_enrolled_mfa_factors" => (
                "type",
                "too_many",
                "There are too many second factors. Remove one first.",
            ),
            "mfa_totp_enroll_not_enabled" | "mfa_phone_enroll_not_enabled" => {
                return Self::factor_not_offered();
            }
            "mfa_verified_factor_exists" => (
                "phone",
                "taken",
                "This phone is a second factor of yours already.",
            ),
            "validation_failed" => ("phone", "malformed", NO_PHONE),
            "mfa_factor_not_found" => return Self::not_found(),
            _ => return Self::from_change(error),
        };
        Self::of_field(field, code, detail)
    }

    /// The same, about the code of a second factor.
    pub(crate) fn from_code(error: &AuthError) -> Self {
        match error {
            AuthError::SessionEnded | AuthError::UserNotFound => Self::mfa_expired(),
            // Another form than Supabase takes, another factor, or a challenge that is over.
            AuthError::Rejected(code)
                if code == "validation_failed" || code.starts_with("mfa_") =>
            {
                Self::wrong_code()
            }
            error => Self::from_supabase(error),
        }
    }

    /// The same, but a limit means that somebody tries passwords.
    pub(crate) fn from_sign_in(error: &AuthError) -> Self {
        let mut failure = Self::from_supabase(error);
        if failure.problem.status == 429 {
            failure.problem.code = "too_many_attempts";
            failure.problem.title = "Too many attempts";
        }
        failure
    }
}
