//! Ending sessions, in both stores.
//!
//! An end is acknowledged only once it holds: Redis has it, or, while that is away, the database has it
//! and keeps it for Redis. The database is told before anybody hears of it, too, so that an outage of
//! Redis in the next moment brings nothing back.

use super::{SessionId, SessionStore, change::Change, keys, of_user::MARK_SECONDS};
use crate::{
    host::Host,
    redis::{Command, Lookup, Unavailable},
    timestamp::Timestamp,
};

impl<H: Host> SessionStore<H> {
    /// Ends a session. A session that has already ended is no error.
    ///
    /// # Errors
    /// [`Unavailable`] if it is not certain that the session is gone.
    pub async fn end(&self, id: &SessionId, now: Timestamp) -> Result<(), Unavailable> {
        let change = Change::ended(id, now);
        // Whatever the breaker says: others may read Redis again already, where this isolate does not.
        let ended = self.past_breaker().end_in_redis(id, Some(&change)).await;
        self.settle_end(ended, change).await
    }

    /// What is left to do after Redis was told of `change`: the database is told, in its stead if need
    /// be.
    ///
    /// # Errors
    /// What Redis said, if the database does not have it either.
    pub(super) async fn settle_end<T: Default>(
        &self,
        done: Result<T, Unavailable>,
        change: Change,
    ) -> Result<T, Unavailable> {
        let Some(database) = &self.database else {
            return done;
        };
        match done {
            Ok(done) => {
                self.tell_database(database, &[change]).await;
                Ok(done)
            }
            Err(reason) => {
                let told = database.apply(&[change.json], true).await;
                told.map_err(|_| reason)?;
                database.debts().owe_redis();
                Ok(T::default())
            }
        }
    }

    /// Ends a session in Redis alone, atomically; `note` is what the database will have to be told.
    pub(super) async fn end_in_redis(
        &self,
        id: &SessionId,
        note: Option<&Change>,
    ) -> Result<(), Unavailable> {
        let owner = match self.redis.get(&keys::user_id(id)).await {
            Lookup::Unavailable(reason) => return Err(reason),
            owner => Some(owner),
        };
        let mut commands = self.end_commands(id, owner);
        commands.extend(self.keep_commands(note));
        self.redis.transaction(&commands).await.map(drop)
    }

    /// Ends in Redis what an end of all sessions, of which Redis missed that it was at `at`, would
    /// have ended.
    pub(super) async fn end_before(
        &self,
        user_id: &str,
        kept: Option<&str>,
        at: Timestamp,
    ) -> Result<(), Unavailable> {
        let sessions = self.list(user_id, at).await?;
        let forget = Command::new("DEL").arg(keys::user_profile(user_id));
        let mut commands = vec![forget];
        for session in sessions {
            let was_there = session.record.asked_at <= at.millis();
            if was_there && kept != Some(session.id.hash().as_str()) {
                let owner = Some(Lookup::Found(user_id.to_owned()));
                commands.extend(self.end_commands(&session.id, owner));
            }
        }
        self.redis.transaction(&commands).await.map(drop)
    }

    /// What ends a session of `owner`. Where there is a database, nobody brings it back from there
    /// for a while: whoever is about to has read it before it ended.
    pub(super) fn end_commands(&self, id: &SessionId, owner: Option<Lookup>) -> Vec<Command> {
        let mut commands = vec![
            Command::new("DEL")
                .arg(keys::session(id))
                .arg(keys::user_id(id)),
        ];
        if let Some(Lookup::Found(user_id)) = owner {
            let key = keys::user_sessions(&user_id);
            commands.push(Command::new("ZREM").arg(key).arg(id.as_str()));
        }
        if self.database.is_some() {
            let ended = Command::new("SET").arg(keys::ended_session(id)).arg(1);
            commands.push(ended.arg("EX").arg(MARK_SECONDS));
        }
        commands
    }
}
