//! Sessions that this isolate read from Redis of late (`SESSION_CACHE_MS`).
//!
//! Off unless it is asked for, because an ended session may pass for as long as it is remembered.
//! What is remembered is what Redis said and when it was asked, so that no answer is ever older
//! than the setting; and nothing is ever extended: when Redis cannot be asked, a session is
//! remembered no longer than otherwise. Whatever depends on the request is checked each time.

use core::time::Duration;
use std::rc::Rc;

use authflow_shared::{
    session::{SessionId, SessionRecord, store::SessionLookup},
    timestamp::Timestamp,
};

use crate::remembered::{Remembered, Seed};

/// Sessions remembered at once.
const CAPACITY: usize = 10_000;
/// Bytes remembered at once.
const CAPACITY_BYTES: usize = 8 * 1024 * 1024;

/// See the module.
#[derive(Debug)]
pub struct SessionCache {
    keep: Duration,
    /// By the whole id of the session.
    entries: Remembered<Entry>,
    bytes: usize,
    /// The latest moment seen; a clock that goes back makes every age doubtful.
    latest: Timestamp,
}

#[derive(Debug)]
struct Entry {
    record: Rc<SessionRecord>,
    asked_at: Timestamp,
    bytes: usize,
}

impl SessionCache {
    /// Remembers each session for `keep`; nothing, if that is zero.
    pub fn new(keep: Duration, seed: Seed) -> Self {
        Self {
            keep,
            entries: Remembered::new(CAPACITY, seed),
            bytes: 0,
            latest: Timestamp::default(),
        }
    }

    /// Whether anything is ever remembered.
    pub fn is_on(&self) -> bool {
        !self.keep.is_zero()
    }

    /// The session `id`, and since how many milliseconds it is remembered, if Redis was asked for
    /// it less than the set time ago.
    pub fn find(&mut self, id: &SessionId, now: Timestamp) -> Option<(Rc<SessionRecord>, u64)> {
        self.see(now);
        let entry = self.entries.get(id.as_str())?;
        is_fresh(entry, self.keep, now).then(|| (entry.record.clone(), now.since(entry.asked_at)))
    }

    /// Remembers what Redis said of `id` when it was asked at `asked_at`; forgets a session that
    /// has ended.
    pub fn keep(&mut self, id: &SessionId, lookup: &SessionLookup, asked_at: Timestamp) {
        match lookup {
            SessionLookup::Found(record) if self.is_on() => self.insert(id, record, asked_at),
            SessionLookup::Found(_) | SessionLookup::Unavailable(_) => {}
            SessionLookup::Absent => self.forget(id),
        }
    }

    fn insert(&mut self, id: &SessionId, record: &Rc<SessionRecord>, asked_at: Timestamp) {
        self.forget(id);
        let bytes = id.as_str().len().saturating_add(size(record));
        if self.is_full(bytes) {
            self.sweep();
        }
        // Whoever finds no room is asked for each time.
        if self.is_full(bytes) {
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        let entry = Entry {
            record: record.clone(),
            asked_at,
            bytes,
        };
        self.entries.insert(id.as_str(), entry, |_| true, |_| false);
    }

    /// Forgets the session `id`, because it is another now.
    pub fn forget(&mut self, id: &SessionId) {
        if let Some(entry) = self.entries.remove(id.as_str()) {
            self.bytes = self.bytes.saturating_sub(entry.bytes);
        }
    }

    fn is_full(&self, more: usize) -> bool {
        self.entries.is_full() || self.bytes.saturating_add(more) > CAPACITY_BYTES
    }

    fn sweep(&mut self) {
        let (keep, now) = (self.keep, self.latest);
        self.entries.retain(|entry| is_fresh(entry, keep, now));
        self.bytes = self.entries.values().map(|entry| entry.bytes).sum();
    }

    fn see(&mut self, now: Timestamp) {
        if now < self.latest {
            self.entries.retain(|_| false);
            self.bytes = 0;
        }
        self.latest = now;
    }
}

fn is_fresh(entry: &Entry, keep: Duration, now: Timestamp) -> bool {
    entry.asked_at <= now && now < entry.asked_at.after(keep)
}

fn size(record: &SessionRecord) -> usize {
    [
        &record.user_id,
        &record.email,
        &record.role,
        &record.device_fingerprint,
        &record.supabase.access_token,
        &record.supabase.refresh_token,
    ]
    .into_iter()
    .map(String::len)
    .sum::<usize>()
    .saturating_add(size_of::<Entry>())
}

#[cfg(test)]
mod tests {
    use authflow_shared::redis::Unavailable;

    use super::*;

    const KEEP: Duration = Duration::from_secs(2);

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + millis)
    }

    fn id(number: usize) -> SessionId {
        SessionId::parse(&format!("00000000-0000-4000-8000-{number:012}")).unwrap()
    }

    fn found(email: &str) -> SessionLookup {
        let mut record = SessionRecord::example(at(0));
        record.email = email.into();
        SessionLookup::Found(Rc::new(record))
    }

    fn cache() -> SessionCache {
        let mut cache = SessionCache::new(KEEP, Seed::default());
        cache.keep(&id(1), &found("a"), at(0));
        cache
    }

    #[test]
    fn a_session_is_remembered_for_less_than_the_set_time() {
        assert!(cache().find(&id(1), at(1999)).is_some());
        assert!(cache().find(&id(1), at(2000)).is_none());
        assert!(cache().find(&id(2), at(0)).is_none());
    }

    #[test]
    fn nothing_is_extended_by_being_used_or_by_redis_being_away() {
        let mut cache = cache();
        for millis in (0..2000).step_by(100) {
            assert!(cache.find(&id(1), at(millis)).is_some());
            let away = SessionLookup::Unavailable(Unavailable::Refused);
            cache.keep(&id(1), &away, at(millis));
        }
        assert!(cache.find(&id(1), at(2000)).is_none());
    }

    #[test]
    fn an_ended_session_is_forgotten_at_once() {
        let mut cache = cache();
        cache.keep(&id(1), &SessionLookup::Absent, at(1));
        assert!(cache.find(&id(1), at(1)).is_none());
        assert_eq!(cache.bytes, 0);
    }

    #[test]
    fn what_redis_said_last_counts() {
        let mut cache = cache();
        cache.keep(&id(1), &found("b"), at(1));
        let (record, age) = cache.find(&id(1), at(4)).unwrap();
        assert_eq!((record.email.as_str(), age), ("b", 3));
        assert_eq!(cache.entries.len(), 1);
    }

    #[test]
    fn a_clock_that_goes_back_makes_everything_forgotten() {
        let mut cache = cache();
        assert!(cache.find(&id(1), at(1000)).is_some());
        assert!(cache.find(&id(1), at(999)).is_none());
        assert!(cache.find(&id(1), at(1000)).is_none());
    }

    #[test]
    fn an_answer_that_was_asked_for_earlier_makes_nothing_doubtful() {
        let mut cache = cache();
        assert!(cache.find(&id(1), at(500)).is_some());
        cache.keep(&id(2), &found("b"), at(100));
        assert!(cache.find(&id(1), at(501)).is_some());
        assert!(cache.find(&id(2), at(2099)).is_some());
        assert!(cache.find(&id(2), at(2100)).is_none());
    }

    #[test]
    fn nothing_is_remembered_unless_it_is_asked_for() {
        let mut cache = SessionCache::new(Duration::ZERO, Seed::default());
        cache.keep(&id(1), &found("a"), at(0));
        assert!(cache.find(&id(1), at(0)).is_none());
        assert!(cache.entries.is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded_in_entries_and_in_bytes() {
        let mut cache = SessionCache::new(KEEP, Seed::default());
        for number in 0..CAPACITY + 100 {
            assert!(cache.find(&id(number), at(0)).is_none());
            cache.keep(&id(number), &found("a"), at(0));
        }
        assert_eq!(cache.entries.len(), CAPACITY);
        assert!(cache.find(&id(0), at(3000)).is_none());
        cache.keep(&id(CAPACITY + 200), &found("a"), at(3000));
        assert_eq!(cache.entries.len(), 1, "what is over makes room");
        let long = "a".repeat(1024 * 1024);
        for number in 0..20 {
            cache.keep(&id(number), &found(&long), at(3000));
        }
        assert!(cache.bytes <= CAPACITY_BYTES);
        assert_eq!(cache.entries.len(), 8);
    }
}
