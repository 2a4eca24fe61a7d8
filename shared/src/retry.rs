//! When to try again: exponential backoff with full jitter.
//!
//! Each wait is drawn evenly from zero to a bound that doubles, so that those who failed together
//! do not come back together.

use core::time::Duration;

use crate::host::Random;

/// Tries after the first one.
pub const RETRIES: u32 = 2;
/// The bound of the first wait, in microseconds.
const FIRST_MICROS: u64 = 50_000;

/// The wait before try number `retry`, counted from 0; `None` if there must be no more, or if
/// waiting would leave nothing of `budget`, the time that is left in all.
pub fn backoff(retry: u32, budget: Duration, source: &impl Random) -> Option<Duration> {
    if retry >= RETRIES {
        return None;
    }
    let mut bytes = [0; 4];
    // Without randomness there is no jitter, which is no reason not to try.
    let _ = source.fill(&mut bytes);
    let bound = FIRST_MICROS << retry;
    let share = u64::from(u32::from_le_bytes(bytes));
    let wait = Duration::from_micros(bound * share / u64::from(u32::MAX));
    (wait < budget).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::NoRandomness;

    struct Always(u8);

    impl Random for Always {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn waits_lie_between_nothing_and_a_bound_that_doubles() {
        let longest = |retry| backoff(retry, Duration::from_secs(1), &Always(255));
        assert_eq!(longest(0), Some(Duration::from_millis(50)));
        assert_eq!(longest(1), Some(Duration::from_millis(100)));
        let shortest = backoff(1, Duration::from_secs(1), &Always(0));
        assert_eq!(shortest, Some(Duration::ZERO));
    }

    #[test]
    fn two_retries_are_the_most() {
        assert_eq!(backoff(2, Duration::from_secs(1), &Always(0)), None);
    }

    #[test]
    fn nothing_is_tried_when_the_time_would_be_over() {
        assert_eq!(backoff(0, Duration::from_millis(50), &Always(255)), None);
        assert_eq!(backoff(0, Duration::ZERO, &Always(0)), None);
    }
}
