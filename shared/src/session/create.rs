//! Creating a session.

use super::{
    SessionId, SessionRecord, SessionStore,
    change::Change,
    devices::{self, DeviceEntry},
    keys,
    store::since,
};
use crate::{
    host::Host,
    redis::{Command, Lookup, Reply, Unavailable, lookup, texts},
    timestamp::Timestamp,
};

/// Seconds for which a session stays in its user's list after the moment that it is listed with: longer than
/// any call takes, so that none that is just being renewed falls out.
const SLACK_SECONDS: u64 = 60;

/// A session to be created.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// Its id.
    pub id: &'a SessionId,
    /// Its record.
    pub record: &'a SessionRecord,
    /// Its device; when it was first seen is known here alone.
    pub device: DeviceEntry,
    /// What its device's fingerprint may have been before the key of fingerprints was changed.
    pub former_fingerprints: Vec<String>,
    /// The user's profile as JSON.
    pub profile: &'a str,
    /// The session the request came with; it ends as the new one begins.
    pub replaces: Option<&'a SessionId>,
    /// Whether that one goes on in it: it must still be there then, or what ended it, or went on in
    /// its place, would not hold.
    pub goes_on: bool,
}

/// A session that was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    /// Whether its device had signed in before.
    pub known_device: bool,
}

/// Why no session was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCreated {
    /// All sessions of the user were ended while this one was being opened.
    Ended,
    /// The session that was to go on in this one is not there any more.
    Gone,
    /// It is not certain that the session exists.
    Unavailable(Unavailable),
}

impl From<Unavailable> for NotCreated {
    fn from(reason: Unavailable) -> Self {
        Self::Unavailable(reason)
    }
}

/// What is known before a session is created.
struct Before {
    first_seen: Option<u64>,
    /// Whether the device is listed under the fingerprint that it has now.
    is_listed: bool,
    old_owner: Option<Lookup>,
    /// Names and entries by turns; only where there are as many as are kept.
    devices: Vec<String>,
}

impl<H: Host> SessionStore<H> {
    /// Creates a session and ends the one it replaces, atomically.
    ///
    /// # Errors
    /// [`NotCreated`]; its token must not be handed out then.
    pub async fn create(
        &self,
        new: &NewSession<'_>,
        now: Timestamp,
    ) -> Result<Created, NotCreated> {
        let record = new.record;
        let device_key = keys::device(&record.user_id);
        let fingerprint = &record.device_fingerprint;

        // (1)
        let Before {
            first_seen,
            is_listed,
            old_owner,
            devices,
        } = self.before(new, &device_key).await?;
        // (2) All or nothing.
        let device = DeviceEntry {
            first_seen: first_seen.unwrap_or(now.seconds()),
            last_seen: now.seconds(),
            ..new.device.clone()
        };
        let lives = self.session_seconds(record, now);
        let sessions_key = keys::user_sessions(&record.user_id);
        let going_on = new.replaces.filter(|_| new.goes_on);
        let mut writes = Vec::with_capacity(16);
        writes.extend(going_on.map(|old| Command::new("EXISTS").arg(keys::session(old))));
        writes.extend([
            Command::new("SET")
                .arg(keys::session(new.id))
                .arg(record.to_json())
                .arg("EX")
                .arg(lives),
            Command::new("SET")
                .arg(keys::user_id(new.id))
                .arg(&record.user_id)
                .arg("EX")
                .arg(self.lifetimes.user_id),
            Command::new("HSET")
                .arg(&device_key)
                .arg(fingerprint)
                .arg(device.to_json()),
            Command::new("EXPIRE")
                .arg(&device_key)
                .arg(self.lifetimes.device),
            Command::new("SET")
                .arg(keys::user_profile(&record.user_id))
                .arg(new.profile)
                .arg("EX")
                .arg(self.lifetimes.user_profile),
            // Not to the second: a session that ran out of its score may just be renewed.
            Command::new("ZREMRANGEBYSCORE")
                .arg(&sessions_key)
                .arg("-inf")
                .arg(now.seconds().saturating_sub(SLACK_SECONDS)),
            Command::new("ZADD")
                .arg(&sessions_key)
                .arg(now.seconds().saturating_add(lives))
                .arg(new.id.as_str()),
            Command::new("ZADD")
                .arg(keys::SESSIONS_ACTIVE)
                .arg(now.seconds().saturating_add(lives))
                .arg(new.id.as_str()),
        ]);
        writes.extend(at_least(&sessions_key, lives));
        let old_end = new.replaces.map(|old| Change::ended(old, now));
        if let Some(old) = new.replaces {
            writes.extend(self.end_commands(old, old_owner));
            writes.extend(self.keep_commands(old_end.as_ref()));
        }
        let gone = devices::oldest(&devices);
        if !gone.is_empty() {
            let forget = Command::new("HDEL").arg(&device_key);
            writes.push(gone.into_iter().fold(forget, Command::arg));
        }
        if self.database.is_some() {
            // Before the session, so that one that is missing later is not taken for lost.
            writes.push(since(now.millis().saturating_sub(1)));
        }
        writes.push(Command::new("GET").arg(keys::sessions_ended(&record.user_id)));
        let mut replies = self.redis.transaction(&writes).await?;

        // (3) What was asked for before all sessions were ended does not outlive that. Only with a
        // readable answer is it certain that nothing of the kind happened.
        let ended_at = match replies.pop().map(lookup) {
            Some(Lookup::Found(millis)) => millis.parse().map_err(|_| Unavailable::Unreadable)?,
            Some(Lookup::Absent) => 0,
            _ => return Err(Unavailable::Unreadable.into()),
        };
        let was_there = going_on.is_none() || replies.first() == Some(&Reply::Integer(1));
        let refused = if record.asked_at <= ended_at {
            NotCreated::Ended
        } else if !was_there {
            NotCreated::Gone
        } else {
            let saved = Change::saved(new.id, record, now, lives);
            self.write_behind(saved, old_end).await;
            let known_device = first_seen.is_some();
            return Ok(Created { known_device });
        };
        let owner = Some(Lookup::Found(record.user_id.clone()));
        let mut undo = self.end_commands(new.id, owner);
        undo.push(Command::new("DEL").arg(keys::user_profile(&record.user_id)));
        // Where all sessions ended meanwhile, the devices may have been forgotten, too.
        if !is_listed || refused == NotCreated::Ended {
            undo.push(Command::new("HDEL").arg(&device_key).arg(fingerprint));
        }
        self.redis.transaction(&undo).await?;
        Err(refused)
    }

    /// What must be known before: since when the device is known, whose the old session is, and which
    /// devices there are where one has to make room.
    async fn before(&self, new: &NewSession<'_>, device_key: &str) -> Result<Before, Unavailable> {
        let device = Command::new("HMGET")
            .arg(device_key)
            .arg(&new.record.device_fingerprint);
        let mut reads = vec![
            new.former_fingerprints.iter().fold(device, Command::arg),
            Command::new("HLEN").arg(device_key),
        ];
        reads.extend(
            new.replaces
                .map(|old| Command::new("GET").arg(keys::user_id(old))),
        );
        let mut replies = self.redis.pipeline(&reads).await?.into_iter();
        let seen = each_first_seen(replies.next());
        let is_listed = seen.first().is_some_and(Option::is_some);
        let first_seen = seen.into_iter().flatten().min();
        let is_full = matches!(replies.next(), Some(Reply::Integer(count))
            if u64::try_from(count).is_ok_and(|count| count >= devices::MOST));
        let old_owner = replies.next().map(lookup);
        let devices = if is_full && !is_listed {
            let all = Command::new("HGETALL").arg(device_key);
            texts(Some(self.redis.command(&all).await?))?
        } else {
            Vec::new()
        };
        Ok(Before {
            first_seen,
            is_listed,
            old_owner,
            devices,
        })
    }

    /// Tells the database of a session that is new here, and of the one whose place it took. The end is
    /// told before anybody hears of it; without one, nobody waits.
    async fn write_behind(&self, saved: Change, old_end: Option<Change>) {
        let Some(database) = &self.database else {
            return;
        };
        let is_urgent = old_end.is_some();
        let changes: Vec<_> = old_end.into_iter().chain([saved]).collect();
        if is_urgent {
            self.tell_database(database, &changes).await;
            return;
        }
        let (store, database) = (self.clone(), database.clone());
        self.redis.host().spawn(async move {
            store.tell_database(&database, &changes).await;
        });
    }
}

/// When each of some devices was first seen.
fn each_first_seen(reply: Option<Reply>) -> Vec<Option<u64>> {
    let Some(Reply::Array(entries)) = reply else {
        return Vec::new();
    };
    let first_seen = |entry| match entry {
        Reply::Text(json) => Some(DeviceEntry::read(&json)?.first_seen),
        _ => None,
    };
    entries.into_iter().map(first_seen).collect()
}

/// Lets `key` live `seconds` at least: `GT` alone would leave a key alone that has no expiry yet.
fn at_least(key: &str, seconds: u64) -> [Command; 2] {
    ["NX", "GT"].map(|flag| Command::new("EXPIRE").arg(key).arg(seconds).arg(flag))
}

#[cfg(test)]
pub(super) mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::{
        host::{HttpAnswer, HttpCall, fake::FakeHost},
        session::store::tests::{NOW, bodies, empty_redis, id, store},
    };

    pub(crate) fn new_session<'a>(
        id: &'a SessionId,
        record: &'a SessionRecord,
        replaces: Option<&'a SessionId>,
    ) -> NewSession<'a> {
        NewSession {
            id,
            record,
            device: DeviceEntry::default(),
            former_fingerprints: Vec::new(),
            profile: "{}",
            replaces,
            goes_on: false,
        }
    }

    #[test]
    fn a_session_is_created_in_one_transaction_that_ends_the_old_one() {
        let host = empty_redis();
        let (id, old, record) = (id(1), id(2), SessionRecord::example(NOW));
        block_on(store(&host).create(&new_session(&id, &record, Some(&old)), NOW)).unwrap();
        let calls = host.calls();
        assert_eq!(calls.len(), 2, "one read, one transaction");
        assert!(calls[1].url.ends_with("/multi-exec"));
        let writes = &bodies(&host)[1];
        for part in [
            r#""EX","3600"]"#,
            r#"["DEL","session:00000000-0000-4000-8000-000000000002""#,
            r#"["ZADD","user_sessions:5f6b7c8d-0000-4000-8000-000000000001","1800003600""#,
        ] {
            assert!(writes.contains(part), "{part} in {writes}");
        }
    }

    #[test]
    fn a_device_that_is_listed_under_a_former_fingerprint_is_known() {
        let entry = DeviceEntry {
            first_seen: 7,
            ..DeviceEntry::default()
        };
        let create = |entries: serde_json::Value| {
            let host = FakeHost::new(NOW, move |call: &HttpCall| {
                let commands: Vec<Vec<String>> =
                    serde_json::from_str(call.body.as_deref().unwrap()).unwrap();
                let reply = |command: &Vec<String>| match command[0].as_str() {
                    "HMGET" => serde_json::json!({"result": entries}),
                    _ => serde_json::json!({"result": null}),
                };
                let body = serde_json::to_string(&commands.iter().map(reply).collect::<Vec<_>>());
                Ok(HttpAnswer {
                    status: 200,
                    body: body.unwrap(),
                })
            });
            let (id, record) = (id(1), SessionRecord::example(NOW));
            let mut new = new_session(&id, &record, None);
            new.former_fingerprints = vec!["former".into()];
            let created = block_on(store(&host).create(&new, NOW)).unwrap();
            (created.known_device, bodies(&host))
        };
        let (is_known, asked) = create(serde_json::json!([null, entry.to_json()]));
        assert!(is_known);
        assert!(asked[0].contains(r#""fp","former"]"#), "{}", asked[0]);
        assert!(asked[1].contains(r#"\"first_seen\":7"#), "{}", asked[1]);
        assert!(!create(serde_json::json!([null, null])).0);
    }
}
