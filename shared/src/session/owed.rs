//! What one store of sessions missed, and how it is told.
//!
//! * **Owed to the database**: a change is put into Redis (`owed_to_database`) in the same transaction
//!   as what it tells of, and taken out once the database has it.
//! * **Owed to Redis**: an end that Redis missed is put on the database's list (`authflow_owed`) in the
//!   same transaction as the end itself, and taken off once Redis has it.
//!
//! Both are told again by whoever next reaches both stores, and each minute by the auth worker. Each
//! change may be told twice (`change.rs`), so nothing needs to be certain but that it is told.

use core::time::Duration;

use super::{
    SessionStore,
    change::Change,
    database::{Database, Fault, OwedToRedis},
    keys,
    store::since,
};
use crate::{
    host::Host,
    log::{Level, Line},
    redis::{Command, Reply, Unavailable, texts},
    timestamp::Timestamp,
};

/// Changes told at once.
const BATCH: usize = 50;
/// Batches in a row that one request may tell; the next one goes on.
const ROUNDS: usize = 4;
/// How often Redis is asked, after an end that it missed, whether it is back.
const PROBES: u32 = 40;
/// The first wait between probes; each is a quarter longer, up to [`LONGEST_WAIT`]: half a minute in all.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl<H: Host> SessionStore<H> {
    /// Whether Redis can be believed: nothing was owed to it when it was last asked after, and it has
    /// not failed since.
    pub(super) fn is_settled(&self) -> bool {
        let failures = self.redis.dependency().failures();
        let database = self.database.as_ref();
        database.is_none_or(|database| database.debts().are_settled(failures))
    }

    /// Tells Redis what it missed, unless another request is doing so. Gives whether it can be
    /// believed now.
    pub(super) async fn settle(&self, database: &Database<H>, now: Timestamp) -> bool {
        let debts = database.debts();
        if !debts.begin(now) {
            return false;
        }
        let failures = self.redis.dependency().failures();
        let is_settled = match self.tell_redis(database).await {
            Ok(is_all) => is_all,
            // It takes no part until somebody mends it; whoever waited for it would wait for ever.
            Err(Some(Fault::Unusable)) => {
                self.tell(Level::Error, "database_unusable");
                true
            }
            Err(_) => false,
        };
        debts.end(is_settled.then_some(failures));
        is_settled
    }

    /// Tells Redis what it missed. Gives whether that is all.
    ///
    /// # Errors
    /// What is wrong with the database, or nothing where it is Redis.
    pub(super) async fn tell_redis(&self, database: &Database<H>) -> Result<bool, Option<Fault>> {
        let since = since(self.redis.host().now().millis());
        self.redis.command(&since).await.map_err(|_| None)?;
        for _ in 0..ROUNDS {
            let OwedToRedis {
                changes,
                renewed_away_at,
            } = database.owed(BATCH).await.map_err(Some)?;
            if let Some(at) = renewed_away_at {
                self.distrust_before(at).await.map_err(|_| None)?;
            }
            if changes.is_empty() {
                return Ok(true);
            }
            for owed in &changes {
                if let Some(change) = &owed.change {
                    self.end_again(change).await.map_err(|_| None)?;
                }
            }
            let numbers: Vec<_> = changes.iter().map(|owed| owed.number).collect();
            database.settled(&numbers).await.map_err(Some)?;
            if numbers.len() < BATCH {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn end_again(&self, change: &Change) -> Result<(), Unavailable> {
        match change {
            Change::Ended { id, .. } => self.end_in_redis(id, None).await,
            Change::EndedAll { user_id, kept, at } => {
                self.end_before(user_id, kept.as_deref(), *at).await
            }
            _ => Ok(()),
        }
    }

    /// Lets what Redis does not have be looked for in the database, if it may have run out here while
    /// it was used: until `at` Redis missed that sessions lived on.
    async fn distrust_before(&self, at: Timestamp) -> Result<(), Unavailable> {
        let since = Command::new("GET").arg(keys::STORE_SINCE);
        let is_known = matches!(self.redis.command(&since).await?,
            Reply::Text(millis) if millis.parse::<u64>().is_ok_and(|millis| millis > at.millis()));
        if !is_known {
            let set = Command::new("SET")
                .arg(keys::STORE_SINCE)
                .arg(at.millis().saturating_add(1));
            self.redis.command(&set).await?;
        }
        Ok(())
    }

    /// Tells the database `changes`, which Redis has. What it misses is kept in Redis; what is
    /// [due](Change::is_due) has been put there before.
    pub(super) async fn tell_database(&self, database: &Database<H>, changes: &[Change]) {
        let told: Vec<_> = changes.iter().map(Change::to_json).collect();
        let debts = database.debts();
        if database.apply(&told, false).await.is_err() {
            debts.owe_database();
            let missed = changes.iter().filter(|change| !change.is_due());
            for change in missed {
                let _ = self.redis.command(&keep(change)).await;
            }
            return;
        }
        let names: Vec<_> = changes
            .iter()
            .filter(|change| change.is_due())
            .map(Change::name)
            .collect();
        // (2) It answers: what it missed before, as well.
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
    /// [`Unavailable`] if a store is away.
    pub(super) async fn settle_database(&self, database: &Database<H>) -> Result<(), Unavailable> {
        let away = Unavailable::Lost;
        for _ in 0..ROUNDS {
            let some = Command::new("HRANDFIELD")
                .arg(keys::OWED_TO_DATABASE)
                .arg(BATCH)
                .arg("WITHVALUES");
            let owed = texts(Some(self.redis.command(&some).await?))?;
            let (entries, _) = owed.as_chunks::<2>();
            if entries.is_empty() {
                return Ok(());
            }
            let changes: Vec<_> = entries.iter().map(|[_, change]| change.clone()).collect();
            let names = || entries.iter().map(|[name, _]| name.clone()).collect();
            match database.apply(&changes, false).await {
                Ok(()) => self.forget_owed(names()).await,
                // One of them is not to its taste: it must not stop the others.
                Err(Fault::Refused) => {
                    for [name, change] in entries {
                        match database.apply(core::slice::from_ref(change), false).await {
                            Ok(()) => {}
                            Err(Fault::Refused) => self.tell(Level::Error, "change_refused"),
                            Err(_) => return Err(away),
                        }
                        self.forget_owed(vec![name.clone()]).await;
                    }
                }
                Err(_) => return Err(away),
            }
        }
        Ok(())
    }

    /// Takes changes that the database has out of Redis.
    async fn forget_owed(&self, names: Vec<String>) {
        if !names.is_empty() {
            let forget = Command::new("HDEL").arg(keys::OWED_TO_DATABASE);
            let forget = names.into_iter().fold(forget, Command::arg);
            let _ = self.redis.command(&forget).await;
        }
    }

    /// Tells Redis of an end that it missed as soon as it is back, if that is within half a minute.
    pub(super) fn settle_soon(&self, database: &Database<H>) {
        let (host, database) = (self.redis.host().clone(), database.clone());
        let store = self.probing();
        self.redis.host().spawn(async move {
            let mut wait = FIRST_WAIT;
            for _ in 0..PROBES {
                host.sleep(wait).await;
                if store.tell_redis(&database).await.is_ok() {
                    return;
                }
                wait = (wait * 5 / 4).min(LONGEST_WAIT);
            }
        });
    }

    /// Whether the database answers, if there is one. Where Redis is well, it is told what it missed.
    pub async fn ask_after_database(&self, redis_is_well: bool) -> Option<bool> {
        let database = self.database.as_ref()?;
        if redis_is_well && !self.is_settled() {
            self.settle(database, self.redis.host().now()).await;
        }
        Some(database.health().await.is_ok())
    }

    /// Tells both stores what they missed, and has the database delete what is long over, now and
    /// then. What the auth worker does each minute.
    pub async fn settle_all(&self, now: Timestamp) {
        let Some(database) = &self.database else {
            return;
        };
        let store = self.probing();
        if store.settle(database, now).await {
            let _ = store.settle_database(database).await;
        }
        let minute = now.seconds() / 60;
        if minute.is_multiple_of(60) {
            let _ = database.clean_up().await;
        }
    }

    /// The same store, which finds out whether Redis is back.
    fn probing(&self) -> Self {
        Self {
            redis: self.redis.probing(),
            ..self.clone()
        }
    }

    fn tell(&self, level: Level, msg: &'static str) {
        let teller = self.redis.dependency().teller();
        Line::new(level, teller.service, msg).emit(self.redis.host(), teller.threshold);
    }
}

/// Keeps a change that the database has not got.
pub(super) fn keep(change: &Change) -> Command {
    Command::new("HSET")
        .arg(keys::OWED_TO_DATABASE)
        .arg(change.name())
        .arg(change.to_json())
}
