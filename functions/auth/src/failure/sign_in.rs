//! Refusals of who asks: no session, no right, or a code or a link that does not do.

use core::time::Duration;

use authflow_shared::supabase::AuthError;

use super::{Failure, seconds_of};
use crate::second_factor::Choice;

/// Seconds after which an app shows another code.
const NEXT_CODE: u64 = 30;

impl Failure {
    pub(crate) fn no_session() -> Self {
        Self::new(401, "no_session", "Not signed in", "Sign in first.")
            .header("www-authenticate", "Bearer")
    }

    /// All sessions of the account were ended while this one was being opened.
    pub(crate) fn session_ended_meanwhile() -> Self {
        let detail = "All sessions of this account have just been ended. Sign in again.";
        Self::new(401, "session_ended", "Sessions ended", detail)
    }

    pub(crate) fn forbidden() -> Self {
        let detail = "Your account may not do this.";
        Self::new(403, "forbidden", "Forbidden", detail)
    }

    pub(crate) fn sign_up_disabled() -> Self {
        let detail = "This site takes no new accounts.";
        Self::new(403, "signup_disabled", "Sign-up is closed", detail)
    }

    pub(crate) fn too_many_attempts(wait: Duration) -> Self {
        let detail = "Too many attempts. Please wait before you try again.";
        Self::new(429, "too_many_attempts", "Too many attempts", detail)
            .retry_after(seconds_of(wait))
    }

    pub(crate) fn link_expired() -> Self {
        Self::from_supabase(&AuthError::OtpExpired)
    }

    /// The step of the second factor took too long, or is over.
    pub(crate) fn mfa_expired() -> Self {
        let detail = "This took too long, or has been done before. Sign in again.";
        Self::new(401, "mfa_expired", "Sign-in expired", detail)
    }

    pub(crate) fn wrong_code() -> Self {
        let detail = "The code is wrong, or has been used before. Wait for the next one.";
        Self::of_field("code", "incorrect", detail)
    }

    /// Whether a code was taken is not known: only the next one is certain not to have been.
    pub(crate) fn before_code_was_judged(self) -> Self {
        self.saying(
            "before_code_was_judged",
            "It is not certain that the code was taken. Please wait for the next one.",
        )
        .retry_in(NEXT_CODE)
    }

    /// One of `factors` has to be given first, in the same request.
    pub(crate) fn code_missing(factors: &[Choice]) -> Self {
        let detail = "This account has a second factor. Enter its code.";
        let mut failure = Self::of_field("code", "missing", detail);
        failure.factors = Choice::list(factors);
        failure
    }

    /// The code of a phone has not been sent.
    pub(crate) fn challenge_missing() -> Self {
        Self::of_field(
            "challenge_id",
            "missing",
            "Have a code sent first, then enter it.",
        )
    }

    pub(crate) fn step_up_required() -> Self {
        let detail = "Confirm with your second factor first.";
        Self::new(403, "step_up_required", "Second factor required", detail)
    }
}
