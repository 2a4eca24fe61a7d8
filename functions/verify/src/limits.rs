//! Limits that this isolate counts in its memory.
//!
//! They cost no round trip and cannot be unavailable. Each isolate counts for itself, so over many
//! isolates more passes than a limit says; a limit that must be exact is counted in Redis.

use authflow_shared::{
    rate_limit::{Quota, Verdict, Window},
    timestamp::Timestamp,
};

use crate::remembered::{Remembered, Seed};

/// Windows remembered at once; some 150 bytes each.
const CAPACITY: usize = 20_000;

/// The windows of everybody who came of late.
#[derive(Debug)]
pub struct Limits {
    windows: Remembered<(Quota, Window)>,
}

/// The state of a client's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The name in `RateLimit`.
    pub name: &'static str,
    /// The limit.
    pub quota: Quota,
    /// What it said.
    pub verdict: Verdict,
}

impl Limits {
    /// None so far.
    pub fn new(seed: Seed) -> Self {
        Self {
            windows: Remembered::new(CAPACITY, seed),
        }
    }

    /// Counts one request of `key`, if `quota` allows it.
    pub fn take(&mut self, key: &str, quota: Quota, now: Timestamp) -> Verdict {
        if let Some((_, window)) = self.windows.get_mut(key) {
            return window.take(quota, now);
        }
        let mut window = Window::default();
        let verdict = window.take(quota, now);
        // Those who came least often go first, so that a flood of new addresses pushes out its own
        // before those that are near their limit.
        let average = if self.windows.is_full() {
            let counts = self.windows.values().map(|(_, window)| window.count());
            counts.sum::<u64>() / self.windows.len() as u64
        } else {
            0
        };
        self.windows.insert(
            key,
            (quota, window),
            |(quota, window)| !window.is_stale(*quota, now),
            |(_, window)| window.count() <= average,
        );
        verdict
    }
}

impl Tally {
    /// Whether the request was beyond the limit.
    pub fn is_exceeded(&self) -> bool {
        !self.verdict.allowed
    }

    /// Seconds until one more would pass, rounded up.
    pub fn seconds(&self) -> u64 {
        let reset = self.verdict.reset;
        let begun = u64::from(reset.subsec_nanos() > 0);
        reset.as_secs().saturating_add(begun)
    }

    /// The headers that tell the client (draft-ietf-httpapi-ratelimit-headers-10).
    pub fn headers(&self) -> [(&'static str, String); 2] {
        let Self {
            name,
            quota,
            verdict,
        } = self;
        let remaining = if verdict.allowed {
            verdict.remaining
        } else {
            0
        };
        let window = quota.window.as_secs();
        [
            (
                "ratelimit-policy",
                format!("\"{name}\";q={};w={window}", quota.requests),
            ),
            (
                "ratelimit",
                format!("\"{name}\";r={remaining};t={}", self.seconds()),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const QUOTA: Quota = Quota {
        requests: 2,
        window: Duration::from_mins(1),
    };

    #[test]
    fn each_key_has_a_limit_of_its_own() {
        let mut limits = Limits::new(Seed::default());
        let mut take = |key: &str| limits.take(key, QUOTA, NOW).allowed;
        assert!(take("a") && take("a") && !take("a"));
        assert!(take("b"));
    }

    #[test]
    fn a_flood_of_new_keys_frees_nobody_who_is_at_his_limit() {
        let quota = Quota {
            requests: 3,
            ..QUOTA
        };
        let mut limits = Limits::new(Seed::default());
        let mut take = |key: &str| limits.take(key, quota, NOW).allowed;
        assert!(take("flooder") && take("flooder") && take("flooder"));
        for number in 0..3 * CAPACITY {
            assert!(take(&number.to_string()) && take(&number.to_string()));
        }
        assert!(!take("flooder"));
        assert!(limits.windows.len() <= CAPACITY);
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let tally = Tally {
            name: "route",
            quota: QUOTA,
            verdict: Verdict {
                allowed: false,
                remaining: 0,
                reset: Duration::from_millis(30_001),
            },
        };
        let headers = tally.headers();
        assert_eq!(
            headers[0],
            ("ratelimit-policy", r#""route";q=2;w=60"#.into())
        );
        assert_eq!(headers[1], ("ratelimit", r#""route";r=0;t=31"#.into()));
        assert_eq!(tally.seconds(), 31);
    }
}
