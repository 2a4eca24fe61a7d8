//! What a user is told of themselves: `user` in answers, and `user_profile:{user_id}` in Redis.

use authflow_shared::{json::Object, layout, session::SessionRecord, supabase::User};

/// The profile of a user.
pub(crate) fn of_user(user: User) -> Object {
    Object::new()
        .with("id", user.id)
        .with("email", user.email)
        .with("role", user.role)
        .with("user_metadata", user.user_metadata)
        .with("app_metadata", user.app_metadata)
        .maybe("created_at", user.created_at)
        .maybe("email_confirmed_at", user.email_confirmed_at)
}

/// The profile as Redis keeps it.
pub(crate) fn to_store(profile: &Object) -> String {
    layout::write(profile.clone())
}

/// What a session knows of its user, where Supabase cannot be asked.
pub(crate) fn of_record(record: &SessionRecord) -> Object {
    Object::new()
        .with("id", record.user_id.as_str())
        .with("email", record.email.as_str())
        .with("role", record.role.as_str())
        .with("user_metadata", Object::new())
        .with("app_metadata", Object::new())
}
