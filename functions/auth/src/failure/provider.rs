//! Refusals of a sign-in at another provider.

use super::{Failure, RETRY_UNAVAILABLE};

impl Failure {
    /// The sign-in took too long, is over, or never was.
    pub(crate) fn oauth_expired() -> Self {
        let detail = "This sign-in took too long, or has been used before. Sign in again.";
        Self::new(401, "oauth_expired", "Sign-in expired", detail)
    }

    pub(crate) fn oauth_other_browser() -> Self {
        let detail = "This sign-in was begun in another browser. Sign in again in this one.";
        Self::new(403, "oauth_other_browser", "Another browser", detail)
    }

    pub(crate) fn provider_denied() -> Self {
        let detail = "The sign-in was cancelled at the other site, or refused there.";
        Self::new(403, "provider_denied", "Sign-in cancelled", detail)
    }

    pub(crate) fn provider_email_missing() -> Self {
        let detail = "The other site tells us no e-mail address of yours. Allow it to, or choose \
                      another way to sign in.";
        Self::new(403, "provider_email_missing", "No e-mail address", detail)
    }

    pub(crate) fn provider_email_unverified() -> Self {
        let detail = "Your e-mail address has not been confirmed at the other site. Confirm it \
                      there, or by the mail that may have come just now, and sign in again.";
        let title = "E-mail address not confirmed";
        Self::new(403, "provider_email_unverified", title, detail)
    }

    /// Supabase got nothing from the provider that it could use.
    pub(crate) fn provider_unavailable(cause: &str) -> Self {
        let detail = "Signing in at the other site does not work at the moment. Please try again, \
                      or choose another way to sign in.";
        Self::new(503, "provider_unavailable", "Provider unavailable", detail)
            .because("provider", cause)
            .retry_after(RETRY_UNAVAILABLE)
    }
}
