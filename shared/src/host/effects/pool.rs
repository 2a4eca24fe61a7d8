//! Randomness fetched ahead.
//!
//! A call to the platform's source crosses into JavaScript, and each request needs some bytes for
//! its ids. Every byte is handed out once and forgotten.

use core::cell::RefCell;

use crate::host::{NoRandomness, fill_from_platform};

/// Bytes fetched at once: enough for some 25 requests.
const SIZE: usize = 1024;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; SIZE], left: 0 }) };
}

struct Pool {
    bytes: [u8; SIZE],
    /// How many of `bytes`, from the first on, nobody has had.
    left: usize,
}

/// Fills `bytes`; see [`Random::fill`](crate::host::Random::fill).
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    POOL.with_borrow_mut(|pool| pool.fill(bytes))
}

impl Pool {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for byte in bytes {
            if self.left == 0 {
                fill_from_platform(&mut self.bytes)?;
                self.left = SIZE;
            }
            self.left -= 1;
            let fresh = self.bytes.get_mut(self.left).ok_or(NoRandomness)?;
            *byte = core::mem::take(fresh);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_bytes_are_handed_out_twice() {
        let mut seen = BTreeSet::new();
        for _ in 0..3 * SIZE / 16 {
            let mut bytes = [0; 16];
            fill(&mut bytes).unwrap();
            assert!(seen.insert(bytes));
        }
    }

    #[test]
    fn more_than_the_pool_holds_can_be_had() {
        let mut bytes = [0; 3 * SIZE + 1];
        fill(&mut bytes).unwrap();
        assert!(
            bytes
                .chunks(16)
                .all(|chunk| chunk.len() < 16 || chunk.iter().any(|byte| *byte != 0))
        );
    }
}
