//! A second factor of a user, and the challenges it has to meet.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{error::AuthError, state::State};

/// How long a challenge is open, and how long a factor that was never challenged is kept.
pub(super) const CHALLENGE_LIFE: Duration = Duration::seconds(300);

/// Something a user has, beside the password.
#[derive(Clone)]
pub(super) struct Factor {
    pub(super) id: Uuid,
    /// Empty if the user gave none.
    pub(super) friendly_name: String,
    pub(super) verified: bool,
    pub(super) device: Device,
    pub(super) created_at: OffsetDateTime,
    pub(super) updated_at: OffsetDateTime,
    pub(super) last_challenged_at: Option<OffsetDateTime>,
}

/// What makes a factor's codes.
#[derive(Clone)]
pub(super) enum Device {
    /// An app that shares a secret with the server.
    Totp { secret: Vec<u8> },
    /// A telephone that gets its codes sent.
    Phone { number: String },
}

/// A question that a code of its factor answers.
pub(super) struct Challenge {
    pub(super) id: Uuid,
    pub(super) factor_id: Uuid,
    /// The code that was sent; none where the factor makes its own.
    pub(super) code: Option<String>,
    /// The client's address, which has to answer as well.
    pub(super) address: String,
    pub(super) made_at: OffsetDateTime,
    pub(super) answered: bool,
}

impl Device {
    /// Supabase's `factor_type`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Totp { .. } => "totp",
            Self::Phone { .. } => "phone",
        }
    }

    /// The name in a token's `amr`.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Totp { .. } => "totp",
            Self::Phone { .. } => "mfa/phone",
        }
    }

    /// The telephone's number; empty for an app.
    pub(super) fn number(&self) -> &str {
        match self {
            Self::Totp { .. } => "",
            Self::Phone { number } => number,
        }
    }
}

impl Factor {
    pub(super) fn to_json(&self) -> Value {
        let text = |time: OffsetDateTime| time.format(&Rfc3339).ok();
        let mut body = json!({
            "id": self.id,
            "created_at": text(self.created_at),
            "updated_at": text(self.updated_at),
            "status": if self.verified { "verified" } else { "unverified" },
            "factor_type": self.device.kind(),
            "phone": self.device.number(),
            "last_challenged_at": self.last_challenged_at.and_then(text),
        });
        if !self.friendly_name.is_empty()
            && let Some(body) = body.as_object_mut()
        {
            let name = self.friendly_name.clone();
            body.insert("friendly_name".to_owned(), name.into());
        }
        body
    }
}

impl State {
    /// A user's factor.
    pub(super) fn factor(&self, user_id: Uuid, id: Uuid) -> Result<&Factor, AuthError> {
        let mut factors = self.user(user_id)?.factors.iter();
        factors
            .find(|factor| factor.id == id)
            .ok_or_else(|| AuthError::new(404, "mfa_factor_not_found", "Factor not found"))
    }

    /// Changes a factor, which moves to the end of the list as a changed row does in the real
    /// database.
    pub(super) fn change_factor(
        &mut self,
        user_id: Uuid,
        id: Uuid,
        change: impl FnOnce(&mut Factor),
    ) -> Result<(), AuthError> {
        let now = self.now();
        let user = self.users.get_mut(&user_id).ok_or_else(AuthError::lost)?;
        if let Some(position) = user.factors.iter().position(|factor| factor.id == id) {
            let mut factor = user.factors.remove(position);
            change(&mut factor);
            factor.updated_at = now;
            user.factors.push(factor);
        }
        Ok(())
    }

    /// Removes a factor. The sessions that it raised fall back to what they were.
    pub(super) fn remove_factor(&mut self, user_id: Uuid, id: Uuid) -> Result<Factor, AuthError> {
        let removed = self.factor(user_id, id)?.clone();
        let user = self.users.get_mut(&user_id).ok_or_else(AuthError::lost)?;
        user.factors.retain(|factor| factor.id != id);
        self.challenges
            .retain(|challenge| challenge.factor_id != id);
        for session in self.sessions.values_mut() {
            session.lower(id);
        }
        Ok(removed)
    }

    /// Forgets the factors that were begun and never went on to a challenge.
    pub(super) fn drop_stale_factors(&mut self) {
        let now = self.now();
        let challenges = &self.challenges;
        for user in self.users.values_mut() {
            user.factors.retain(|factor| {
                let is_old = factor.created_at + CHALLENGE_LIFE < now;
                let is_challenged = || challenges.iter().any(|known| known.factor_id == factor.id);
                factor.verified || !is_old || is_challenged()
            });
        }
    }
}
