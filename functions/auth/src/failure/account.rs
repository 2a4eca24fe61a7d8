//! Refusals of a change of an account, and what is said where one was made by half.

use authflow_shared::{problem::FieldError, supabase::Weakness};

use super::Failure;

/// What a field says that should hold the number of a phone.
pub(crate) const NO_PHONE: &str =
    "This is not a phone number with its country code. One looks like +49 30 901820.";

impl Failure {
    /// Supabase changes no password in a sign-in of yesterday.
    pub(crate) fn reauthentication_required() -> Self {
        let detail = "You signed in too long ago to change your password. Sign out and in again, or \
                      have a mail sent for a forgotten password.";
        let title = "Sign-in too long ago";
        Self::new(403, "reauthentication_required", title, detail)
    }

    pub(crate) fn current_password_missing() -> Self {
        Self::of_field(
            "current_password",
            "missing",
            "Enter your current password.",
        )
    }

    pub(crate) fn same_password() -> Self {
        let detail = "The new password is the old one. Choose another.";
        let mut failure = Self::new(422, "same_password", "Same password", detail);
        failure.problem.errors = vec![FieldError {
            field: "password",
            code: "same",
            detail: detail.to_owned(),
        }];
        failure
    }

    pub(crate) fn weak_password(weaknesses: &[Weakness]) -> Self {
        let detail = "Choose another password; `errors` says what is weak about this one.";
        let mut failure = Self::new(422, "weak_password", "Weak password", detail);
        let error = |weakness: &Weakness| FieldError {
            field: "password",
            code: weakness.as_str(),
            detail: match weakness {
                Weakness::Length => "The password is too short.",
                Weakness::Characters => {
                    "The password needs more kinds of characters: upper and lower case letters, \
                     digits, symbols."
                }
                Weakness::Pwned => {
                    "The password is known from a leak of another site. Choose one that you use \
                     nowhere else."
                }
            }
            .to_owned(),
        };
        failure.problem.errors = weaknesses.iter().map(error).collect();
        failure
    }

    pub(crate) fn factor_not_offered() -> Self {
        let detail = "This site takes no second factor of this kind.";
        Self::of_field("type", "not_offered", detail)
    }

    /// What an admin must leave to others.
    pub(crate) fn own_account() -> Self {
        let detail = "This is your own account. Ask another admin.";
        Self::new(409, "own_account", "Own account", detail)
    }

    pub(crate) fn admin_unavailable() -> Self {
        let detail = "Administration needs SUPABASE_SERVICE_ROLE_KEY, which is not set.";
        Self::new(501, "admin_unavailable", "Not set up", detail)
    }

    /// What failed after the sessions of an account had ended, and before it was certain that it
    /// changed.
    pub(crate) fn before_account_change(self) -> Self {
        self.saying(
            "before_account_change",
            "It is not certain that the account has changed. Its sessions have ended. Please try \
             again.",
        )
    }

    /// What failed after an account had changed.
    pub(crate) fn after_account_change(self) -> Self {
        self.saying(
            "after_account_change",
            "The account has changed, but a session that began meanwhile may still be open, or some of \
             a deleted account be stored. Please do the same again.",
        )
    }

    /// What failed after the password had changed.
    pub(crate) fn after_password_change(self) -> Self {
        self.saying(
            "after_password_change",
            "The password has been changed, but other sessions may still be open. Sign in with the \
             new one and end them.",
        )
    }

    /// What failed after the address had changed.
    pub(crate) fn after_email_change(self) -> Self {
        self.saying(
            "after_email_change",
            "The address has been changed, but other sessions may still be open under the old one. \
             Sign in and end them.",
        )
    }

    /// What failed after a second factor had been removed.
    pub(crate) fn after_factor_removal(self) -> Self {
        self.saying(
            "after_factor_removal",
            "The second factor has been removed, but a session that it raised meanwhile may still \
             count as raised. End the other sessions.",
        )
    }

    /// What failed after the account had been deleted.
    pub(crate) fn after_deletion(self) -> Self {
        self.saying(
            "after_deletion",
            "The account has been deleted, but a session that was opened at that moment may last \
             until it runs out.",
        )
    }
}
