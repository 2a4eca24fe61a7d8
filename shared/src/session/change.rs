//! What changes of a session, as the database is told.
//!
//! Changes are made so that they can come late, twice and in any order: each says when it was, an end
//! wins over everything, and of two records the newer one stays. So a change that a store missed can
//! be kept elsewhere and told again whenever it is back (`owed.rs`).

use super::{SessionId, SessionRecord};
use crate::{
    json::{Object, Writer},
    timestamp::Timestamp,
};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is a session, or it has another record now.
    Saved {
        /// Its id.
        id: SessionId,
        /// Its record as Redis keeps it.
        record: String,
        /// When it was asked for, in milliseconds: before that, it has no part in what happens to all
        /// of a user's.
        asked_at: u64,
        /// When it became so.
        at: Timestamp,
        /// When it ends unless it is used.
        idle_until: Timestamp,
    },
    /// A session lives on.
    Renewed {
        /// Its id.
        id: SessionId,
        /// When it ends unless it is used.
        idle_until: Timestamp,
    },
    /// Redis has it again.
    Restored {
        /// Its id.
        id: SessionId,
        /// Since when.
        at: Timestamp,
    },
    /// A session has ended.
    Ended {
        /// Its id.
        id: SessionId,
        /// When.
        at: Timestamp,
    },
    /// All sessions of a user have ended that there were.
    EndedAll {
        /// The user's id.
        user_id: String,
        /// The hash of the one that goes on.
        kept: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// All sessions of a user that there were have lost their second factor.
    Lowered {
        /// The user's id.
        user_id: String,
        /// When.
        at: Timestamp,
    },
}

impl Change {
    /// The change as the database takes it; times are milliseconds.
    pub fn to_json(&self) -> String {
        let of = |kind| Writer::object().text("kind", kind);
        match self {
            Self::Saved {
                id,
                record,
                asked_at,
                at,
                idle_until,
            } => of("saved")
                .text("hash", &id.hash())
                .json("record", record)
                .number("asked_at", *asked_at)
                .number("saved_at", at.millis())
                .number("idle_until", idle_until.millis()),
            Self::Renewed { id, idle_until } => of("renewed")
                .text("hash", &id.hash())
                .number("idle_until", idle_until.millis()),
            Self::Restored { id, at } => of("restored")
                .text("hash", &id.hash())
                .number("at", at.millis()),
            // With the id itself, by which Redis knows it. It opens nothing.
            Self::Ended { id, at } => of("ended")
                .text("hash", &id.hash())
                .text("id", id.as_str())
                .number("at", at.millis()),
            Self::EndedAll { user_id, kept, at } => of("ended_all")
                .text("user_id", user_id)
                .maybe_text("kept", kept.as_deref())
                .number("at", at.millis()),
            Self::Lowered { user_id, at } => of("lowered")
                .text("user_id", user_id)
                .number("at", at.millis()),
        }
        .end()
    }

    /// The name under which it is kept while the database has not got it. An end has one name, so
    /// that it can be looked for.
    pub fn name(&self) -> String {
        match self {
            Self::Saved { id, at, .. } => format!("saved:{}:{}", id.hash(), at.millis()),
            Self::Renewed { id, .. } => format!("renewed:{}", id.hash()),
            Self::Restored { id, .. } => format!("restored:{}", id.hash()),
            Self::Ended { id, .. } => Self::name_of_end(id),
            Self::EndedAll { user_id, at, .. } => format!("ended_all:{user_id}:{}", at.millis()),
            Self::Lowered { user_id, at } => format!("lowered:{user_id}:{}", at.millis()),
        }
    }

    /// The name of the end of `id`.
    pub(super) fn name_of_end(id: &SessionId) -> String {
        format!("ended:{}", id.hash())
    }

    /// Whether the database must have it, sooner or later: else something that was taken away would
    /// be given again. All else is only missed while Redis is away.
    pub const fn is_due(&self) -> bool {
        matches!(
            self,
            Self::Ended { .. } | Self::EndedAll { .. } | Self::Lowered { .. }
        )
    }

    /// Reads one that Redis missed; `None` if it is of no kind that is ever owed to Redis.
    pub fn read(mut change: Object) -> Option<Self> {
        let at = Timestamp::from_millis(change.number("at")?);
        match change.text("kind")?.as_str() {
            "ended" => Some(Self::Ended {
                id: SessionId::parse(&change.text("id")?)?,
                at,
            }),
            "ended_all" => Some(Self::EndedAll {
                user_id: change.text("user_id")?,
                kept: change.text("kept"),
                at,
            }),
            _ => None,
        }
    }

    /// That `id` has `record` at `now`, and lives so many seconds.
    pub fn saved(id: &SessionId, record: &SessionRecord, now: Timestamp, lives: u64) -> Self {
        Self::Saved {
            id: id.clone(),
            record: record.to_json(),
            asked_at: record.asked_at,
            at: now,
            idle_until: Timestamp::from_seconds(now.seconds().saturating_add(lives)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::store::tests::{NOW, id};

    const USER: &str = "5f6b7c8d-0000-4000-8000-000000000001";

    fn ended_all(kept: Option<String>) -> Change {
        Change::EndedAll {
            user_id: USER.into(),
            kept,
            at: NOW,
        }
    }

    #[test]
    fn what_redis_missed_is_read_as_it_was_written() {
        for change in [
            Change::Ended { id: id(1), at: NOW },
            ended_all(None),
            ended_all(Some(id(2).hash())),
        ] {
            let json = change.to_json();
            let read = Change::read(Object::parse(&json).unwrap());
            assert_eq!(read, Some(change), "{json}");
        }
    }

    #[test]
    fn nothing_else_is_ever_done_to_redis() {
        let lowered = Change::Lowered {
            user_id: USER.into(),
            at: NOW,
        };
        for json in [
            lowered.to_json(),
            r#"{"kind":"ended","hash":"x","at":1}"#.into(),
            r#"{"kind":"ended","id":"*","at":1}"#.into(),
            "{}".into(),
        ] {
            assert_eq!(Change::read(Object::parse(&json).unwrap()), None, "{json}");
        }
    }

    #[test]
    fn only_what_takes_something_away_is_due() {
        let record = SessionRecord::example(NOW);
        assert!(ended_all(None).is_due());
        assert!(Change::Ended { id: id(1), at: NOW }.is_due());
        assert!(!Change::saved(&id(1), &record, NOW, 60).is_due());
    }

    #[test]
    fn a_saved_session_is_told_with_its_hash_and_not_its_id() {
        let json = Change::saved(&id(1), &SessionRecord::example(NOW), NOW, 60).to_json();
        assert!(json.contains(&id(1).hash()) && !json.contains(id(1).as_str()));
        assert!(json.contains(r#""idle_until":1800000060000"#), "{json}");
    }
}
