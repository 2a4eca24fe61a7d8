//! What an isolate counts, until it has been added to Redis.
//!
//! A series is named as Prometheus names it, so that nobody has to put it together again. What may
//! stand in a label is bounded: routes, dependencies and outcomes are the configuration's and ours, a
//! method is one of a list, and a status has three digits.

use core::time::Duration;

use super::histogram::{self, Growth};
use crate::{
    breaker::Standing,
    sorted::Sorted,
    timestamp::{Timestamp, millis},
};

/// The most series that are counted between two additions to Redis; the rest is counted as one.
const MOST_SERIES: usize = 1000;
/// The name of what does not fit.
const OVERFLOW: &str = "authflow_metrics_overflow_total{}";
/// The methods that are told apart.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// For how long it counts that an isolate's breaker was not closed, unless it says so again.
const STANDING_HOLDS: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// By name and labels: the count, or the parts of a histogram.
    series: Sorted<Vec<u64>>,
    /// Where each breaker stands, and until when, if nobody asks.
    breakers: Vec<(String, Standing, Timestamp)>,
}

impl Metrics {
    /// Counts one of `series`.
    pub(super) fn count(&mut self, series: String) {
        let counts = self.counts(series, 1);
        if let Some(count) = counts.first_mut() {
            *count = count.saturating_add(1);
        }
    }

    /// Counts one of `series` that took `took`.
    pub(super) fn observe(&mut self, series: String, took: u64) {
        histogram::observe(self.counts(series, histogram::PARTS), took);
    }

    /// What is counted of `series`, in so many parts.
    fn counts(&mut self, series: String, parts: usize) -> &mut [u64] {
        let is_full = self.series.len() >= MOST_SERIES && !self.series.contains_key(&series);
        let series = if is_full { OVERFLOW.to_owned() } else { series };
        let counts = self.series.entry(series, || vec![0; parts]);
        counts.map_or(&mut [], Vec::as_mut_slice)
    }

    /// Notes where the breaker of `dependency` stands, until `until` if nobody asks.
    pub(super) fn stand(&mut self, dependency: &str, standing: Standing, until: Timestamp) {
        self.breakers.retain(|(known, ..)| known != dependency);
        let dependency = dependency.to_owned();
        self.breakers.push((dependency, standing, until));
    }

    /// Where each breaker stands at `now`. One whose time is over lets the next call through, and is not told
    /// of as open for ever where none comes.
    pub(super) fn standings(&self, now: Timestamp) -> Vec<(String, Standing)> {
        let breakers = self.breakers.iter();
        let at = |standing, until| {
            if now < until {
                standing
            } else {
                Standing::Closed
            }
        };
        let standing =
            breakers.map(|(name, standing, until)| (name.clone(), at(*standing, *until)));
        standing.collect()
    }

    /// Whether anything has been counted since it was last taken.
    pub(super) const fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Takes out all that has been counted.
    pub(super) fn take(&mut self, now: Timestamp) -> Vec<Growth> {
        let mut growth = Vec::new();
        for (series, counts) in core::mem::take(&mut self.series) {
            match counts[..] {
                [count] => growth.push((series, count)),
                _ => histogram::unfold(&series, &counts, &mut growth),
            }
        }
        let until = now.millis().saturating_add(millis(STANDING_HOLDS));
        for (dependency, standing) in self.standings(now) {
            if standing != Standing::Closed {
                growth.push((standing_field(&dependency, standing), until));
            }
        }
        growth
    }
}

/// The field that says until when a breaker of an isolate counts as `standing`. It is set, not added to.
pub(super) fn standing_field(dependency: &str, standing: Standing) -> String {
    ["until ", standing.as_str(), " ", dependency].concat()
}

/// The dependency that a [`standing_field`] is about.
pub(super) fn standing_name(field: &str) -> Option<&str> {
    let (_, name) = field.strip_prefix("until ")?.split_once(' ')?;
    Some(name)
}

/// How a method is called in a label.
pub(super) fn method_label(method: &str) -> &'static str {
    let mut known = METHODS.into_iter();
    known.find(|known| *known == method).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn what_was_taken_is_counted_anew() {
        let mut metrics = Metrics::default();
        metrics.count("a{}".into());
        metrics.count("a{}".into());
        assert_eq!(metrics.take(NOW), [("a{}".to_owned(), 2)]);
        assert!(metrics.is_empty());
        metrics.count("a{}".into());
        assert_eq!(metrics.take(NOW), [("a{}".to_owned(), 1)]);
    }

    #[test]
    fn a_histogram_is_told_bound_by_bound() {
        let mut metrics = Metrics::default();
        metrics.observe("took{route=\"a\"}".into(), 7);
        let growth = metrics.take(NOW);
        assert_eq!(growth.len(), 13);
        assert_eq!(
            growth[0],
            ("took_bucket{route=\"a\",le=\"0.005\"}".into(), 0)
        );
        assert_eq!(
            growth[1],
            ("took_bucket{route=\"a\",le=\"0.01\"}".into(), 1)
        );
        assert_eq!(growth[12], ("took_sum{route=\"a\"}".into(), 7));
    }

    #[test]
    fn there_are_no_more_series_than_there_is_room_for_and_none_is_lost() {
        let mut metrics = Metrics::default();
        for number in 0..MOST_SERIES + 5 {
            metrics.count(format!("a{{n=\"{number}\"}}"));
        }
        metrics.observe("took{}".into(), 1);
        metrics.count("a{n=\"7\"}".into());
        let growth = metrics.take(NOW);
        assert_eq!(growth.len(), MOST_SERIES + 1);
        let of = |name: &str| {
            growth
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, by)| *by)
        };
        assert_eq!(of("a{n=\"7\"}"), Some(2));
        assert_eq!(of(OVERFLOW), Some(6));
    }

    #[test]
    fn a_breaker_that_is_not_closed_is_told_for_half_a_minute() {
        let mut metrics = Metrics::default();
        metrics.stand("redis", Standing::Closed, NOW);
        assert_eq!(metrics.take(NOW), []);
        let until = NOW.after(Duration::from_mins(1));
        metrics.stand("redis", Standing::Open, until);
        assert_eq!(metrics.take(until), [], "its time is over");
        assert_eq!(
            metrics.take(NOW),
            [("until open redis".into(), NOW.millis() + 30_000)]
        );
    }

    #[test]
    fn a_method_that_nobody_knows_is_other() {
        assert_eq!(method_label("GET"), "GET");
        for odd in ["get", "PROPFIND", "GET\"", ""] {
            assert_eq!(method_label(odd), "other");
        }
    }
}
