//! Sessions in Redis.
//!
//! | key | holds | lives |
//! |---|---|---|
//! | `session:{session_id}` | the [`SessionRecord`] | an idle hour, renewed while in use |
//! | `device:{user_id}` | fingerprint → [`DeviceEntry`] | a day after the last sign-in |
//! | `user_sessions:{user_id}` | session ids by expiry | as its longest member |
//! | `user_id:{session_id}` | the user's id | longer than the session |
//! | `user_profile:{user_id}` | the profile | half an hour |
//! | `sessions_ended:{user_id}` | when all were ended last | five minutes |
//!
//! Creating and ending a session are one transaction each: there is never a session without its
//! index entry, nor an index entry that opens anything.

use std::rc::Rc;

use super::{
    SessionId, SessionRecord,
    change::Change,
    database::{self, Database},
    devices::{self, DeviceEntry},
    keys,
};
use crate::{
    config::Lifetimes,
    host::Host,
    redis::{Command, Lookup, Redis, Reply, Unavailable, lookup, texts},
    timestamp::Timestamp,
};

/// Seconds for which a session stays in its user's list after the moment that it is listed with: longer than
/// any call takes, so that none that is just being renewed falls out.
const SLACK_SECONDS: u64 = 60;

/// What a look-up of a session came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionLookup {
    /// It is alive.
    Found(Rc<SessionRecord>),
    /// It has ended or run out. Only this ends a session or clears a cookie.
    Absent,
    /// Nobody knows.
    Unavailable(Unavailable),
}

impl SessionLookup {
    /// The record, if there is one.
    pub fn record(&self) -> Option<&SessionRecord> {
        match self {
            Self::Found(record) => Some(record),
            Self::Absent | Self::Unavailable(_) => None,
        }
    }
}

/// A session to be created.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// Its id.
    pub id: &'a SessionId,
    /// Its record.
    pub record: &'a SessionRecord,
    /// Its device; when it was first seen is known here alone.
    pub device: DeviceEntry,
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

/// The store of sessions.
#[derive(Clone, Debug)]
pub struct SessionStore<H> {
    pub(super) redis: Redis<H>,
    /// The second copy, where there is one.
    pub(super) database: Option<Database<H>>,
    pub(super) lifetimes: Lifetimes,
}

impl<H: Host> SessionStore<H> {
    /// A store over `redis`, with a second copy in the database where there is one.
    pub fn new(
        redis: Redis<H>,
        database: Option<Rc<database::Settings>>,
        lifetimes: Lifetimes,
    ) -> Self {
        let host = redis.host().clone();
        let database = database.map(|settings| Database::new(host, settings));
        Self {
            redis,
            database,
            lifetimes,
        }
    }

    pub(super) fn lifetimes(&self) -> &Lifetimes {
        &self.lifetimes
    }

    pub(super) fn redis(&self) -> &Redis<H> {
        &self.redis
    }

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

        // (1) What must be known before: since when the device is known, how many there are, whose the
        // old session is.
        let mut reads = vec![
            Command::new("HGET").arg(&device_key).arg(fingerprint),
            Command::new("HLEN").arg(&device_key),
        ];
        reads.extend(
            new.replaces
                .map(|old| Command::new("GET").arg(keys::user_id(old))),
        );
        let mut replies = self.redis.pipeline(&reads).await?.into_iter();
        let first_seen = replies.next().and_then(first_seen);
        let is_full = matches!(replies.next(), Some(Reply::Integer(count))
            if u64::try_from(count).is_ok_and(|count| count >= devices::MOST));
        let old_owner = replies.next().map(lookup);
        let known = if is_full && first_seen.is_none() {
            let all = Command::new("HGETALL").arg(&device_key);
            texts(Some(self.redis.command(&all).await?))?
        } else {
            Vec::new()
        };

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
        ]);
        writes.extend(at_least(&sessions_key, lives));
        let old_end = new.replaces.map(|old| Change::ended(old, now));
        if let Some(old) = new.replaces {
            writes.extend(self.end_commands(old, old_owner));
            writes.extend(self.keep_commands(old_end.as_ref()));
        }
        let gone = devices::oldest(&known);
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
        if first_seen.is_none() {
            undo.push(Command::new("HDEL").arg(&device_key).arg(fingerprint));
        }
        self.redis.transaction(&undo).await?;
        Err(refused)
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

    /// The profile of a user.
    pub async fn profile(&self, user_id: &str) -> Lookup {
        self.redis.get(&keys::user_profile(user_id)).await
    }

    /// Keeps the profile of a user.
    ///
    /// # Errors
    /// [`Unavailable`] if Redis did not do it.
    pub async fn keep_profile(&self, user_id: &str, profile: &str) -> Result<(), Unavailable> {
        let command = Command::new("SET")
            .arg(keys::user_profile(user_id))
            .arg(profile)
            .arg("EX")
            .arg(self.lifetimes.user_profile);
        match self.redis.command(&command).await? {
            Reply::Error(_) => Err(Unavailable::Refused),
            _ => Ok(()),
        }
    }

    /// Seconds an idle session lives from `now`: never past its end, and never zero, because
    /// Redis refuses that.
    pub(super) fn session_seconds(&self, record: &SessionRecord, now: Timestamp) -> u64 {
        record
            .expires_at
            .saturating_sub(now.seconds())
            .min(self.lifetimes.session)
            .max(1)
    }
}

/// Reads the reply to the look-up of a session.
///
/// A value that is no record of ours is *unavailable*: it says nothing about whether the person
/// is signed in, and must not sign them out.
pub(super) fn read_session(lookup: Lookup, now: Timestamp) -> SessionLookup {
    match lookup {
        Lookup::Found(json) => match SessionRecord::from_json(&json) {
            Some(record) if record.is_over(now) => SessionLookup::Absent,
            Some(record) => SessionLookup::Found(Rc::new(record)),
            None => SessionLookup::Unavailable(Unavailable::Unreadable),
        },
        Lookup::Absent => SessionLookup::Absent,
        Lookup::Unavailable(reason) => SessionLookup::Unavailable(reason),
    }
}

fn first_seen(reply: Reply) -> Option<u64> {
    let Reply::Text(json) = reply else {
        return None;
    };
    Some(DeviceEntry::read(&json)?.first_seen)
}

/// Notes since when, in milliseconds, Redis has held sessions, unless it knows.
pub(super) fn since(millis: u64) -> Command {
    Command::new("SET")
        .arg(keys::STORE_SINCE)
        .arg(millis)
        .arg("NX")
}

/// Lets `key` live `seconds` at least: `GT` alone would leave a key alone that has no expiry yet.
fn at_least(key: &str, seconds: u64) -> [Command; 2] {
    ["NX", "GT"].map(|flag| Command::new("EXPIRE").arg(key).arg(seconds).arg(flag))
}

#[cfg(test)]
pub(super) mod tests {
    use core::time::Duration;
    use futures_executor::block_on;

    use super::*;
    use crate::{
        dependency::Dependency,
        host::{
            CallError, HttpAnswer, HttpCall,
            fake::{Breakage, FakeHost},
        },
        redis::Settings,
        secret::Secret,
    };

    pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const LIFETIMES: Lifetimes = Lifetimes {
        session: 3600,
        session_max: 86_400,
        device: 86_400,
        user_id: 7200,
        user_profile: 1800,
    };

    pub(crate) fn id(digit: u8) -> SessionId {
        SessionId::parse(&format!("00000000-0000-4000-8000-00000000000{digit}")).unwrap()
    }

    pub(crate) fn store(host: &FakeHost) -> SessionStore<FakeHost> {
        let settings = Settings {
            url: "http://redis.test".into(),
            token: Secret::new("token"),
            timeout: Duration::from_millis(300),
            dependency: Dependency::example("redis"),
        };
        SessionStore::new(Redis::new(host.clone(), Rc::new(settings)), None, LIFETIMES)
    }

    /// A Redis that knows nothing and does everything.
    fn empty_redis() -> FakeHost {
        FakeHost::new(NOW, |call: &HttpCall| {
            let commands: Vec<Vec<String>> =
                serde_json::from_str(call.body.as_deref().unwrap_or("")).unwrap_or_default();
            let replies = vec![r#"{"result":null}"#; commands.len()].join(",");
            let body = if commands.is_empty() {
                r#"{"result":null}"#.into()
            } else {
                format!("[{replies}]")
            };
            Ok(HttpAnswer { status: 200, body })
        })
    }

    fn bodies(host: &FakeHost) -> Vec<String> {
        host.calls()
            .into_iter()
            .filter_map(|call| call.body)
            .collect()
    }

    pub(crate) fn new_session<'a>(
        id: &'a SessionId,
        record: &'a SessionRecord,
        replaces: Option<&'a SessionId>,
    ) -> NewSession<'a> {
        NewSession {
            id,
            record,
            device: DeviceEntry::default(),
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
    fn ending_is_an_error_whenever_it_is_not_certain() {
        for breakage in [
            Breakage::Before(CallError::Timeout),
            Breakage::After(CallError::Connection),
        ] {
            let host = empty_redis();
            // The owner is asked for three times.
            (0..3).for_each(|_| host.break_next(breakage));
            assert!(
                block_on(store(&host).end(&id(1), NOW)).is_err(),
                "owner unknown, {breakage:?}"
            );

            let host = empty_redis();
            host.pass_next();
            host.break_next(breakage);
            assert!(
                block_on(store(&host).end(&id(1), NOW)).is_err(),
                "not ended, {breakage:?}"
            );
        }
    }

    #[test]
    fn only_absence_says_that_a_session_ended() {
        let find = |lookup| read_session(lookup, NOW);
        let record = SessionRecord::example(NOW);
        let found = find(Lookup::Found(record.to_json()));
        assert_eq!(found, SessionLookup::Found(Rc::new(record)));
        assert_eq!(find(Lookup::Absent), SessionLookup::Absent);
        for garbage in ["", "{}", "null", "OK"] {
            let lookup = find(Lookup::Found(garbage.into()));
            assert_eq!(
                lookup,
                SessionLookup::Unavailable(Unavailable::Unreadable),
                "{garbage}"
            );
        }
    }

    #[test]
    fn a_record_past_its_end_is_absent_even_if_redis_still_holds_it() {
        let json = SessionRecord::example(NOW).to_json();
        let late = NOW.after(Duration::from_hours(24));
        assert_eq!(
            read_session(Lookup::Found(json), late),
            SessionLookup::Absent
        );
    }
}
