//! Looking a session up: in Redis, and where Redis cannot tell, in the database.
//!
//! | Redis | the database | the answer |
//! |---|---|---|
//! | found; nothing is owed to it | is not asked | found |
//! | found; something may be owed to it | has it ended, or past its end | absent |
//! | | has it alive, or idle | found |
//! | | does not know it | unavailable |
//! | | is away | found: Redis alone serves |
//! | absent; it knows its end, or has held every session for as long as one can live | is not asked | absent |
//! | absent; it has held every session since lately alone | has it alive since before that | found, and restored |
//! | | has it alive since after | what Redis says when it is asked again |
//! | | has it idle, ended or past its end; or is unusable | absent |
//! | | does not know it | absent; in the first minute unavailable |
//! | | is away, or has not got something that Redis keeps for it | unavailable |
//! | no answer | has it alive | found; unless Redis, asked once more before its breaker opens, objects |
//! | | has it ended, or past its end | absent |
//! | | does not know it, has it idle, or is away | unavailable |
//!
//! So Redis alone decides in the usual case, with one command. "Idle" is not believed of the database
//! while Redis is away: it may have missed that the session was used.

use core::time::Duration;

use super::{
    SessionId, SessionStore, change,
    database::{Database, Fault, State},
    debts::Debt,
    keys,
    store::{SessionLookup, read_session, since},
};
use crate::{
    breaker::Standing,
    host::Host,
    redis::{Command, Lookup, Reply, Unavailable, lookup},
    timestamp::Timestamp,
};

/// How long after Redis lost what it held a session may be missing from the database because it is
/// just being written there.
const WRITING: Duration = Duration::from_mins(1);

/// Who said what became of a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Redis.
    Redis,
    /// The database.
    Database,
}

/// What is asked of Redis beside the session, in the same round trip.
type Beside = Option<Result<Reply, Unavailable>>;

impl<H: Host> SessionStore<H> {
    /// Looks a session up: one command, unless Redis is in trouble.
    pub async fn find(&self, id: &SessionId, now: Timestamp) -> (SessionLookup, Source) {
        let (lookup, source, _) = self.look_up(id, None, now).await;
        (lookup, source)
    }

    /// Looks a session up and runs `command` in the same round trip.
    ///
    /// # Errors
    /// [`Unavailable`], as the third, if it is not certain that the command was run.
    pub async fn find_and(
        &self,
        id: &SessionId,
        command: Command,
        now: Timestamp,
    ) -> (SessionLookup, Source, Result<Reply, Unavailable>) {
        let (lookup, source, beside) = self.look_up(id, Some(command), now).await;
        let beside = beside.unwrap_or(Err(Unavailable::Unreadable));
        (lookup, source, beside)
    }

    async fn look_up(
        &self,
        id: &SessionId,
        beside: Option<Command>,
        now: Timestamp,
    ) -> (SessionLookup, Source, Beside) {
        // Before Redis is asked, whether it can be believed: another request may settle meanwhile,
        // and what we read before would be believed after.
        let was_settled = self.is_settled();
        let (found, beside) = match beside {
            None => (self.find_in_redis(id, now).await, None),
            Some(command) => {
                let commands = [Command::new("GET").arg(keys::session(id)), command];
                let (found, reply) = self.get_and(&commands).await;
                (read_session(found, now), Some(reply))
            }
        };
        let Some(database) = &self.database else {
            return (found, Source::Redis, beside);
        };
        if was_settled && database.debts().is_due(now) {
            self.ask_again(database);
        }
        let (lookup, source) = match found {
            SessionLookup::Unavailable(reason) => {
                if !matches!(reason, Unavailable::Call(_)) {
                    self.redis.dependency().doubt();
                }
                self.ask_database(database, id, reason, now).await
            }
            found if was_settled && self.is_settled() => {
                self.unless_lost(database, id, found, now).await
            }
            found => self.find_unsettled(database, id, found, now).await,
        };
        (lookup, source, beside)
    }

    async fn find_in_redis(&self, id: &SessionId, now: Timestamp) -> SessionLookup {
        read_session(self.redis.get(&keys::session(id)).await, now)
    }

    async fn get_and(&self, commands: &[Command]) -> (Lookup, Result<Reply, Unavailable>) {
        let mut replies = match self.redis.pipeline(commands).await {
            Ok(replies) => replies.into_iter(),
            Err(reason) => return (Lookup::Unavailable(reason), Err(reason)),
        };
        let found = replies
            .next()
            .map_or(Lookup::Unavailable(Unavailable::Unreadable), lookup);
        (found, replies.next().ok_or(Unavailable::Unreadable))
    }

    /// What the database says while Redis, for `reason`, says nothing.
    ///
    /// A hiccup of Redis is no outage. Before its breaker opens it is asked once more, because the database
    /// may miss an end that Redis keeps for it.
    async fn ask_database(
        &self,
        database: &Database<H>,
        id: &SessionId,
        reason: Unavailable,
        now: Timestamp,
    ) -> (SessionLookup, Source) {
        let known = database.find(id).await.ok().flatten();
        let lookup = match known.map(|row| row.state(now)) {
            Some(State::Alive(record)) => {
                let is_outage = self.redis.dependency().standing() != Standing::Closed;
                let found = SessionLookup::Found(record);
                if is_outage {
                    found
                } else {
                    self.unless_redis_objects(id, found).await
                }
            }
            Some(State::Over) => SessionLookup::Absent,
            Some(State::Idle) | None => SessionLookup::Unavailable(reason),
        };
        (lookup, Source::Database)
    }

    /// `found` in the database, unless Redis, if it answers now, knows better or may do so.
    async fn unless_redis_objects(&self, id: &SessionId, found: SessionLookup) -> SessionLookup {
        let [is_ended, is_owed, owes] = Self::ask_for_ends(id);
        let is_there = Command::new("EXISTS").arg(keys::session(id));
        let asked = [is_there, is_ended, is_owed, owes];
        let replies = self.redis.pipeline(&asked).await.unwrap_or_default();
        let none = Reply::Integer(0);
        match &replies[..] {
            [is_there, is_ended, is_owed, owes] if *is_there == none => {
                if *is_ended != none || *is_owed != none {
                    SessionLookup::Absent
                } else if *owes == none {
                    found
                } else {
                    SessionLookup::Unavailable(Unavailable::Lost)
                }
            }
            _ => found,
        }
    }

    /// What Redis is asked about ends: whether it knows this one, has it for the database, and how much it
    /// has for that at all.
    fn ask_for_ends(id: &SessionId) -> [Command; 3] {
        [
            Command::new("EXISTS").arg(keys::ended_session(id)),
            Command::new("HEXISTS")
                .arg(keys::OWED_TO_DATABASE)
                .arg(change::name_of_end(id)),
            Command::new("HLEN").arg(keys::OWED_TO_DATABASE),
        ]
    }

    /// Redis answers `found`, and may have missed an end. Until that is certain, an end that the
    /// database knows of counts, and Redis is not believed that a session has run out.
    async fn find_unsettled(
        &self,
        database: &Database<H>,
        id: &SessionId,
        found: SessionLookup,
        now: Timestamp,
    ) -> (SessionLookup, Source) {
        match self.ask_debt(database, now).await {
            // What it said before may have been before it was told.
            Debt::None => {
                let found = self.find_in_redis(id, now).await;
                if let SessionLookup::Unavailable(reason) = found {
                    return self.ask_database(database, id, reason, now).await;
                }
                return self.unless_lost(database, id, found, now).await;
            }
            Debt::Some => {
                let row = database.past_breaker().find(id).await.ok().flatten();
                let unknown = SessionLookup::Unavailable(Unavailable::Lost);
                let lookup = match row.map(|row| row.state(now)) {
                    Some(State::Over) => SessionLookup::Absent,
                    Some(State::Alive(_) | State::Idle) if found != SessionLookup::Absent => found,
                    // Not even known there: all of its user's may have ended.
                    Some(_) | None => unknown,
                };
                return (lookup, Source::Database);
            }
            // The database is away, and Redis alone serves.
            Debt::Unknown => {}
        }
        self.unless_lost(database, id, found, now).await
    }

    /// `found`, unless Redis says absent because it lost what it held.
    ///
    /// Redis has `store_since` for as long as it keeps its data. It is read only where a session is
    /// absent, and settles the matter without the database once it is older than any session.
    async fn unless_lost(
        &self,
        database: &Database<H>,
        id: &SessionId,
        found: SessionLookup,
        now: Timestamp,
    ) -> (SessionLookup, Source) {
        if found != SessionLookup::Absent {
            return (found, Source::Redis);
        }
        // (1) Since when Redis has held sessions, and whether it knows this one's end.
        let [is_ended, is_owed, owes] = Self::ask_for_ends(id);
        let held_since = Command::new("GET").arg(keys::STORE_SINCE);
        let commands = [since(now.millis()), held_since, is_ended, is_owed, owes];
        let replies = match self.redis.pipeline(&commands).await {
            Ok(replies) => replies,
            Err(reason) => return self.ask_database(database, id, reason, now).await,
        };
        let held_since = match replies.get(1) {
            Some(Reply::Text(millis)) => millis.parse().ok().map(Timestamp::from_millis),
            _ => None,
        };
        let Some(held_since) = held_since else {
            let reason = Unavailable::Unreadable;
            return self.ask_database(database, id, reason, now).await;
        };
        let mut ends = replies.iter().skip(2).take(2);
        let knows_its_end = ends.any(|reply| *reply == Reply::Integer(1));
        let longest = Duration::from_secs(self.lifetimes().session_max);
        if knows_its_end || held_since.after(longest) <= now {
            return (SessionLookup::Absent, Source::Redis);
        }

        // (2) The database must have got all that it missed: the end of this one may be in it.
        if replies.last() != Some(&Reply::Integer(0)) {
            let unknown = SessionLookup::Unavailable(Unavailable::Lost);
            return (unknown, Source::Database);
        }

        // (3) Whether it began before.
        let lookup = match database.find(id).await {
            // Another request may have restored it since Redis was asked.
            Ok(Some(row)) if row.known_since >= held_since && row.is_alive(now) => {
                self.find_in_redis(id, now).await
            }
            Err(Fault::Away | Fault::Refused) => SessionLookup::Unavailable(Unavailable::Lost),
            Ok(None) if now < held_since.after(WRITING) => {
                SessionLookup::Unavailable(Unavailable::Lost)
            }
            Ok(None) | Err(Fault::Unusable) => SessionLookup::Absent,
            Ok(Some(row)) => match row.state(now) {
                State::Alive(record) => {
                    let idle_until = row.idle_until();
                    self.restore(database, id, &record, idle_until, now).await;
                    SessionLookup::Found(record)
                }
                State::Over | State::Idle => SessionLookup::Absent,
            },
        };
        (lookup, Source::Database)
    }
}
