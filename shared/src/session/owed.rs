//! What one store of sessions missed, and how it is told.
//!
//! * **Owed to the database**: a change that takes something away is put into Redis (`owed_to_database`) in
//!   the same transaction as the deed, any other once the database has missed it; and taken out once the
//!   database has it.
//! * **Owed to Redis**: an end that Redis missed is put on the database's list (`authflow_owed`) in the
//!   same transaction as the end itself, and taken off once Redis has it (`tell_redis.rs`).
//!
//! Each change may be told twice (`change.rs`), so nothing needs to be certain but that it is told.

use core::time::Duration;

use super::{
    SessionStore,
    change::Change,
    database::{Database, Fault},
    debts::{Debt, Turn},
    keys,
    store::since,
};
use crate::{
    host::Host,
    json::Object,
    log::{Level, Line},
    redis::{Command, Unavailable, texts},
    timestamp::Timestamp,
};

/// Changes told at once.
pub(super) const BATCH: usize = 50;
/// How often one looks whether another request has asked, and how long in between: two seconds in all.
const WAITS: u32 = 80;
const WAIT: Duration = Duration::from_millis(25);
/// Batches in a row; the next request, or minute, goes on.
pub(super) const ROUNDS: usize = 100;

impl<H: Host> SessionStore<H> {
    /// Whether Redis can be believed: nothing was owed to it when it was last asked after, and it has
    /// not failed since.
    pub(super) fn is_settled(&self) -> bool {
        let failures = self.redis.dependency().failures();
        let database = self.database.as_ref();
        database.is_none_or(|database| database.debts().are_settled(failures))
    }

    /// Asks whether Redis missed anything, or waits for another request that asks; unless the database was
    /// away just now.
    pub(super) async fn ask_debt(&self, database: &Database<H>, now: Timestamp) -> Debt {
        let debts = database.debts();
        let mut waits = 0..WAITS;
        loop {
            match debts.turn(self.redis.host().now()) {
                Turn::Ask => break,
                Turn::Others if waits.next().is_some() => self.redis.host().sleep(WAIT).await,
                Turn::Others | Turn::Away => return Debt::Unknown,
            }
            if self.is_settled() {
                return Debt::None;
            }
        }
        let failures = self.redis.dependency().failures();
        // Twice: whoever takes a database that is slow for one that is away believes Redis.
        let database = database.past_breaker();
        let owed = match database.owed(1).await {
            Err(Fault::Away) => database.owed(1).await,
            owed => owed,
        };
        let debt = match owed {
            Ok(owed) if owed.changes.is_empty() => {
                // From now on Redis is known to hold every session, unless it was before.
                match self.redis.command(&since(now.millis())).await {
                    Ok(_) => Debt::None,
                    Err(_) => Debt::Some,
                }
            }
            Ok(_) => Debt::Some,
            // It takes no part until somebody mends it.
            Err(Fault::Unusable) => {
                self.tell(Level::Error, "database_unusable");
                Debt::Unknown
            }
            Err(Fault::Away | Fault::Refused) => Debt::Unknown,
        };
        debts.learn(debt, failures, self.redis.host().now());
        debt
    }

    /// Asks the same after the answer, where all seemed settled: an isolate does not see everything.
    pub(super) fn ask_again(&self, database: &Database<H>) {
        let (store, database) = (self.clone(), database.clone());
        self.redis.host().spawn(async move {
            let now = store.redis.host().now();
            store.ask_debt(&database, now).await;
        });
    }

    /// Whether the database answers, if there is one. Where Redis is well, it is asked what Redis
    /// missed.
    pub async fn ask_after_database(&self, redis_is_well: bool) -> Option<bool> {
        let database = self.database.as_ref()?;
        if redis_is_well && !self.is_settled() {
            self.ask_debt(database, self.redis.host().now()).await;
        }
        Some(database.past_breaker().health().await.is_ok())
    }

    /// Tells the database `changes`, which Redis has. What it misses is kept in Redis; what is
    /// [due](Change::is_due) has been put there before.
    pub(super) async fn tell_database(&self, database: &Database<H>, changes: &[Change]) {
        let told: Vec<_> = changes.iter().map(|change| change.json.clone()).collect();
        let debts = database.debts();
        if let Err(fault) = database.apply(&told, false).await {
            debts.owe_database();
            // What has no table to go to would only pile up here.
            if fault == Fault::Unusable {
                return;
            }
            let missed = changes.iter().filter(|change| !change.is_due);
            for change in missed {
                let _ = self.redis.pipeline(&self.keep_commands(Some(change))).await;
            }
            return;
        }
        let names: Vec<_> = changes
            .iter()
            .filter(|change| change.is_due)
            .map(|change| change.name.clone())
            .collect();
        // It answers: what it missed before, as well.
        let owes_more = debts.take_owed_to_database();
        if names.is_empty() && !owes_more {
            return;
        }
        let (store, database) = (self.clone(), database.clone());
        self.redis.host().spawn(async move {
            store.forget_owed(names).await;
            if owes_more && store.settle_database(&database).await.is_err() {
                database.debts().owe_database();
            }
        });
    }

    /// Tells the database what it missed.
    ///
    /// # Errors
    /// [`Unavailable`] if a store is away, or there is still more.
    pub(super) async fn settle_database(&self, database: &Database<H>) -> Result<(), Unavailable> {
        let away = Unavailable::Lost;
        for _ in 0..ROUNDS {
            let owed = self.some_owed(BATCH).await?;
            let (entries, _) = owed.as_chunks::<2>();
            if entries.is_empty() {
                return Ok(());
            }
            // One after the other where one of them is not to its taste: it must not stop the rest.
            let all: Vec<_> = entries.iter().map(|[_, change]| change.clone()).collect();
            let is_refused = match database.apply(&all, false).await {
                Ok(()) => false,
                Err(Fault::Refused) => true,
                Err(_) => return Err(away),
            };
            for [_, change] in entries.iter().filter(|_| is_refused) {
                match database.apply(core::slice::from_ref(change), false).await {
                    Ok(()) => {}
                    Err(Fault::Refused) => self.tell(Level::Error, "change_refused"),
                    Err(_) => return Err(away),
                }
            }
            let names = entries.iter().map(|[name, _]| name.clone()).collect();
            self.forget_owed(names).await;
        }
        Err(away)
    }

    /// Forgets some of what the database missed so long ago that the sessions are over by themselves: where
    /// the database stays away, or is unusable, Redis is not to fill up.
    pub(super) async fn forget_old(&self, now: Timestamp) -> Result<(), Unavailable> {
        let owed = self.some_owed(10 * BATCH).await?;
        let (entries, _) = owed.as_chunks::<2>();
        let longest = Duration::from_secs(self.lifetimes().session_max);
        let is_old = |change: &String| {
            let change = Object::parse(change).unwrap_or_default();
            let at = change.number("at").or_else(|| change.number("saved_at"));
            at.is_none_or(|at| Timestamp::from_millis(at).after(longest) < now)
        };
        let old = entries.iter().filter(|[_, change]| is_old(change));
        self.forget_owed(old.map(|[name, _]| name.clone()).collect())
            .await;
        Ok(())
    }

    /// Up to `count` changes kept for the database, any: the name of each and then itself.
    async fn some_owed(&self, count: usize) -> Result<Vec<String>, Unavailable> {
        let some = Command::new("HRANDFIELD")
            .arg(keys::OWED_TO_DATABASE)
            .arg(count)
            .arg("WITHVALUES");
        texts(Some(self.redis.command(&some).await?))
    }

    /// Takes changes that the database has out of Redis.
    async fn forget_owed(&self, names: Vec<String>) {
        if !names.is_empty() {
            let forget = Command::new("HDEL").arg(keys::OWED_TO_DATABASE);
            let forget = names.into_iter().fold(forget, Command::arg);
            let _ = self.redis.command(&forget).await;
        }
    }

    /// What keeps a change for the database, where there is one.
    pub(super) fn keep_commands(&self, change: Option<&Change>) -> Vec<Command> {
        let Some(change) = change.filter(|_| self.database.is_some()) else {
            return Vec::new();
        };
        let keep = Command::new("HSET")
            .arg(keys::OWED_TO_DATABASE)
            .arg(&change.name)
            .arg(&change.json);
        let lives = Command::new("EXPIRE")
            .arg(keys::OWED_TO_DATABASE)
            .arg(self.lifetimes().session_max);
        vec![keep, lives]
    }

    pub(super) fn tell(&self, level: Level, msg: &'static str) {
        let telemetry = self.redis.dependency().telemetry();
        Line::new(level, telemetry.service, msg).emit(self.redis.host(), telemetry.threshold);
    }
}
