//! What the token of a mail is for.

use time::OffsetDateTime;

use super::user::User;

/// What a one-time token proves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Confirmation,
    Invitation,
    Recovery,
    MagicLink,
    /// The present address agrees to its replacement.
    EmailChangeCurrent,
    /// The new address agrees.
    EmailChangeNew,
    /// Someone who signed in long ago is still there.
    Reauthentication,
}

impl Purpose {
    /// Supabase's `type`.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Confirmation => "signup",
            Self::Invitation => "invite",
            Self::Recovery => "recovery",
            Self::MagicLink => "magiclink",
            Self::EmailChangeCurrent | Self::EmailChangeNew => "email_change",
            Self::Reauthentication => "reauthentication",
        }
    }

    /// The name in a token's `amr`, if the mail ends a PKCE flow.
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Confirmation => "email/signup",
            other => other.kind(),
        }
    }

    /// Two purposes that share a place: a token of the one takes that of the other.
    pub(super) fn shares_place(self, other: Self) -> bool {
        let place = |purpose| match purpose {
            Self::Invitation => Self::Confirmation,
            Self::MagicLink => Self::Recovery,
            other => other,
        };
        place(self) == place(other)
    }

    pub(super) fn subject(self, code: &str) -> String {
        let text = match self {
            Self::Confirmation => "Confirm your email address",
            Self::Invitation => "You've been invited",
            Self::Recovery => "Reset your password",
            Self::MagicLink => "Your sign-in link",
            Self::EmailChangeCurrent | Self::EmailChangeNew => "Confirm your new email address",
            Self::Reauthentication => return format!("{code} is your verification code"),
        };
        text.to_owned()
    }

    /// Our page that takes the token; none where the mail has only a code.
    pub(super) fn page(self) -> Option<&'static str> {
        match self {
            Self::Recovery => Some("/auth/reset"),
            Self::Reauthentication => None,
            _ => Some("/auth/confirm"),
        }
    }

    /// The address that the mail goes to.
    pub(super) fn address(self, user: &User) -> &str {
        match self {
            Self::EmailChangeNew => &user.new_email,
            _ => &user.email,
        }
    }

    /// When the last mail of this purpose went out.
    pub(super) fn sent_at(self, user: &mut User) -> &mut Option<OffsetDateTime> {
        match self {
            Self::Confirmation | Self::Invitation => &mut user.confirmation_sent_at,
            Self::Recovery | Self::MagicLink => &mut user.recovery_sent_at,
            Self::EmailChangeCurrent | Self::EmailChangeNew => &mut user.email_change_sent_at,
            Self::Reauthentication => &mut user.reauthentication_sent_at,
        }
    }

    /// What is said when the mail server fails.
    pub(super) fn failure(self) -> &'static str {
        match self {
            Self::Confirmation => "Error sending confirmation email",
            Self::Invitation => "Error sending invite email",
            Self::Recovery => "Error sending recovery email",
            Self::MagicLink => "Error sending magic link email",
            Self::EmailChangeCurrent | Self::EmailChangeNew => "Error sending email change email",
            Self::Reauthentication => "Error sending reauthentication email",
        }
    }
}
