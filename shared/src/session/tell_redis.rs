//! Telling Redis what it missed, which the auth worker does: with its next request, as soon as Redis is
//! back after an end that it missed, and each minute.

use core::time::Duration;

use super::{
    SessionStore,
    change::MissedEnd,
    database::{Database, Fault, OwedToRedis},
    debts::Debt,
    keys,
    owed::{BATCH, ROUNDS},
    store::since,
};
use crate::{
    host::Host,
    redis::{Command, Reply, Unavailable},
    timestamp::Timestamp,
};

/// How long a request whose end Redis missed asks whether it is back; the platform gives it half a minute.
const AFTER_A_REQUEST: Duration = Duration::from_secs(25);
/// How long the scheduled handler does.
const EACH_MINUTE: Duration = Duration::from_secs(50);
/// The time between two tries.
const PAUSE: Duration = Duration::from_millis(250);

/// A store is away.
pub(super) struct Away;

impl From<Unavailable> for Away {
    fn from(_: Unavailable) -> Self {
        Self
    }
}

impl From<Fault> for Away {
    fn from(_: Fault) -> Self {
        Self
    }
}

impl<H: Host> SessionStore<H> {
    /// Tells both stores what they missed, and has the database delete what is long over, once an
    /// hour. While Redis is away, asks for it four times a second for most of a minute.
    pub async fn settle_all(&self) {
        let Some(database) = &self.database else {
            return;
        };
        let (store, database) = (self.past_breaker(), database.past_breaker());
        if store.insist(&database, EACH_MINUTE).await {
            let _ = store.settle_database(&database).await;
        }
        let _ = store.forget_old(self.redis.host().now()).await;
        let minute = self.redis.host().now().seconds() / 60;
        if minute.is_multiple_of(60) {
            let _ = database.clean_up().await;
        }
    }

    /// Tells Redis what it missed after the answer, where there is reason to think that it did; of an end
    /// just now as soon as it is back, if that is within half a minute.
    ///
    /// This comes last of all that is left for after an answer, because it may take so long.
    pub fn settle_behind(&self) {
        let Some(database) = self.database.clone().filter(|_| !self.is_settled()) else {
            return;
        };
        let store = self.past_breaker();
        let insists = database.debts().take_owed_to_redis();
        self.redis.host().spawn(async move {
            if insists {
                store.insist(&database, AFTER_A_REQUEST).await;
            } else {
                let _ = store.tell_redis(&database).await;
            }
        });
    }

    /// Tells Redis of an end that it missed, once, right after the answer; [`SessionStore::settle_behind`] goes on.
    pub(super) fn tell_redis_soon(&self, database: &Database<H>) {
        database.debts().owe_redis();
        let (store, database) = (self.past_breaker(), database.clone());
        self.redis.host().spawn(async move {
            let _ = store.tell_redis(&database).await;
        });
    }

    /// Tells Redis what it missed, again and again. Gives whether it has been told.
    async fn insist(&self, database: &Database<H>, at_most: Duration) -> bool {
        let (host, debts) = (self.redis.host(), database.debts());
        let end = host.now().after(at_most);
        if !debts.begin_insisting(host.now(), at_most) {
            return false;
        }
        let mut has_told = false;
        while host.now() < end {
            has_told = self.tell_redis(database).await.is_ok();
            if has_told {
                break;
            }
            host.sleep(PAUSE).await;
        }
        debts.end_insisting();
        has_told
    }

    pub(super) async fn tell_redis(&self, database: &Database<H>) -> Result<(), Away> {
        let failures = self.redis.dependency().failures();
        for _ in 0..ROUNDS {
            let OwedToRedis {
                changes,
                renewed_away_at,
            } = database.owed(BATCH).await?;
            if let Some(at) = renewed_away_at {
                self.distrust_before(at).await?;
            }
            // As far as it goes: a Redis that is slow gets ahead, too.
            let mut told = Vec::with_capacity(changes.len());
            let mut failed = None;
            for owed in &changes {
                if let Some(end) = &owed.end
                    && let Err(reason) = self.end_again(end).await
                {
                    failed = Some(reason);
                    // One that Redis does not take stays, and does not stop the others.
                    if matches!(reason, Unavailable::Call(_) | Unavailable::Unauthorized) {
                        break;
                    }
                    continue;
                }
                told.push(owed.number);
            }
            if !told.is_empty() {
                database.settled(&told).await?;
            }
            if let Some(reason) = failed {
                return Err(reason.into());
            }
            if told.len() < BATCH {
                let now = self.redis.host().now();
                // It must be there: what it will miss from here on is not known yet.
                self.redis.command(&since(now.millis())).await?;
                database.debts().learn(Debt::None, failures, now);
                return Ok(());
            }
        }
        Ok(())
    }

    async fn end_again(&self, end: &MissedEnd) -> Result<(), Unavailable> {
        match end {
            MissedEnd::One(id) => self.end_in_redis(id, None).await,
            MissedEnd::All { user_id, kept, at } => {
                self.end_before(user_id, kept.as_deref(), *at).await
            }
        }
    }

    /// Lets what Redis does not have be looked for in the database, if it may have run out here while
    /// it was used: until `at` Redis missed that sessions lived on.
    async fn distrust_before(&self, at: Timestamp) -> Result<(), Unavailable> {
        let now = self.redis.host().now();
        self.redis.command(&since(now.millis())).await?;
        let held_since = Command::new("GET").arg(keys::STORE_SINCE);
        let is_before = matches!(self.redis.command(&held_since).await?,
            Reply::Text(millis) if millis.parse::<u64>().is_ok_and(|millis| millis <= at.millis()));
        if is_before {
            let set = Command::new("SET")
                .arg(keys::STORE_SINCE)
                .arg(at.millis().saturating_add(1));
            self.redis.command(&set).await?;
        }
        Ok(())
    }

    /// The same store, which finds out whether Redis is back.
    pub(super) fn past_breaker(&self) -> Self {
        Self {
            redis: self.redis.past_breaker(),
            ..self.clone()
        }
    }
}
