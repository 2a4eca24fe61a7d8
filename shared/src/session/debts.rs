//! What one isolate knows of what the stores of sessions may owe each other.
//!
//! A session that is ended while Redis is away ends in the database alone, and Redis still has it
//! when it comes back. So whoever saw Redis fail, or is new and saw nothing, believes it again only
//! once the database says that Redis missed nothing.

use core::{cell::Cell, time::Duration};

use crate::timestamp::Timestamp;

/// How long one request may ask before another one does.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a database that did not answer is not asked, whatever its breaker says.
const AWAY: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug, Default)]
pub struct Debts {
    /// The failures of Redis there had been when nothing was owed to it.
    settled: Cell<Option<u32>>,
    asked_at: Cell<Timestamp>,
    asking_until: Cell<Timestamp>,
    away_until: Cell<Timestamp>,
    /// Whether the database missed something that Redis keeps for it.
    owes_database: Cell<bool>,
    /// Whether Redis missed an end just now.
    owes_redis: Cell<bool>,
    insisting_until: Cell<Timestamp>,
}

/// How long Redis is believed, before the database is asked again, after an answer: an isolate does not see
/// everything, such as that others could not write.
const BELIEVED: Duration = Duration::from_mins(1);

/// What a request may do that finds Redis back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Ask the database what Redis missed.
    Ask,
    /// Another request is asking.
    Others,
    /// The database was away just now.
    Away,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debt {
    /// Redis missed nothing.
    None,
    /// It missed something, and has not been told yet.
    Some,
    /// Nobody knows.
    Unknown,
}

impl Debts {
    /// Whether Redis can be believed after so many failures of it.
    pub fn are_settled(&self, failures: u32) -> bool {
        self.settled.get() == Some(failures)
    }

    /// What the request may do that comes at `now`.
    pub fn turn(&self, now: Timestamp) -> Turn {
        if now < self.away_until.get() {
            return Turn::Away;
        }
        if now < self.asking_until.get() {
            return Turn::Others;
        }
        self.asking_until.set(now.after(PATIENCE));
        Turn::Ask
    }

    /// Whether it is time to ask again although all is settled. Whoever learns so at `now` does.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let is_due = self.asked_at.get().after(BELIEVED) <= now;
        if is_due {
            self.asked_at.set(now);
        }
        is_due
    }

    /// What came of asking, after so many failures of Redis.
    pub fn learn(&self, debt: Debt, failures: u32, now: Timestamp) {
        self.asking_until.set(Timestamp::default());
        self.asked_at.set(now);
        match debt {
            Debt::None => self.settled.set(Some(failures)),
            Debt::Some => self.settled.set(None),
            Debt::Unknown => self.away_until.set(now.after(AWAY)),
        }
    }

    /// Notes that Redis missed an end.
    pub fn owe_redis(&self) {
        self.owes_redis.set(true);
    }

    /// Whether it did, just now; whoever asks sees to it.
    pub fn take_owed_to_redis(&self) -> bool {
        self.owes_redis.replace(false)
    }

    /// Whether to ask for Redis again and again from `now` on, for so long; one request at a time does.
    pub fn begin_insisting(&self, now: Timestamp, at_most: Duration) -> bool {
        let is_free = now >= self.insisting_until.get();
        if is_free {
            self.insisting_until.set(now.after(at_most));
        }
        is_free
    }

    /// Ends it.
    pub fn end_insisting(&self) {
        self.insisting_until.set(Timestamp::default());
    }

    /// Notes that the database missed something.
    pub fn owe_database(&self) {
        self.owes_database.set(true);
    }

    /// Whether it did, as far as this isolate knows; whoever asks sees to it.
    pub fn take_owed_to_database(&self) -> bool {
        self.owes_database.replace(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn later(millis: u64) -> Timestamp {
        NOW.after(Duration::from_millis(millis))
    }

    #[test]
    fn a_new_isolate_believes_nobody() {
        assert!(!Debts::default().are_settled(0));
    }

    #[test]
    fn each_failure_of_redis_makes_it_doubtful_again() {
        let debts = Debts::default();
        debts.learn(Debt::None, 3, NOW);
        assert!(debts.are_settled(3));
        assert!(!debts.are_settled(4));
        debts.learn(Debt::Some, 4, NOW);
        assert!(!debts.are_settled(4), "it has to be told first");
    }

    #[test]
    fn what_was_settled_is_asked_after_once_a_minute() {
        let debts = Debts::default();
        debts.learn(Debt::None, 0, NOW);
        assert!(!debts.is_due(later(59_999)));
        assert!(debts.is_due(later(60_000)));
        assert!(!debts.is_due(later(60_001)), "by one");
        debts.learn(Debt::Some, 0, later(60_002));
        assert!(!debts.are_settled(0));
    }

    #[test]
    fn one_asks_at_a_time_and_one_that_is_lost_makes_room() {
        let debts = Debts::default();
        assert_eq!(debts.turn(NOW), Turn::Ask);
        assert_eq!(debts.turn(NOW), Turn::Others);
        debts.learn(Debt::Some, 0, NOW);
        assert_eq!(debts.turn(NOW), Turn::Ask);
        assert_eq!(debts.turn(later(1999)), Turn::Others);
        assert_eq!(debts.turn(later(2000)), Turn::Ask);
    }

    #[test]
    fn a_database_that_is_away_keeps_nobody_waiting() {
        let debts = Debts::default();
        assert_eq!(debts.turn(NOW), Turn::Ask);
        debts.learn(Debt::Unknown, 0, NOW);
        assert_eq!(debts.turn(later(4999)), Turn::Away);
        assert_eq!(debts.turn(later(5000)), Turn::Ask);
    }

    #[test]
    fn one_insists_at_a_time_and_one_that_is_lost_makes_room() {
        let (debts, minute) = (Debts::default(), Duration::from_mins(1));
        assert!(debts.begin_insisting(NOW, minute));
        assert!(!debts.begin_insisting(later(59_999), minute));
        assert!(debts.begin_insisting(later(60_000), minute));
        debts.end_insisting();
        assert!(debts.begin_insisting(later(60_000), minute));
    }

    #[test]
    fn what_is_owed_is_seen_to_once() {
        let debts = Debts::default();
        debts.owe_database();
        assert!(!debts.take_owed_to_redis());
        assert!(debts.take_owed_to_database());
        assert!(!debts.take_owed_to_database());
        debts.owe_redis();
        assert!(debts.take_owed_to_redis());
        assert!(!debts.take_owed_to_redis());
    }
}
