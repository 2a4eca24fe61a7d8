//! What a user is told of themselves: `user` in answers, and `user_profile:{user_id}` in Redis.

use authflow_shared::{session::SessionRecord, supabase::User};
use serde::Serialize;
use serde_json::{Map, Value};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Profile {
    id: String,
    email: String,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_confirmed_at: Option<String>,
    user_metadata: Map<String, Value>,
    app_metadata: Map<String, Value>,
}

impl Profile {
    /// The profile of a user.
    pub(crate) fn of_user(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            role: user.role,
            created_at: user.created_at,
            email_confirmed_at: user.email_confirmed_at,
            user_metadata: user.user_metadata,
            app_metadata: user.app_metadata,
        }
    }

    /// What a session knows of its user, where Supabase cannot be asked.
    pub(crate) fn of_record(record: &SessionRecord) -> Self {
        Self {
            id: record.user_id.clone(),
            email: record.email.clone(),
            role: record.role.clone(),
            created_at: None,
            email_confirmed_at: None,
            user_metadata: Map::new(),
            app_metadata: Map::new(),
        }
    }

    /// The profile as Redis keeps it.
    pub(crate) fn to_json(&self) -> String {
        // Text, and maps by text, always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}
