//! What happens to the connections to Redis, counted and told.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::{
    log::{Level, Log},
    metrics::Metrics,
    redis::{Address, Observer},
};

/// Who watches the pool.
#[derive(Debug)]
pub(crate) struct Watch {
    metrics: Arc<Metrics>,
    log: Log,
    /// How many connections ended and were not replaced yet.
    missing: AtomicUsize,
    /// Whether it was told that Redis is away; once an outage is enough.
    is_away: AtomicBool,
}

impl Watch {
    pub(crate) fn new(metrics: Arc<Metrics>, log: Log) -> Self {
        Self {
            metrics,
            log,
            missing: AtomicUsize::new(0),
            is_away: AtomicBool::new(false),
        }
    }
}

impl Observer for Watch {
    fn command(&self, _name: &str) {
        self.metrics.commands.inc();
    }

    fn connected(&self, address: &Address) {
        let taken = |missing: usize| missing.checked_sub(1);
        let order = Ordering::Relaxed;
        if self.missing.fetch_update(order, order, taken).is_ok() {
            self.metrics.reconnects.inc();
        }
        self.is_away.store(false, order);
        let redis = address.to_string();
        self.log
            .write(Level::Info, "redis_connected", &[("redis", redis.into())]);
    }

    fn lost(&self) {
        self.missing.fetch_add(1, Ordering::Relaxed);
        self.log.write(Level::Warn, "redis_lost", &[]);
    }

    fn unreachable(&self, problem: &str) {
        self.metrics.connect_failures.inc();
        if !self.is_away.swap(true, Ordering::Relaxed) {
            let reason = [("reason", problem.into())];
            self.log.write(Level::Error, "redis_unreachable", &reason);
        }
    }

    fn late(&self) {
        self.metrics.late.inc();
    }
}
