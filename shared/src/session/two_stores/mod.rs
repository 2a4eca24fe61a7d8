//! Sessions in two stores that fail by turns, held against a model that knows who may get in.
//!
//! Anything may happen in any order: people sign in, out of one session or all, and come back; each
//! store is away for a while, or does what it is told and its answer is lost; Redis loses what it held;
//! what was left for later is done sooner or later. What must hold:
//!
//! * whoever was told that a session has ended never finds it alive again;
//! * a session that nobody ended is never said to have ended;
//! * when all is well again, each session that is alive is found, and both stores say the same.
//!
//! As told in ARCHITECTURE, one thing at a time: a store that keeps a change for the other is not away,
//! and does not lose it, before the other has got it. And an isolate that saw nothing of an outage
//! hears of it from the auth worker, which asks for Redis again and again.

mod cases;
mod database;
mod redis;

use core::{cell::RefCell, time::Duration};
use std::rc::Rc;

use futures_executor::block_on;
use proptest::prelude::*;

use self::{database::Database, redis::Redis};
use super::{
    SessionId, SessionRecord, SessionStore,
    create::NewSession,
    database::Settings,
    debts::Debts,
    store::{SessionLookup, tests::NOW},
};
use crate::{
    config::Lifetimes,
    dependency::Dependency,
    host::{CallError, Clock, HttpAnswer, fake::FakeHost},
    secret::Secret,
    session::devices::DeviceEntry,
};

const ISOLATES: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    Away,
    /// It does what it is told, and nobody hears of it.
    Mute,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    SignIn {
        isolate: usize,
        user: usize,
    },
    Renew {
        isolate: usize,
        session: usize,
    },
    SignOut {
        isolate: usize,
        session: usize,
    },
    SignOutEverywhere {
        isolate: usize,
        session: usize,
        keep: bool,
    },
    Visit {
        isolate: usize,
        session: usize,
    },
    Redis(Health),
    Database(Health),
    Wipe,
    DoOneTask {
        isolate: usize,
    },
    Minute,
    Wait(u64),
    NewIsolate {
        isolate: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Alive,
    /// Somebody was told.
    Ended,
    /// Somebody tried, and nobody knows.
    Unknown,
}

#[derive(Clone)]
struct Session {
    id: SessionId,
    record: SessionRecord,
    fate: Fate,
}

struct World {
    redis: Rc<RefCell<(Redis, Health)>>,
    database: Rc<RefCell<(Database, Health)>>,
    isolates: Vec<Isolate>,
    sessions: Vec<Session>,
    outage: bool,
    /// What happens when the database is asked next, before it answers.
    meanwhile: Meanwhile,
}

type Meanwhile = Rc<RefCell<Option<Box<dyn FnOnce()>>>>;

struct Isolate {
    host: FakeHost,
    store: SessionStore<FakeHost>,
    redis: Rc<Dependency>,
    /// The failures of Redis it had seen when the last outage began.
    failures_before: u32,
}

fn user(number: usize) -> String {
    format!("5f6b7c8d-0000-4000-8000-00000000000{number}")
}

impl World {
    fn new() -> Self {
        let redis = Rc::new(RefCell::new((Redis::default(), Health::Well)));
        let database = Rc::new(RefCell::new((Database::default(), Health::Well)));
        let mut world = Self {
            redis,
            database,
            isolates: Vec::new(),
            sessions: Vec::new(),
            outage: false,
            meanwhile: Meanwhile::default(),
        };
        for _ in 0..ISOLATES {
            let isolate = world.isolate(0);
            world.isolates.push(isolate);
        }
        world
    }

    fn isolate(&self, elapsed: u64) -> Isolate {
        let (redis, database) = (self.redis.clone(), self.database.clone());
        let meanwhile = self.meanwhile.clone();
        let host = FakeHost::new(NOW.after(Duration::from_millis(elapsed)), move |call| {
            let body = call.body.as_deref().unwrap();
            let (answer, health) = if call.url.starts_with("http://redis.test") {
                let (redis, health) = &mut *redis.borrow_mut();
                let answer = (*health != Health::Away).then(|| redis.answer(body));
                (answer, *health)
            } else {
                let happens = meanwhile.borrow_mut().take();
                if let Some(happens) = happens {
                    happens();
                }
                let (database, health) = &mut *database.borrow_mut();
                let answer = (*health != Health::Away).then(|| database.answer(&call.url, body));
                (answer, *health)
            };
            match answer.filter(|_| health == Health::Well) {
                Some(answer) => Ok(HttpAnswer {
                    status: 200,
                    body: answer.to_string(),
                }),
                None => Err(CallError::Timeout),
            }
        });
        let dependency = Dependency::example("redis");
        let settings = crate::redis::Settings {
            url: "http://redis.test".into(),
            token: Secret::new("token"),
            timeout: Duration::from_millis(300),
            dependency: dependency.clone(),
        };
        let database = Settings {
            url: "http://database.test".into(),
            key: Secret::new("key"),
            timeout: Duration::from_millis(300),
            dependency: Dependency::example("database"),
            debts: Debts::default(),
        };
        let lifetimes = Lifetimes {
            session: 3600,
            session_max: 86_400,
            device: 86_400,
            user_id: 7200,
            user_profile: 1800,
        };
        let redis = crate::redis::Redis::new(host.clone(), Rc::new(settings));
        Isolate {
            store: SessionStore::new(redis, Some(Rc::new(database)), lifetimes),
            host,
            redis: dependency,
            failures_before: 0,
        }
    }

    /// The first isolate's environment.
    fn host(&self) -> &FakeHost {
        &self.isolates[0].host
    }

    /// All clocks show the latest time that one of them shows.
    fn synchronise(&mut self) {
        let clocks = self.isolates.iter().map(|isolate| isolate.host.now());
        let now = clocks.max().unwrap();
        for isolate in &self.isolates {
            let behind = now.since(isolate.host.now());
            isolate.host.advance(Duration::from_millis(behind));
        }
        self.redis.borrow_mut().0.now = now.millis();
        self.database.borrow_mut().0.now = now.millis();
    }

    fn run_tasks(&self) {
        for isolate in &self.isolates {
            while let Some(task) = isolate.host.next_task() {
                block_on(task);
            }
        }
    }

    fn redis_health(&self) -> Health {
        self.redis.borrow().1
    }

    fn database_health(&self) -> Health {
        self.database.borrow().1
    }

    fn redis_keeps_ends(&self) -> bool {
        let owed = self.redis.borrow().0.owed();
        owed.iter().any(|name| name.starts_with("ended"))
    }

    /// Whether every session is there that is alive.
    fn database_has_all(&self) -> bool {
        let database = &self.database.borrow().0;
        let alive = database.alive();
        let mut sessions = self.sessions.iter();
        sessions.all(|Session { id, fate, .. }| {
            *fate != Fate::Alive || alive.contains(&id.hash().as_str())
        })
    }

    fn sign_in(&mut self, isolate: usize, user_number: usize) {
        let Isolate { host, store, .. } = &self.isolates[isolate];
        let id = SessionId::random(&Numbers(self.sessions.len())).unwrap();
        let now = host.now();
        let mut record = SessionRecord::example(now);
        record.user_id = user(user_number);
        let new = NewSession {
            id: &id,
            record: &record,
            device: DeviceEntry::default(),
            former_fingerprints: Vec::new(),
            profile: "{}",
            replaces: None,
            goes_on: false,
        };
        if block_on(store.create(&new, now)).is_ok() {
            let fate = Fate::Alive;
            self.sessions.push(Session { id, record, fate });
        }
    }

    fn end(&mut self, isolate: usize, session: usize, all: Option<bool>) {
        let Session { id, record, fate } = self.sessions[session].clone();
        let Isolate { host, store, .. } = &self.isolates[isolate];
        let now = host.now();
        let (done, keep) = match all {
            None => (block_on(store.end(&id, now)).is_ok(), false),
            Some(keep) => {
                let keep = keep && fate == Fate::Alive;
                let kept = keep.then_some(&id);
                let ended = block_on(store.end_all(&record.user_id, kept, now));
                (ended.is_ok(), keep)
            }
        };
        self.isolates[isolate].store.settle_behind();
        for other in &mut self.sessions {
            let is_meant = if all.is_some() {
                other.record.user_id == record.user_id && !(keep && other.id == id)
            } else {
                other.id == id
            };
            if is_meant && other.fate != Fate::Ended {
                other.fate = if done { Fate::Ended } else { Fate::Unknown };
            }
        }
    }

    fn visit(&self, isolate: usize, session: usize) -> Result<(), String> {
        let Session { id, fate, .. } = &self.sessions[session];
        let Isolate { host, store, .. } = &self.isolates[isolate];
        let (lookup, source) = block_on(store.find(id, host.now()));
        match (lookup, fate) {
            (SessionLookup::Found(_), Fate::Ended) => {
                Err(format!("session {session} came back from {source:?}"))
            }
            (SessionLookup::Absent, Fate::Alive) => Err(format!(
                "session {session} was said to have ended by {source:?}"
            )),
            _ => Ok(()),
        }
    }

    fn minute(&self) {
        block_on(self.isolates[0].store.settle_all());
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        let count = self.sessions.len();
        let some = |session: usize| (count > 0).then(|| session % count);
        match event {
            Event::SignIn { isolate, user } => self.sign_in(isolate, user),
            Event::Renew { isolate, session } => {
                if let Some(session) = some(session) {
                    let Session { id, record, .. } = &self.sessions[session];
                    let Isolate { host, store, .. } = &self.isolates[isolate];
                    let _ = block_on(store.renew(id, record, host.now()));
                }
            }
            Event::SignOut { isolate, session } => {
                if let Some(session) = some(session) {
                    self.end(isolate, session, None);
                }
            }
            Event::SignOutEverywhere {
                isolate,
                session,
                keep,
            } => {
                if let Some(session) = some(session) {
                    self.end(isolate, session, Some(keep));
                }
            }
            Event::Visit { isolate, session } => {
                if let Some(session) = some(session) {
                    self.visit(isolate, session)?;
                }
            }
            Event::Redis(health) => self.turn_redis(health),
            Event::Database(health) => {
                let debt =
                    self.database.borrow().0.owes() > 0 || self.redis_health() != Health::Well;
                if health == Health::Well || !debt {
                    self.database.borrow_mut().1 = health;
                    // Whoever found it away asks again in five seconds.
                    self.isolates[0].host.advance(Duration::from_secs(5));
                }
            }
            Event::Wipe => {
                // What is being written at the moment is either here or there.
                self.run_tasks();
                self.synchronise();
                let owed = !self.redis.borrow().0.owed().is_empty();
                if !owed && self.database_health() == Health::Well && self.database_has_all() {
                    self.redis.borrow_mut().0.wipe();
                    self.isolates[0].host.advance(Duration::from_millis(10));
                }
            }
            Event::DoOneTask { isolate } => {
                if let Some(task) = self.isolates[isolate].host.next_task() {
                    block_on(task);
                }
            }
            Event::Minute => self.minute(),
            Event::Wait(millis) => self.isolates[0].host.advance(Duration::from_millis(millis)),
            Event::NewIsolate { isolate } => {
                // What it left is done by others in time; a session that was not written is, once it is
                // renewed.
                self.run_tasks();
                let elapsed = self.isolates[0].host.now().since(NOW);
                self.isolates[isolate] = self.isolate(elapsed);
            }
        }
        // No two events are at the same moment.
        self.isolates[0].host.advance(Duration::from_millis(1));
        self.synchronise();
        Ok(())
    }

    fn turn_redis(&mut self, health: Health) {
        if health != Health::Well {
            if self.database_health() == Health::Well && !self.redis_keeps_ends() {
                self.redis.borrow_mut().1 = health;
                if !self.outage {
                    self.outage = true;
                    for isolate in &mut self.isolates {
                        isolate.failures_before = isolate.redis.failures();
                    }
                }
            }
            return;
        }
        self.redis.borrow_mut().1 = health;
        let mut isolates = self.isolates.iter();
        let saw_nothing = |isolate: &Isolate| isolate.redis.failures() == isolate.failures_before;
        if self.outage && isolates.any(saw_nothing) {
            self.minute();
        }
        self.outage = false;
    }

    /// All is well again, and everything that was left has been done.
    fn heal(&mut self) -> Result<(), String> {
        self.turn_redis(Health::Well);
        self.database.borrow_mut().1 = Health::Well;
        self.isolates[0].host.advance(Duration::from_mins(2));
        self.synchronise();
        for _ in 0..3 {
            self.run_tasks();
            self.synchronise();
            self.minute();
        }
        let owed = self.redis.borrow().0.owed();
        if !owed.is_empty() || self.database.borrow().0.owes() > 0 {
            return Err(format!("still owed: {owed:?}"));
        }
        let fresh = self.isolate(self.isolates[0].host.now().since(NOW));
        // Where neither store could be told of a session when it was new, its renewal tells.
        for Session { id, record, .. } in &self.sessions {
            let _ = block_on(fresh.store.renew(id, record, fresh.host.now()));
        }
        for (session, Session { id, fate, .. }) in self.sessions.iter().enumerate() {
            let (lookup, _) = block_on(fresh.store.find(id, fresh.host.now()));
            let is_found = matches!(lookup, SessionLookup::Found(_));
            let is_kept = self
                .database
                .borrow()
                .0
                .alive()
                .contains(&id.hash().as_str());
            let right = match fate {
                Fate::Alive => is_found && is_kept,
                Fate::Ended => lookup == SessionLookup::Absent && !is_kept,
                Fate::Unknown => true,
            };
            if !right {
                return Err(format!(
                    "session {session} is {fate:?}, found: {is_found}, in the database: {is_kept}"
                ));
            }
        }
        Ok(())
    }
}

/// Randomness that is another for each session.
struct Numbers(usize);

impl crate::host::Random for Numbers {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), crate::host::NoRandomness> {
        bytes.fill(u8::try_from(self.0 % 251).unwrap());
        bytes[0] = u8::try_from(self.0 / 251).unwrap();
        Ok(())
    }
}

fn health() -> impl Strategy<Value = Health> {
    prop_oneof![
        2 => Just(Health::Well),
        2 => Just(Health::Away),
        1 => Just(Health::Mute),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let isolate = 0..ISOLATES;
    let session = 0..12_usize;
    prop_oneof![
        4 => (isolate.clone(), 0..2_usize).prop_map(|(isolate, user)| Event::SignIn { isolate, user }),
        1 => (isolate.clone(), session.clone()).prop_map(|(isolate, session)| Event::Renew { isolate, session }),
        3 => (isolate.clone(), session.clone()).prop_map(|(isolate, session)| Event::SignOut { isolate, session }),
        1 => (isolate.clone(), session.clone(), any::<bool>())
            .prop_map(|(isolate, session, keep)| Event::SignOutEverywhere { isolate, session, keep }),
        10 => (isolate.clone(), session).prop_map(|(isolate, session)| Event::Visit { isolate, session }),
        3 => health().prop_map(Event::Redis),
        3 => health().prop_map(Event::Database),
        1 => Just(Event::Wipe),
        4 => isolate.clone().prop_map(|isolate| Event::DoOneTask { isolate }),
        1 => Just(Event::Minute),
        4 => (0..3000_u64).prop_map(Event::Wait),
        1 => (0..100_000_u64).prop_map(Event::Wait),
        1 => isolate.prop_map(|isolate| Event::NewIsolate { isolate }),
    ]
}

proptest! {
    #[test]
    fn nothing_that_ended_comes_back_and_nobody_is_thrown_out(events in prop::collection::vec(event(), 0..60)) {
        let mut world = World::new();
        world.synchronise();
        for event in &events {
            world.happen(*event).map_err(TestCaseError::fail)?;
        }
        world.heal().map_err(TestCaseError::fail)?;
    }
}
