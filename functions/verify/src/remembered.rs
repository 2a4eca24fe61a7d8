//! What an isolate remembers from request to request, by texts that clients have a hand in.
//!
//! It is bounded, and forgets at any time: whoever keeps something here must do without it. Hashes
//! are seeded by each isolate, so that nobody can choose texts that collide: without that they
//! would be the same everywhere on this target.

#![expect(
    clippy::disallowed_types,
    reason = "a map with fixed hashes is meant; these are seeded"
)]

use core::{
    fmt,
    hash::{BuildHasher, Hasher},
};
use std::{
    collections::{HashMap, hash_map::Values},
    hash::DefaultHasher,
};

use authflow_shared::host::Random;

/// The part that goes at once when nothing else makes room.
const SHARE: usize = 8;

/// A bounded map; see the module.
pub struct Remembered<V> {
    entries: HashMap<String, V, Seed>,
    capacity: usize,
}

/// What makes hashes unpredictable.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seed(u64);

impl Seed {
    /// A seed of one's own; without randomness the one that everybody knows.
    pub fn random(source: &impl Random) -> Self {
        let mut bytes = [0; 8];
        // Whoever has none refuses every request anyway.
        let _ = source.fill(&mut bytes);
        Self(u64::from_le_bytes(bytes))
    }
}

impl BuildHasher for Seed {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher
    }
}

impl<V> Remembered<V> {
    /// Room for `capacity` entries.
    pub fn new(capacity: usize, seed: Seed) -> Self {
        Self {
            entries: HashMap::with_hasher(seed),
            capacity,
        }
    }

    /// What is remembered of `key`.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key)
    }

    /// What is remembered of `key`, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    /// Remembers `value`. Where there is no room, forgets those that are not `alive`; if all are,
    /// some of those that `may_go`.
    pub fn insert(
        &mut self,
        key: &str,
        value: V,
        alive: impl Fn(&V) -> bool,
        may_go: impl Fn(&V) -> bool,
    ) {
        if self.is_full() && !self.entries.contains_key(key) {
            self.entries.retain(|_, value| alive(value));
        }
        if self.is_full() && !self.entries.contains_key(key) {
            let mut to_go = self.capacity.div_ceil(SHARE);
            self.entries.retain(|_, value| {
                let goes = to_go > 0 && may_go(value);
                to_go = to_go.saturating_sub(usize::from(goes));
                !goes
            });
        }
        self.entries.insert(key.to_owned(), value);
    }

    /// Forgets `key`.
    pub fn remove(&mut self, key: &str) -> Option<V> {
        self.entries.remove(key)
    }

    /// Forgets all that are not to be kept.
    pub fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.entries.retain(|_, value| keep(value));
    }

    /// All that is remembered, in no order.
    pub fn values(&self) -> Values<'_, String, V> {
        self.entries.values()
    }

    /// How much is remembered.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether something must go before a new key finds room.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= self.capacity
    }
}

impl<V> fmt::Debug for Remembered<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remembered({} of {})", self.len(), self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<T>(_: &T) -> bool {
        true
    }

    #[test]
    fn what_is_not_alive_goes_first_and_never_all_at_once() {
        let mut remembered = Remembered::new(16, Seed(1));
        for number in 0..16 {
            remembered.insert(&number.to_string(), number, all, all);
        }
        remembered.insert("a", 99, |number| number % 2 == 0, all);
        assert_eq!(remembered.len(), 9);
        for number in 100..200 {
            remembered.insert(&number.to_string(), number, all, all);
            assert!((9..=16).contains(&remembered.len()));
        }
    }

    #[test]
    fn only_what_may_go_is_dropped() {
        let mut remembered = Remembered::new(8, Seed(1));
        for number in 0..100 {
            remembered.insert(&number.to_string(), number, all, |number| *number > 0);
        }
        assert_eq!(remembered.get("0"), Some(&0));
    }

    #[test]
    fn the_hashes_of_two_isolates_differ() {
        assert_ne!(Seed(1).hash_one("a"), Seed(2).hash_one("a"));
    }
}
