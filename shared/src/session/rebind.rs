//! Binding a session to the device that its own has become.

use super::{SessionId, SessionRecord, SessionStore, keys, record::device_fields};
use crate::{
    fingerprint::FactorHashes,
    host::Host,
    redis::{Command, Reply, Unavailable},
    timestamp::Timestamp,
};

/// Puts other fields of the device in the place of those that are known, and nowhere else: whatever
/// else of the session has changed meanwhile stays, and one that has ended is not there. Takes the
/// session's key and the devices', then the old fields and the new, both fingerprints, and the
/// moment. The new device is known by the name of the old one, unless it has one.
const SCRIPT: &str = r#"
local session = redis.call("GET", KEYS[1])
local first, last = string.find(session or "", ARGV[1], 1, true)
if not first then return 0 end
session = string.sub(session, 1, first - 1) .. ARGV[2] .. string.sub(session, last + 1)
redis.call("SET", KEYS[1], session, "KEEPTTL")
local device = redis.call("HGET", KEYS[2], ARGV[4]) or redis.call("HGET", KEYS[2], ARGV[3])
if device then
  device = string.gsub(device, '"last_seen":%d+', '"last_seen":' .. ARGV[5])
  redis.call("HSET", KEYS[2], ARGV[4], device)
end
return 1
"#;

impl<H: Host> SessionStore<H> {
    /// Binds the session `id` at `now` to the device of `fingerprint` and `factors` in place of
    /// that of `record`, if it is still alive and bound to that; how long it lives stays the same.
    /// Gives whether it was. The database learns of it when the session is renewed.
    ///
    /// # Errors
    /// [`Unavailable`] if it is not certain.
    pub async fn rebind(
        &self,
        id: &SessionId,
        record: &SessionRecord,
        fingerprint: &str,
        factors: &FactorHashes,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        // Rarely asked for: the text costs less than a name that the server might not know.
        let command = Command::new("EVAL")
            .arg(SCRIPT)
            .arg("2")
            .arg(keys::session(id))
            .arg(keys::device(&record.user_id))
            .arg(record.device_fields())
            .arg(device_fields(fingerprint, factors, Some(now.seconds())))
            .arg(&record.device_fingerprint)
            .arg(fingerprint)
            .arg(now.seconds());
        match self.redis.command(&command).await? {
            Reply::Integer(changed) => Ok(changed == 1),
            Reply::Error(_) => Err(Unavailable::Refused),
            _ => Err(Unavailable::Unreadable),
        }
    }
}
