//! The names of everything kept in Redis.

use crate::session::SessionId;

/// The session itself.
pub fn session(id: &SessionId) -> String {
    format!("session:{}", id.as_str())
}

/// Whose session it is; outlives a session that ran out, so that a late sign-out still finds the
/// owner.
pub fn user_id(id: &SessionId) -> String {
    format!("user_id:{}", id.as_str())
}

/// The devices a user signed in from: a hash by fingerprint.
pub fn device(user_id: &str) -> String {
    format!("device:{user_id}")
}

/// A user's sessions: a sorted set of ids by expiry in Unix seconds.
pub fn user_sessions(user_id: &str) -> String {
    format!("user_sessions:{user_id}")
}

/// The moment, in Unix milliseconds, at which all sessions of a user were ended last.
pub fn sessions_ended(user_id: &str) -> String {
    format!("sessions_ended:{user_id}")
}

/// That a session has ended: for a while, so that nobody who was about to bring it back does.
pub fn ended_session(id: &SessionId) -> String {
    format!("ended_session:{}", id.as_str())
}

/// The changes that the database has not got, by their names: a hash.
pub const OWED_TO_DATABASE: &str = "owed_to_database";

/// The moment, in Unix milliseconds, since which Redis has held every session; what began before it
/// may have been lost. Whoever misses it sets it.
pub const STORE_SINCE: &str = "store_since";

/// The sessions that are alive: a sorted set of ids by expiry in Unix seconds. They are counted by it, and
/// nothing else.
pub const SESSIONS_ACTIVE: &str = "sessions_active";

/// What the worker `service` has counted: a hash by series.
pub fn metrics(service: &str) -> String {
    format!("metrics:{{{service}}}")
}

/// The number of the last batch of counts of one isolate. The braces keep it on the hash's node of a
/// cluster.
pub fn metrics_of(service: &str, isolate: &str) -> String {
    format!("metrics:{{{service}}}:isolate:{isolate}")
}

/// A user's profile.
pub fn user_profile(user_id: &str) -> String {
    format!("user_profile:{user_id}")
}

/// The requests that a limit counted under `key` in its window number `window`. The braces keep
/// neighbouring windows on one node of a cluster.
pub fn limit(key: &str, window: u64) -> String {
    format!("limit:{{{key}}}:{window}")
}
