//! What came of a job.

use std::time::Duration;

use serde_json::json;

/// The faults that are told in words.
const TOLD: usize = 3;

/// What came of a job.
#[derive(Debug, Default)]
pub(crate) struct Report {
    latencies: Vec<Duration>,
    faults: u64,
    told: Vec<String>,
    /// From the first request to the last answer.
    pub(crate) took: Duration,
}

impl Report {
    /// Counts one request, or one page.
    pub(crate) fn add(&mut self, took: Duration, outcome: Result<(), String>) {
        match outcome {
            Ok(()) => self.latencies.push(took),
            Err(text) => {
                self.faults += 1;
                if self.told.len() < TOLD {
                    self.told.push(text);
                }
            }
        }
    }

    /// `{good, faults, told, seconds, p50_ms, p90_ms, p99_ms, max_ms}`.
    pub(crate) fn into_json(mut self) -> String {
        self.latencies.sort_unstable();
        let millis =
            |share| percentile(&self.latencies, share).map(|took| took.as_secs_f64() * 1e3);
        let report = json!({
            "good": self.latencies.len(),
            "faults": self.faults,
            "told": self.told,
            "seconds": self.took.as_secs_f64(),
            "p50_ms": millis(50),
            "p90_ms": millis(90),
            "p99_ms": millis(99),
            "max_ms": millis(100),
        });
        format!("{report}\n")
    }
}

/// The smallest value that `share` in a hundred do not exceed (nearest rank).
fn percentile(sorted: &[Duration], share: usize) -> Option<Duration> {
    let rank = (sorted.len() * share).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let sorted: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&sorted, 50), Some(Duration::from_millis(100)));
        assert_eq!(percentile(&sorted, 99), Some(Duration::from_millis(198)));
        assert_eq!(percentile(&sorted, 100), Some(Duration::from_millis(200)));
        assert_eq!(percentile(&[Duration::ZERO], 50), Some(Duration::ZERO));
        assert_eq!(percentile(&[], 50), None);
    }
}
