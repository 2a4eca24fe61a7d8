//! The device a session belongs to.
//!
//! A stolen cookie is of little use elsewhere: each request is compared with the device that
//! signed in. The fingerprint is a keyed hash, so that what Redis holds tells nothing about the
//! person's address or browser.

mod device;
mod drift;
mod hashes;
mod key;

use core::fmt;

use self::key::Key;
pub use self::{
    device::{Device, Factor},
    drift::{Likeness, Mode},
    hashes::FactorHashes,
};
use crate::{secret::Secret, session::SessionRecord};

/// Makes and compares fingerprints; prepared once.
///
/// The first key makes them, and a device may match under any: so the key can be changed without
/// signing anybody out.
#[derive(Clone)]
pub struct Fingerprinter {
    first: Key,
    others: Vec<Key>,
    factors: Vec<Factor>,
    mode: Mode,
}

impl Fingerprinter {
    /// Prepares the secret that makes fingerprints, and further ones that made them before.
    /// `factors` are hashed in the order of [`Factor::ALL`].
    pub fn new<'a>(
        first: &Secret,
        others: impl IntoIterator<Item = &'a Secret>,
        factors: &[Factor],
        mode: Mode,
    ) -> Self {
        let factors = Factor::ALL
            .into_iter()
            .filter(|factor| factors.contains(factor))
            .collect();
        Self {
            first: Key::new(first),
            others: others.into_iter().map(Key::new).collect(),
            factors,
            mode,
        }
    }

    /// The fingerprint of `device`: HMAC-SHA-256 in base64url without padding.
    pub fn of(&self, device: &Device<'_>) -> String {
        self.first.fingerprint(&self.factors, device)
    }

    /// What the fingerprint of `device` may have been before the key was changed.
    pub fn former(&self, device: &Device<'_>) -> Vec<String> {
        let former = |key: &Key| key.fingerprint(&self.factors, device);
        self.others.iter().map(former).collect()
    }

    /// The hash of each factor by itself.
    pub fn factors_of(&self, device: &Device<'_>) -> FactorHashes {
        self.first.hashes(&self.factors, device)
    }

    /// How like `device` is to the one that the session of `record` is bound to; in constant time
    /// for each key.
    pub fn compare(&self, device: &Device<'_>, record: &SessionRecord) -> Likeness {
        self.likest(|key| {
            // One hash tells of most requests.
            if key.matches(&self.factors, device, &record.device_fingerprint) {
                return Likeness::Same;
            }
            match self.mode {
                Mode::Strict => Likeness::Other,
                Mode::Graded => match self.judge(key, device, record, false) {
                    // The whole differs and no part does: the record contradicts itself.
                    Likeness::Same => Likeness::Other,
                    likeness => likeness,
                },
            }
        })
    }

    /// The same of a request that has no client hints because of how it was made; they are
    /// forgiven.
    pub fn compare_without_hints(&self, device: &Device<'_>, record: &SessionRecord) -> Likeness {
        self.likest(|key| self.judge(key, device, record, true))
    }

    /// What the first key says under which the session may be used. A record is made under one
    /// key, and under every other one it is that of another device.
    fn likest(&self, compare: impl Fn(&Key) -> Likeness) -> Likeness {
        let first = compare(&self.first);
        if first.passes() {
            return first;
        }
        let mut others = self.others.iter().map(compare);
        others.find(|likeness| likeness.passes()).unwrap_or(first)
    }

    fn judge(
        &self,
        key: &Key,
        device: &Device<'_>,
        record: &SessionRecord,
        are_hints_withheld: bool,
    ) -> Likeness {
        let given = key.hashes(&self.factors, device);
        drift::judge(self.mode, &given, &record.factors, are_hints_withheld)
    }

    /// A name for `device` under which its requests can be counted: the whole of it, or where that
    /// may drift, its network alone, because headers can be another with each request.
    pub fn place_of(&self, device: &Device<'_>) -> String {
        match self.mode {
            Mode::Strict => self.of(device),
            Mode::Graded if self.factors.contains(&Factor::Ip) => {
                self.first.hash(Factor::Ip, device)
            }
            Mode::Graded => String::new(),
        }
    }

    /// A name of an e-mail address: the same has the same, and nobody can tell which it is who has not the
    /// key.
    pub fn account_name(&self, email: &str) -> String {
        self.first.account_name(email)
    }
}

impl fmt::Debug for Fingerprinter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprinter({:?})", self.factors)
    }
}

#[cfg(test)]
mod tests;
