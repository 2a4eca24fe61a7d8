//! When a session in use is renewed.
//!
//! A session lives an idle hour from its last renewal. To renew it with each request would cost a
//! write a request, so an isolate renews it once in a sixth of its life at most, after the
//! response. What an isolate forgets costs one write more, never somebody's session.

use authflow_shared::{
    session::{SessionId, SessionRecord},
    timestamp::Timestamp,
};

use crate::remembered::{Remembered, Seed};

/// Sessions remembered at once; some 100 bytes each.
const CAPACITY: usize = 10_000;
/// A session is renewed this many times in its idle life at most.
const RENEWALS_PER_LIFE: u64 = 6;

/// The sessions this isolate renewed, with the second from which each is due again.
#[derive(Debug)]
pub struct Renewals {
    interval: u64,
    due: Remembered<u64>,
}

impl Renewals {
    /// For sessions that live `session_seconds` idle.
    pub fn new(session_seconds: u64, seed: Seed) -> Self {
        Self {
            interval: (session_seconds / RENEWALS_PER_LIFE).max(1),
            due: Remembered::new(CAPACITY, seed),
        }
    }

    /// Whether the session is to be renewed now; counts it as renewed if so.
    pub fn take(&mut self, id: &SessionId, record: &SessionRecord, now: Timestamp) -> bool {
        let now = now.seconds();
        let due = match self.due.get(id.as_str()) {
            Some(due) => *due,
            None => record.created_at.saturating_add(self.interval),
        };
        if now < due {
            return false;
        }
        let next = now.saturating_add(self.interval);
        self.due
            .insert(id.as_str(), next, |due| *due > now, |_| true);
        true
    }

    /// Takes back what [`Renewals::take`] counted, because the renewal failed.
    pub fn failed(&mut self, id: &SessionId) {
        self.due.remove(id.as_str());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> SessionId {
        SessionId::parse(&format!("00000000-0000-4000-8000-{number:012}")).unwrap()
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    fn record() -> SessionRecord {
        SessionRecord::example(at(0))
    }

    #[test]
    fn a_session_is_renewed_once_in_a_sixth_of_its_life() {
        let mut renewals = Renewals::new(3600, Seed::default());
        let mut take = |seconds| renewals.take(&id(1), &record(), at(seconds));
        assert!(!take(599), "it has just begun");
        assert!(take(600));
        assert!(!take(601));
        assert!(!take(1199));
        assert!(take(1200));
    }

    #[test]
    fn a_failed_renewal_is_tried_again_with_the_next_request() {
        let mut renewals = Renewals::new(3600, Seed::default());
        assert!(renewals.take(&id(1), &record(), at(600)));
        renewals.failed(&id(1));
        assert!(renewals.take(&id(1), &record(), at(601)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut renewals = Renewals::new(3600, Seed::default());
        for number in 0..3 * CAPACITY {
            renewals.take(&id(number), &record(), at(600));
        }
        assert!(renewals.due.len() <= CAPACITY);
    }
}
