//! Bringing a session back into a Redis that lost it.

use super::{SessionId, SessionRecord, SessionStore, change, database::Database, keys};
use crate::{
    host::Host,
    redis::{Command, Reply},
    timestamp::Timestamp,
};

/// Makes a session as it was, where it is not, and where nobody has ended it: neither of late (it, or all of
/// its user's), nor in a change that the database has not got. Takes the keys of the session, of its owner, of
/// the list, of both ends, of what is owed and of all that are alive; the record, its seconds, the user's id and its seconds, the
/// score, the session's id, and the name of its end.
const SCRIPT: &str = r#"
if redis.call("EXISTS", KEYS[4], KEYS[5]) > 0 then return 0 end
if redis.call("HEXISTS", KEYS[6], ARGV[7]) == 1 then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "EX", ARGV[2], "NX")
redis.call("SET", KEYS[2], ARGV[3], "EX", ARGV[4])
redis.call("ZADD", KEYS[3], "GT", ARGV[5], ARGV[6])
redis.call("ZADD", KEYS[7], "GT", ARGV[5], ARGV[6])
if redis.call("TTL", KEYS[3]) < tonumber(ARGV[2]) then redis.call("EXPIRE", KEYS[3], ARGV[2]) end
return 1
"#;

impl<H: Host> SessionStore<H> {
    /// Brings the session `id` back as `record`, to live until `idle_until`. If that fails, it is tried
    /// again with the next request.
    pub(super) async fn restore(
        &self,
        database: &Database<H>,
        id: &SessionId,
        record: &SessionRecord,
        idle_until: Timestamp,
        now: Timestamp,
    ) {
        let lives = idle_until.seconds().saturating_sub(now.seconds()).max(1);
        let command = Command::new("EVAL")
            .arg(SCRIPT)
            .arg("7")
            .arg(keys::session(id))
            .arg(keys::user_id(id))
            .arg(keys::user_sessions(&record.user_id))
            .arg(keys::ended_session(id))
            .arg(keys::sessions_ended(&record.user_id))
            .arg(keys::OWED_TO_DATABASE)
            .arg(keys::SESSIONS_ACTIVE)
            .arg(record.to_json())
            .arg(lives)
            .arg(&record.user_id)
            .arg(self.lifetimes().user_id)
            .arg(idle_until.seconds())
            .arg(id.as_str())
            .arg(change::name_of_end(id));
        if self.redis.command(&command).await == Ok(Reply::Integer(1)) {
            let _ = database.apply(&[change::restored(id, now)], false).await;
        }
    }
}
