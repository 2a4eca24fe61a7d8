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
    cell::Cell,
    fmt,
    hash::{BuildHasher, Hasher},
};
use std::{collections::HashMap, hash::DefaultHasher};

use authflow_shared::host::Random;

/// One in so many goes at once when nothing else makes room.
const SHARE: usize = 8;

/// A bounded map; see the module.
pub struct Remembered<V> {
    index: Index,
    /// The values by slot; `None` where one was forgotten.
    values: Vec<Option<V>>,
    capacity: usize,
}

/// Where the value of each key is: the same code whatever the values are, because that of a hash
/// map is long.
struct Index {
    slots: HashMap<String, usize, Seed>,
    /// Slots that a forgotten value left.
    free: Vec<usize>,
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

// === impl Index ===

impl Index {
    fn get(&self, key: &str) -> Option<usize> {
        self.slots.get(key).copied()
    }

    /// The slot for a value of `key`: the one it has, else one that is free or the next. Where none
    /// is free, every slot there is belongs to a key, so that their number is the next one.
    fn slot(&mut self, key: &str) -> usize {
        let next = self.slots.len();
        let free = || self.free.pop().unwrap_or(next);
        *self.slots.entry(key.to_owned()).or_insert_with(free)
    }

    /// Forgets `key`; gives the slot that is free now.
    fn remove(&mut self, key: &str) -> Option<usize> {
        let slot = self.slots.remove(key)?;
        self.free.push(slot);
        Some(slot)
    }

    /// Forgets the keys whose slots are not to be kept.
    fn retain(&mut self, keep: &mut dyn FnMut(usize) -> bool) {
        let free = &mut self.free;
        self.slots.retain(|_, slot| {
            let stays = keep(*slot);
            if !stays {
                free.push(*slot);
            }
            stays
        });
    }
}

// === impl Remembered ===

impl<V> Remembered<V> {
    /// Room for `capacity` entries.
    pub fn new(capacity: usize, seed: Seed) -> Self {
        Self {
            index: Index {
                slots: HashMap::with_hasher(seed),
                free: Vec::new(),
            },
            values: Vec::new(),
            capacity,
        }
    }

    /// What is remembered of `key`.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.values.get(self.index.get(key)?)?.as_ref()
    }

    /// What is remembered of `key`, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.values.get_mut(self.index.get(key)?)?.as_mut()
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
        if self.is_full() && self.index.get(key).is_none() {
            self.retain(alive);
        }
        if self.is_full() && self.index.get(key).is_none() {
            let to_go = Cell::new(self.capacity.div_ceil(SHARE));
            self.retain(|value| {
                let goes = to_go.get() > 0 && may_go(value);
                to_go.set(to_go.get().saturating_sub(usize::from(goes)));
                !goes
            });
        }
        let slot = self.index.slot(key);
        match self.values.get_mut(slot) {
            Some(there) => *there = Some(value),
            None => self.values.push(Some(value)),
        }
    }

    /// Forgets `key`.
    pub fn remove(&mut self, key: &str) -> Option<V> {
        self.values.get_mut(self.index.remove(key)?)?.take()
    }

    /// Forgets all that are not to be kept.
    pub fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        let values = &mut self.values;
        self.index.retain(&mut |slot| {
            let Some(value) = values.get_mut(slot) else {
                return false;
            };
            let stays = value.as_ref().is_some_and(&keep);
            if !stays {
                *value = None;
            }
            stays
        });
    }

    /// All that is remembered, in no order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.values.iter().flatten()
    }

    /// How much is remembered.
    pub fn len(&self) -> usize {
        self.index.slots.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether something must go before a new key finds room.
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity
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
    fn it_remembers_what_a_plain_map_would() {
        let mut remembered = Remembered::new(100, Seed(1));
        let mut plain = std::collections::BTreeMap::new();
        for number in 0..1000_usize {
            let key = (number * number % 37).to_string();
            match number % 5 {
                0 => assert_eq!(remembered.remove(&key), plain.remove(&key)),
                1 if number % 3 == 0 => {
                    remembered.retain(|value| value % 2 == 0);
                    plain.retain(|_, value| *value % 2 == 0);
                }
                _ => {
                    remembered.insert(&key, number, all, all);
                    plain.insert(key, number);
                }
            }
            assert_eq!(remembered.len(), plain.len());
            assert_eq!(remembered.values().count(), plain.len());
            for (key, value) in &plain {
                assert_eq!(remembered.get(key), Some(value));
            }
        }
    }

    #[test]
    fn the_hashes_of_two_isolates_differ() {
        assert_ne!(Seed(1).hash_one("a"), Seed(2).hash_one("a"));
    }
}
