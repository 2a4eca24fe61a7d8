//! An identity of a user: an account at a provider, or an e-mail address.

use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// The provider of those who sign up with an address.
pub(super) const EMAIL: &str = "email";

/// One way to sign in.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) id: Uuid,
    pub(super) provider: String,
    /// The user's name at the provider; at `email`, our own for the user.
    pub(super) provider_id: String,
    pub(super) data: Map<String, Value>,
    pub(super) last_sign_in_at: OffsetDateTime,
    created_at: OffsetDateTime,
    pub(super) updated_at: OffsetDateTime,
}

impl Identity {
    pub(super) fn new(
        provider: &str,
        provider_id: String,
        data: Map<String, Value>,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            id: Uuid::new_v4(),
            provider: provider.to_owned(),
            provider_id,
            data,
            last_sign_in_at: now,
            created_at: now,
            updated_at: now,
        }
    }

    pub(super) fn to_json(&self, user_id: Uuid) -> Value {
        let text = |time: OffsetDateTime| time.format(&Rfc3339).ok();
        let mut body = json!({
            "identity_id": self.id,
            "id": self.provider_id,
            "user_id": user_id,
            "provider": self.provider,
            "last_sign_in_at": text(self.last_sign_in_at),
            "created_at": text(self.created_at),
            "updated_at": text(self.updated_at),
        });
        // A deleted user's identity has lost its data.
        if let Some(body) = body.as_object_mut()
            && !self.data.is_empty()
        {
            body.insert("identity_data".to_owned(), self.data.clone().into());
            if let Some(email) = self.data.get("email") {
                body.insert("email".to_owned(), email.clone());
            }
        }
        body
    }
}
