//! Sessions in Redis.
//!
//! | key | holds | lives |
//! |---|---|---|
//! | `session:{session_id}` | the [`SessionRecord`] | an idle hour, renewed while in use |
//! | `device:{user_id}` | fingerprint → [`DeviceEntry`](super::devices::DeviceEntry) | a day after the last sign-in |
//! | `user_sessions:{user_id}` | session ids by expiry | as its longest member |
//! | `user_id:{session_id}` | the user's id | longer than the session |
//! | `user_profile:{user_id}` | the profile | half an hour |
//! | `sessions_ended:{user_id}` | when all were ended last | five minutes |
//! | `ended_session:{session_id}` | that it was ended | five minutes |
//! | `sessions_active` | ids of all sessions by expiry, to be counted | each as long as its session |
//! | `owed_to_database` | changes that the database has not got | until it has |
//! | `store_since` | since when Redis has held every session | as long as its data |
//!
//! Creating and ending a session are one transaction each: there is never a session without its
//! index entry, nor an index entry that opens anything.

use std::rc::Rc;

use super::{
    SessionRecord,
    database::{self, Database},
    keys,
};
use crate::{
    config::Lifetimes,
    host::Host,
    redis::{Command, Lookup, Redis, Reply, Unavailable},
    timestamp::Timestamp,
};

/// Keeps a profile that was asked for before all its user's sessions were ended in no case. Takes its key and
/// that of the end, then the profile, its seconds, and the moment; moments have as many digits as one another.
const KEEP_PROFILE: &str = r#"
local ended = redis.call("GET", KEYS[2])
if ended and ended >= ARGV[3] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "EX", ARGV[2])
return 1
"#;

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

    /// The profile of a user.
    pub async fn profile(&self, user_id: &str) -> Lookup {
        self.redis.get(&keys::user_profile(user_id)).await
    }

    /// Keeps the profile of a user that was asked for at `asked_at`; unless all their sessions were ended
    /// since, which is also how a user is forgotten.
    ///
    /// # Errors
    /// [`Unavailable`] if Redis did not do it.
    pub async fn keep_profile(
        &self,
        user_id: &str,
        profile: &str,
        asked_at: Timestamp,
    ) -> Result<(), Unavailable> {
        let command = Command::new("EVAL")
            .arg(KEEP_PROFILE)
            .arg("2")
            .arg(keys::user_profile(user_id))
            .arg(keys::sessions_ended(user_id))
            .arg(profile)
            .arg(self.lifetimes.user_profile)
            .arg(asked_at.millis());
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

/// Notes since when, in milliseconds, Redis has held sessions, unless it knows.
pub(super) fn since(millis: u64) -> Command {
    Command::new("SET")
        .arg(keys::STORE_SINCE)
        .arg(millis)
        .arg("NX")
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
        session::SessionId,
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
    pub(crate) fn empty_redis() -> FakeHost {
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

    pub(crate) fn bodies(host: &FakeHost) -> Vec<String> {
        host.calls()
            .into_iter()
            .filter_map(|call| call.body)
            .collect()
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
