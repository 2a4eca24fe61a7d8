//! What one isolate knows of what the stores of sessions may owe each other.
//!
//! A session that is ended while Redis is away ends in the database alone, and Redis still has it
//! when it comes back. So whoever saw Redis fail, or is new and saw nothing, believes it again only
//! after asking the database what Redis missed, and telling it.

use core::{cell::Cell, time::Duration};

use crate::timestamp::Timestamp;

/// How long one request may take to settle before another one tries.
const PATIENCE: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug, Default)]
pub struct Debts {
    /// The failures of Redis there had been when all was settled.
    settled: Cell<Option<u32>>,
    settling_until: Cell<Timestamp>,
    /// Whether the database missed something that Redis keeps for it.
    owes_database: Cell<bool>,
}

impl Debts {
    /// Whether Redis can be believed after so many failures of it.
    pub fn are_settled(&self, failures: u32) -> bool {
        self.settled.get() == Some(failures)
    }

    /// Begins to settle at `now`; false if another request is at it.
    pub fn begin(&self, now: Timestamp) -> bool {
        let is_free = now >= self.settling_until.get();
        if is_free {
            self.settling_until.set(now.after(PATIENCE));
        }
        is_free
    }

    /// Ends it: all is settled as it was after so many failures, or nothing is.
    pub fn end(&self, settled: Option<u32>) {
        self.settling_until.set(Timestamp::default());
        if settled.is_some() {
            self.settled.set(settled);
        }
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

    #[test]
    fn a_new_isolate_believes_nobody() {
        assert!(!Debts::default().are_settled(0));
    }

    #[test]
    fn each_failure_asks_for_settling_anew() {
        let debts = Debts::default();
        debts.end(Some(3));
        assert!(debts.are_settled(3));
        assert!(!debts.are_settled(4));
        debts.end(None);
        assert!(debts.are_settled(3), "what was settled stays so");
    }

    #[test]
    fn one_settles_at_a_time_and_one_that_is_lost_makes_room() {
        let debts = Debts::default();
        assert!(debts.begin(NOW));
        assert!(!debts.begin(NOW));
        debts.end(None);
        assert!(debts.begin(NOW));
        assert!(!debts.begin(NOW.after(Duration::from_millis(4999))));
        assert!(debts.begin(NOW.after(Duration::from_secs(5))));
    }
}
