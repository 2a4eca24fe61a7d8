//! Ending sessions, in both stores.
//!
//! An end is acknowledged only once it holds: Redis has it, or, while that is away, the database has it
//! and keeps it for Redis. The database is told before anybody hears of it, too, so that an outage of
//! Redis in the next moment brings nothing back.

use super::{SessionId, SessionRecord, SessionStore, change::Change, keys, of_user::MARK_SECONDS};
use crate::{
    host::Host,
    redis::{Command, Lookup, Reply, Unavailable, lookup, texts},
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
        let store = self.past_breaker();
        let ended = match store.end_in_redis(id, Some(&change)).await {
            // It may take no writes, being full or a replica; to take something away may still be possible.
            Err(Unavailable::Refused) => store.delete(id).await,
            ended => ended,
        };
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
                self.tell_redis_soon(database);
                // A Redis that answers, and has it still, is believed by everybody: nothing has ended.
                if told.is_err() || reason == Unavailable::Refused {
                    return Err(reason);
                }
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

    /// Takes a session out of Redis, and no more than that.
    async fn delete(&self, id: &SessionId) -> Result<(), Unavailable> {
        let delete = Command::new("DEL")
            .arg(keys::session(id))
            .arg(keys::user_id(id));
        match self.redis.command(&delete).await? {
            Reply::Integer(_) => Ok(()),
            _ => Err(Unavailable::Refused),
        }
    }

    /// Ends in Redis what an end of all sessions, of which Redis missed that it was at `at`, would
    /// have ended.
    pub(super) async fn end_before(
        &self,
        user_id: &str,
        kept: Option<&str>,
        at: Timestamp,
    ) -> Result<(), Unavailable> {
        // (1) From here on nothing that was asked for before is kept.
        let (list, mark) = (keys::user_sessions(user_id), keys::sessions_ended(user_id));
        let reads = [
            Command::new("ZRANGE").arg(list).arg("0").arg("-1"),
            Command::new("GET").arg(&mark),
        ];
        let mut replies = self.redis.pipeline(&reads).await?.into_iter();
        let members = texts(replies.next())?;
        let marked = match replies.next().map(lookup) {
            Some(Lookup::Found(millis)) => millis.parse().unwrap_or_default(),
            _ => 0,
        };
        let mut commands = vec![Command::new("DEL").arg(keys::user_profile(user_id))];
        if marked < at.millis() {
            let set = Command::new("SET").arg(mark).arg(at.millis());
            commands.push(set.arg("EX").arg(MARK_SECONDS));
        }
        self.redis.transaction(&commands).await?;

        // (2) Those that there were. One that cannot be read is of no use to anybody.
        let ids: Vec<_> = members
            .iter()
            .filter_map(|id| SessionId::parse(id))
            .collect();
        let ids = ids
            .into_iter()
            .filter(|id| kept != Some(id.hash().as_str()));
        for id in ids {
            let was_there = match self.redis.get(&keys::session(&id)).await {
                Lookup::Found(json) => SessionRecord::from_json(&json)
                    .is_none_or(|record| record.asked_at <= at.millis()),
                Lookup::Absent => false,
                Lookup::Unavailable(reason) => return Err(reason),
            };
            if was_there {
                let owner = Some(Lookup::Found(user_id.to_owned()));
                let commands = self.end_commands(&id, owner);
                self.redis.transaction(&commands).await?;
            }
        }
        Ok(())
    }

    /// What ends a session of `owner`. Where there is a database, nobody brings it back from there
    /// for a while: whoever is about to has read it before it ended.
    pub(super) fn end_commands(&self, id: &SessionId, owner: Option<Lookup>) -> Vec<Command> {
        let mut commands = vec![
            Command::new("DEL")
                .arg(keys::session(id))
                .arg(keys::user_id(id)),
            Command::new("ZREM")
                .arg(keys::SESSIONS_ACTIVE)
                .arg(id.as_str()),
        ];
        if let Some(Lookup::Found(user_id)) = owner {
            let key = keys::user_sessions(&user_id);
            commands.push(Command::new("ZREM").arg(key).arg(id.as_str()));
        }
        if self.database.is_some() {
            let ended = Command::new("SET").arg(keys::ended_session(id)).arg("1");
            commands.push(ended.arg("EX").arg(MARK_SECONDS));
        }
        commands
    }
}
