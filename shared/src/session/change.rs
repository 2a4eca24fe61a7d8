//! What changes of a session, as the database is told.
//!
//! Changes are made so that they can come late, twice and in any order: each says when it was, an end
//! wins over everything, and of two records the newer one stays. So a change that a store missed can
//! be kept elsewhere and told again whenever it is back (`owed.rs`).

use super::{SessionId, SessionRecord};
use crate::{
    json::{Object, Writer},
    layout,
    timestamp::Timestamp,
};

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The name under which it is kept while the database has not got it.
    pub name: String,
    /// The change as the database takes it; times are milliseconds.
    pub json: String,
    /// Whether the database must have it, sooner or later: else something that was taken away would be
    /// given again. All else is only missed while Redis is away.
    pub is_due: bool,
}

/// An end that Redis missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissedEnd {
    /// Of one session.
    One(SessionId),
    /// Of all sessions of a user.
    All {
        /// The user's id.
        user_id: String,
        /// The hash of the one that goes on.
        kept: Option<String>,
        /// When.
        at: Timestamp,
    },
}

impl Change {
    /// The session `id` has `record` at `now`, and lives so many seconds unless it is used.
    pub fn saved(id: &SessionId, record: &SessionRecord, now: Timestamp, lives: u64) -> Self {
        let (hash, at) = (id.hash(), now.millis());
        let json = of("saved")
            .text("hash", &hash)
            .json("record", &record.to_json())
            .number("asked_at", record.asked_at)
            .number("saved_at", at)
            .number("idle_until", until(now, lives));
        Self {
            name: format!("saved:{hash}:{at}"),
            json: json.end(),
            is_due: false,
        }
    }

    /// The session `id` has ended.
    pub fn ended(id: &SessionId, now: Timestamp) -> Self {
        // With the id itself, by which Redis knows it. It opens nothing.
        let json = of("ended")
            .text("hash", &id.hash())
            .text("id", id.as_str())
            .number("at", now.millis());
        Self {
            name: name_of_end(id),
            json: json.end(),
            is_due: true,
        }
    }

    /// All sessions of a user have ended that there were, but `kept`.
    pub fn ended_all(user_id: &str, kept: Option<&SessionId>, now: Timestamp) -> Self {
        let kept = kept.map(SessionId::hash);
        let json = of("ended_all")
            .text("user_id", user_id)
            .maybe_text("kept", kept.as_deref())
            .number("at", now.millis());
        Self {
            name: format!("ended_all:{user_id}:{}", now.millis()),
            json: json.end(),
            is_due: true,
        }
    }

    /// All sessions of a user that there were have lost their second factor.
    pub fn lowered(user_id: &str, now: Timestamp) -> Self {
        let json = of("lowered")
            .text("user_id", user_id)
            .number("at", now.millis());
        Self {
            name: format!("lowered:{user_id}:{}", now.millis()),
            json: json.end(),
            is_due: true,
        }
    }
}

/// The name of the change that `id` has ended: by it, its end can be looked for.
pub(super) fn name_of_end(id: &SessionId) -> String {
    format!("ended:{}", id.hash())
}

/// That the session `id` lives so many seconds from `now`.
pub(super) fn renewed(id: &SessionId, now: Timestamp, lives: u64) -> String {
    at("renewed", id, "idle_until", until(now, lives))
}

/// That Redis has the session `id` again.
pub(super) fn restored(id: &SessionId, now: Timestamp) -> String {
    at("restored", id, "at", now.millis())
}

fn at(kind: &str, id: &SessionId, name: &str, millis: u64) -> String {
    let change = of(kind).text("hash", &id.hash());
    change.number(name, millis).end()
}

fn of(kind: &str) -> Writer {
    layout::record().text("kind", kind)
}

fn until(now: Timestamp, lives: u64) -> u64 {
    let until = Timestamp::from_seconds(now.seconds().saturating_add(lives));
    until.millis()
}

impl MissedEnd {
    /// Reads a change that Redis missed; `None` if it is no end.
    pub fn read(mut change: Object) -> Option<Self> {
        match change.text("kind")?.as_str() {
            "ended" => SessionId::parse(&change.text("id")?).map(Self::One),
            "ended_all" => Some(Self::All {
                user_id: change.text("user_id")?,
                kept: change.text("kept"),
                at: Timestamp::from_millis(change.number("at")?),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::store::tests::{NOW, id};

    const USER: &str = "5f6b7c8d-0000-4000-8000-000000000001";

    fn read(change: &Change) -> Option<MissedEnd> {
        MissedEnd::read(Object::parse(&change.json).unwrap())
    }

    #[test]
    fn what_redis_missed_is_read_as_it_was_written() {
        let one = Change::ended(&id(1), NOW);
        assert_eq!(read(&one), Some(MissedEnd::One(id(1))));
        for kept in [None, Some(id(2))] {
            let all = MissedEnd::All {
                user_id: USER.into(),
                kept: kept.as_ref().map(SessionId::hash),
                at: NOW,
            };
            let change = Change::ended_all(USER, kept.as_ref(), NOW);
            assert_eq!(read(&change), Some(all), "{}", change.json);
        }
    }

    #[test]
    fn nothing_else_is_ever_done_to_redis() {
        for json in [
            Change::lowered(USER, NOW).json,
            r#"{"kind":"ended","hash":"x","at":1}"#.into(),
            r#"{"kind":"ended","id":"*","at":1}"#.into(),
            "{}".into(),
        ] {
            let read = MissedEnd::read(Object::parse(&json).unwrap());
            assert_eq!(read, None, "{json}");
        }
    }

    #[test]
    fn only_what_takes_something_away_is_due() {
        let record = SessionRecord::example(NOW);
        assert!(Change::ended_all(USER, None, NOW).is_due);
        assert!(Change::lowered(USER, NOW).is_due);
        assert!(Change::ended(&id(1), NOW).is_due);
        assert!(!Change::saved(&id(1), &record, NOW, 60).is_due);
    }

    #[test]
    fn a_saved_session_is_told_with_its_hash_and_not_its_id() {
        let json = Change::saved(&id(1), &SessionRecord::example(NOW), NOW, 60).json;
        assert!(json.contains(&id(1).hash()) && !json.contains(id(1).as_str()));
        assert!(json.contains(r#""idle_until":1800000060000"#), "{json}");
    }
}
