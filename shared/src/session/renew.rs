//! Letting a session that is in use live on.

use super::{
    SessionId, SessionRecord, SessionStore,
    change::{self, Change},
    keys,
    store::{SessionLookup, read_session},
};
use crate::{
    host::Host,
    redis::{Command, Lookup, Unavailable, lookup},
    timestamp::Timestamp,
};

/// Lets a session live on that is alive, and no other, and sees to it that its user's list has it: what is not
/// in the list would not end with all others. Takes the keys of the session, of its owner, of the list and of
/// all that are alive, then the seconds of the first and the second, the score, and the id; gives the record.
const SCRIPT: &str = r#"
local session = redis.call("GET", KEYS[1])
if not session then return session end
redis.call("EXPIRE", KEYS[1], ARGV[1], "GT")
redis.call("EXPIRE", KEYS[2], ARGV[2], "GT")
redis.call("ZADD", KEYS[3], "GT", ARGV[3], ARGV[4])
redis.call("ZADD", KEYS[4], "GT", ARGV[3], ARGV[4])
if redis.call("TTL", KEYS[3]) < tonumber(ARGV[1]) then redis.call("EXPIRE", KEYS[3], ARGV[1]) end
return session
"#;

impl<H: Host> SessionStore<H> {
    /// Lets a session that is in use live on, never past its end. Does not bring an ended one back.
    ///
    /// # Errors
    /// [`Unavailable`] if neither store did it; the session then lives as long as before.
    pub async fn renew(
        &self,
        id: &SessionId,
        record: &SessionRecord,
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        let lives = self.session_seconds(record, now);
        // Once in ten minutes: the text costs less than a name that the server might not know.
        let command = Command::new("EVAL")
            .arg(SCRIPT)
            .arg("4")
            .arg(keys::session(id))
            .arg(keys::user_id(id))
            .arg(keys::user_sessions(&record.user_id))
            .arg(keys::SESSIONS_ACTIVE)
            .arg(lives)
            .arg(self.lifetimes().user_id)
            .arg(now.seconds().saturating_add(lives))
            .arg(id.as_str());
        let reply = self.redis().command(&command).await;
        let (change, missed) =
            match read_session(reply.map_or_else(Lookup::Unavailable, lookup), now) {
                SessionLookup::Absent => return Ok(()),
                // As it is by now, and as a whole: whatever the database missed of it, it has then. What it misses
                // now, the next renewal makes good.
                SessionLookup::Found(record) => (Change::saved(id, &record, now, lives).json, None),
                SessionLookup::Unavailable(reason) => {
                    (change::renewed(id, now, lives), Some(reason))
                }
            };
        let is_told = match &self.database {
            Some(database) => database.apply(&[change], missed.is_some()).await.is_ok(),
            None => false,
        };
        match missed {
            Some(reason) if !is_told => Err(reason),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use futures_executor::block_on;

    use super::*;
    use crate::{
        host::fake::FakeHost,
        session::store::tests::{NOW, id, store},
    };

    fn renewed(now: Timestamp) -> String {
        let host = FakeHost::answering(r#"{"result":null}"#);
        block_on(store(&host).renew(&id(1), &SessionRecord::example(NOW), now)).unwrap();
        host.calls()[0].body.clone().unwrap()
    }

    #[test]
    fn no_session_lives_past_its_end() {
        let late = NOW.after(Duration::from_mins(24 * 60 - 1));
        let end = r#""60","7200","1800086400","00000000-0000-4000-8000-000000000001"]"#;
        assert!(renewed(late).ends_with(end), "{}", renewed(late));
        assert!(renewed(NOW).contains(r#""3600","7200","1800003600""#));
    }

    #[test]
    fn what_redis_refuses_is_an_error() {
        for reply in [
            r#"{"error":"ERR"}"#,
            r#"{"result":"OK"}"#,
            r#"{"result":1}"#,
        ] {
            let host = FakeHost::answering(reply);
            let renewed = block_on(store(&host).renew(&id(1), &SessionRecord::example(NOW), NOW));
            assert!(renewed.is_err(), "{reply}");
        }
    }
}
