//! Sessions in the database: what is read when Redis is away.
//!
//! The table `authflow_sessions` is in Supabase's PostgreSQL and reached through PostgREST; all that
//! happens to it is in the functions of `supabase/migrations`. It is the second copy of sessions:
//! Redis is asked first, always.

use core::time::Duration;
use std::rc::Rc;

use super::{SessionId, SessionRecord, change::MissedEnd, debts::Debts};
use crate::{
    dependency::{Dependency, Manner},
    host::{CallError, Host, HttpCall},
    json::{self, Object, Value, write},
    secret::Secret,
    timestamp::Timestamp,
};

/// Where the database is, and what this isolate knows of it.
#[derive(Debug)]
pub struct Settings {
    /// The Supabase project's URL, without a slash at the end.
    pub url: String,
    /// The service role key, or a secret key.
    pub key: Secret,
    /// The time until a whole answer must have arrived, tries and all.
    pub timeout: Duration,
    /// What this isolate knows of it.
    pub dependency: Rc<Dependency>,
    /// What one store may owe to the other.
    pub debts: Debts,
}

/// A client; a clone shares its settings.
#[derive(Clone, Debug)]
pub struct Database<H> {
    host: H,
    settings: Rc<Settings>,
    manner: Manner,
}

/// Why the database did not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is away: nobody knows.
    Away,
    /// It is there, and has no such table or function for us: it takes no part until somebody mends
    /// that.
    Unusable,
    /// It does not take what it was given.
    Refused,
}

/// What the database knows of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its record, unless it has ended.
    record: Option<Rc<SessionRecord>>,
    expires_at: Timestamp,
    idle_until: Timestamp,
    /// Since when Redis has had it.
    pub known_since: Timestamp,
}

/// What a [`Row`] says of its session at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is alive.
    Alive(Rc<SessionRecord>),
    /// It was ended, or is past its end.
    Over,
    /// It was not used for too long; unless the database missed that it was.
    Idle,
}

/// A change that Redis missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Its number in the list.
    pub number: u64,
    /// None if it is no end.
    pub end: Option<MissedEnd>,
}

/// What is owed to Redis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwedToRedis {
    /// The oldest changes that it missed.
    pub changes: Vec<Owed>,
    /// When it last missed that a session lives on.
    pub renewed_away_at: Option<Timestamp>,
}

impl Row {
    /// What it says at `now`.
    pub fn state(&self, now: Timestamp) -> State {
        match &self.record {
            Some(record) if now < self.expires_at && !record.is_over(now) => {
                if now < self.idle_until {
                    State::Alive(record.clone())
                } else {
                    State::Idle
                }
            }
            _ => State::Over,
        }
    }

    /// Whether its session is alive at `now`.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        matches!(self.state(now), State::Alive(_))
    }

    /// When its session ends unless it is used.
    pub const fn idle_until(&self) -> Timestamp {
        self.idle_until
    }

    fn read(mut row: Object) -> Option<Self> {
        let has_ended = row.has("ended_at");
        let record = row.object("record");
        let record = match record {
            Some(record) if !has_ended => Some(Rc::new(SessionRecord::read(record)?)),
            _ => None,
        };
        let at = |name| row.number(name).map(Timestamp::from_millis);
        Some(Self {
            record,
            expires_at: at("expires_at")?,
            idle_until: at("idle_until").unwrap_or_default(),
            known_since: at("known_since").unwrap_or_default(),
        })
    }
}

impl<H: Host> Database<H> {
    /// A client that makes its calls through `host`.
    pub fn new(host: H, settings: Rc<Settings>) -> Self {
        Self {
            host,
            settings,
            // Each of its functions is.
            manner: Manner::Idempotent,
        }
    }

    /// The same, which asks whatever the breaker says.
    #[must_use]
    pub fn past_breaker(&self) -> Self {
        Self {
            manner: Manner::PastBreaker,
            ..self.clone()
        }
    }

    /// What one store may owe to the other.
    pub fn debts(&self) -> &Debts {
        &self.settings.debts
    }

    /// What is known of the session `id`; `None` if nothing is.
    ///
    /// # Errors
    /// [`Fault`] if nobody knows.
    pub async fn find(&self, id: &SessionId) -> Result<Option<Row>, Fault> {
        let arguments = Object::new().with("hash", id.hash());
        let answer = self.call("authflow_find", &arguments.to_json()).await?;
        match answer {
            Value::Null => Ok(None),
            row => {
                let row = Object::from_value(row).and_then(Row::read);
                row.map(Some).ok_or(Fault::Away)
            }
        }
    }

    /// Tells changes, of which each is a JSON object; all or none. With `owed`, those that Redis must
    /// be told, too, are put on its list.
    ///
    /// # Errors
    /// [`Fault`] if it is not certain that the database has them.
    pub async fn apply(&self, changes: &[String], owed: bool) -> Result<(), Fault> {
        let changes = write::list(changes.iter().cloned());
        let arguments = format!(r#"{{"changes":{changes},"owed":{owed}}}"#);
        self.call("authflow_apply", &arguments).await.map(drop)
    }

    /// The oldest changes that Redis missed, at most `most`.
    ///
    /// # Errors
    /// [`Fault`] if nobody knows.
    pub async fn owed(&self, most: usize) -> Result<OwedToRedis, Fault> {
        let arguments = format!(r#"{{"most":{most}}}"#);
        let answer = self.call("authflow_owed", &arguments).await?;
        let read = |answer: Value| {
            let mut answer = Object::from_value(answer)?;
            let renewed_away_at = answer.number("renewed_away_at");
            let changes = answer.list("changes")?.into_iter().map(|entry| {
                let mut entry = Object::from_value(entry)?;
                Some(Owed {
                    number: entry.number("seq")?,
                    end: entry.object("change").and_then(MissedEnd::read),
                })
            });
            Some(OwedToRedis {
                changes: changes.collect::<Option<_>>()?,
                renewed_away_at: renewed_away_at.map(Timestamp::from_millis),
            })
        };
        read(answer).ok_or(Fault::Away)
    }

    /// Takes changes off the list of what Redis missed, by their numbers.
    ///
    /// # Errors
    /// [`Fault`] if they may still be on it.
    pub async fn settled(&self, numbers: &[u64]) -> Result<(), Fault> {
        let numbers = write::list(numbers.iter().map(u64::to_string));
        let arguments = format!(r#"{{"seqs":{numbers}}}"#);
        self.call("authflow_settled", &arguments).await.map(drop)
    }

    /// Deletes what is long over.
    ///
    /// # Errors
    /// [`Fault`] if it may still be there.
    pub async fn clean_up(&self) -> Result<(), Fault> {
        self.call("authflow_clean_up", "{}").await.map(drop)
    }

    /// Whether the database answers, and has what we need.
    ///
    /// # Errors
    /// [`Fault`] if not.
    pub async fn health(&self) -> Result<(), Fault> {
        self.owed(0).await.map(drop)
    }

    /// Calls a function.
    ///
    /// # Errors
    /// [`Fault`] if it is not certain that it was done.
    pub(super) async fn call(&self, function: &str, arguments: &str) -> Result<Value, Fault> {
        let settings = &self.settings;
        let key = settings.key.expose();
        let mut headers = vec![
            ("apikey", key.to_owned()),
            ("content-type", "application/json".to_owned()),
        ];
        // A key of the new kind is no JWT, and must not be a bearer token; a legacy one must be.
        if !key.starts_with("sb_") {
            headers.push(("authorization", format!("Bearer {key}")));
        }
        let call = HttpCall {
            method: "POST",
            url: format!("{}/rest/v1/rpc/{function}", settings.url),
            headers,
            body: Some(arguments.to_owned()),
            timeout: settings.timeout,
        };
        let is_bad = |status| status >= 500;
        let called = settings
            .dependency
            .call(&self.host, call, self.manner, is_bad);
        let answered = called.await.map_err(|_: CallError| Fault::Away)?;
        let status = answered.answer.status;
        let (value, result) = match status {
            204 => (Some(Value::Null), None),
            200 => (json::parse(&answered.answer.body).ok(), None),
            401 | 403 | 404 => (Some(Value::Null), Some(Fault::Unusable)),
            400 if is_about_data(&answered.answer.body) => {
                (Some(Value::Null), Some(Fault::Refused))
            }
            // Too many, read-only, and whatever else will pass.
            400..500 => (Some(Value::Null), Some(Fault::Away)),
            _ => (None, None),
        };
        answered.judge(&self.host, value.is_some());
        match (value, result) {
            (Some(_), Some(fault)) => Err(fault),
            (Some(value), None) => Ok(value),
            (None, _) => Err(Fault::Away),
        }
    }
}

/// Whether an error of PostgREST's says that the data itself is wrong (PostgreSQL's classes 22 and 23), so that it
/// would be at any time.
fn is_about_data(body: &str) -> bool {
    let code = Object::parse(body).and_then(|mut error| error.text("code"));
    code.is_some_and(|code| code.len() == 5 && (code.starts_with("22") || code.starts_with("23")))
}
