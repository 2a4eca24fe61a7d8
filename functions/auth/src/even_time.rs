//! Answers that take the same time whether an account exists or not.
//!
//! Supabase checks a password only where there is an account, and sends a mail only where there
//! is none yet: both take time that a stranger could measure.

use authflow_shared::{
    host::{Clock, Sleeper},
    timestamp::Timestamp,
};
use core::time::Duration;

/// Waits until `floor` has passed since `started`.
pub(crate) async fn wait(host: &(impl Clock + Sleeper), started: Timestamp, floor: Duration) {
    let passed = Duration::from_millis(host.now().since(started));
    let rest = floor.saturating_sub(passed);
    if !rest.is_zero() {
        host.sleep(rest).await;
    }
}

#[cfg(test)]
mod tests {
    use authflow_shared::host::fake::FakeHost;
    use futures_executor::block_on;

    use super::*;

    const FLOOR: Duration = Duration::from_millis(800);

    #[test]
    fn the_whole_takes_the_same_time_however_long_the_work_took() {
        for work in [0, 1, 799, 800] {
            let host = FakeHost::answering("");
            let started = host.now();
            host.advance(Duration::from_millis(work));
            block_on(wait(&host, started, FLOOR));
            assert_eq!(host.now().since(started), 800, "{work}");
        }
    }

    #[test]
    fn work_that_took_longer_does_not_wait() {
        let host = FakeHost::answering("");
        let started = host.now();
        host.advance(Duration::from_secs(2));
        block_on(wait(&host, started, FLOOR));
        assert!(host.slept().is_empty());
    }
}
