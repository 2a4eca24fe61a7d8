//! Values by name, in the order of their names.
//!
//! A sorted list in place of the standard library's tree, which is 5 KB of a worker: what is kept by name here, the
//! fields of an object or a worker's variables, is never many.

use core::slice;
use std::vec;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sorted<V>(Vec<(String, V)>);

impl<V> Sorted<V> {
    /// Nothing.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Where `name` is, or where it belongs.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(known, _)| known.as_str().cmp(name))
    }

    /// The value called `name`.
    pub fn get(&self, name: &str) -> Option<&V> {
        let index = self.find(name).ok()?;
        self.0.get(index).map(|(_, value)| value)
    }

    /// The value called `name`, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        let index = self.find(name).ok()?;
        self.0.get_mut(index).map(|(_, value)| value)
    }

    /// Whether there is a value called `name`.
    pub fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Calls `value` by `name`, in place of the one so far, which is returned.
    pub fn insert(&mut self, name: String, value: V) -> Option<V> {
        match self.find(&name) {
            Ok(index) => {
                let (_, known) = self.0.get_mut(index)?;
                Some(core::mem::replace(known, value))
            }
            Err(index) => {
                self.0.insert(index, (name, value));
                None
            }
        }
    }

    /// The value called `name`, to change it; `make` makes it where there is none.
    pub fn entry(&mut self, name: String, make: impl FnOnce() -> V) -> Option<&mut V> {
        let index = match self.find(&name) {
            Ok(index) => index,
            Err(index) => {
                self.0.insert(index, (name, make()));
                index
            }
        };
        self.0.get_mut(index).map(|(_, value)| value)
    }

    /// Takes out the value called `name`.
    pub fn remove(&mut self, name: &str) -> Option<V> {
        let index = self.find(name).ok()?;
        Some(self.0.remove(index).1)
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values.
    pub fn iter(&self) -> slice::Iter<'_, (String, V)> {
        self.0.iter()
    }

    /// The names.
    pub fn keys(&self) -> impl Iterator<Item = &String> + Clone {
        self.0.iter().map(|(name, _)| name)
    }

    /// Keeps what `is_kept`, and nothing else.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&str, &V) -> bool) {
        self.0.retain(|(name, value)| is_kept(name, value));
    }
}

impl<V> Default for Sorted<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> IntoIterator for Sorted<V> {
    type Item = (String, V);
    type IntoIter = vec::IntoIter<(String, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, V> IntoIterator for &'a Sorted<V> {
    type Item = &'a (String, V);
    type IntoIter = slice::Iter<'a, (String, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<V> Extend<(String, V)> for Sorted<V> {
    fn extend<I: IntoIterator<Item = (String, V)>>(&mut self, values: I) {
        for (name, value) in values {
            self.insert(name, value);
        }
    }
}

impl<V> FromIterator<(String, V)> for Sorted<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(values: I) -> Self {
        let mut sorted = Self::new();
        sorted.extend(values);
        sorted
    }
}

impl<V, const N: usize> From<[(String, V); N]> for Sorted<V> {
    fn from(values: [(String, V); N]) -> Self {
        values.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_what_a_sorted_map_is(changes: Vec<(bool, u8, u8)>) {
            let mut map = BTreeMap::new();
            let mut sorted = Sorted::new();
            for (is_new, name, value) in changes {
                let name = (name % 16).to_string();
                if is_new {
                    prop_assert_eq!(
                        sorted.insert(name.clone(), value),
                        map.insert(name.clone(), value)
                    );
                } else {
                    prop_assert_eq!(sorted.remove(&name), map.remove(&name));
                }
                prop_assert_eq!(sorted.get(&name), map.get(&name));
                prop_assert_eq!(sorted.contains_key(&name), map.contains_key(&name));
                prop_assert_eq!(sorted.len(), map.len());
            }
            prop_assert!(sorted.into_iter().eq(map));
        }
    }
}
