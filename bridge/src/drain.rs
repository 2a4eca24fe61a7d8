//! A stop in order: first the balancers are told, then nobody new is let in, then what is left is finished.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// The longest that new connections are accepted after the order to stop.
const MAX_NOTICE: Duration = Duration::from_secs(5);

/// Whether the process is stopping.
#[derive(Debug, Default)]
pub(crate) struct Drain(AtomicBool);

impl Drain {
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// For how long of `budget` new connections are still accepted, so that balancers notice: half of it.
pub(crate) fn notice(budget: Duration) -> Duration {
    (budget / 2).min(MAX_NOTICE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_budget_is_for_the_balancers_but_no_more_than_five_seconds() {
        let notice = |seconds| notice(Duration::from_secs(seconds)).as_millis();
        assert_eq!([0, 1, 10, 60].map(notice), [0, 500, 5000, 5000]);
    }

    #[test]
    fn it_begins_once() {
        let drain = Drain::default();
        assert!(!drain.is_on());
        drain.begin();
        assert!(drain.is_on());
    }
}
