//! How many sessions are alive.
//!
//! `sessions_active` has each by the moment at which it ends if it is not used any more; what is scored
//! later than now is alive. Whatever creates, renews, restores or ends a session changes it in the same
//! transaction or script.

use super::{SessionStore, keys};
use crate::{
    host::Host,
    redis::{Command, Unavailable},
};

/// Seconds for which one that ran out stays, because it may just be renewed.
const SLACK_SECONDS: u64 = 60;

impl<H: Host> SessionStore<H> {
    /// Forgets those that have run out. They are not counted before that either.
    ///
    /// # Errors
    /// [`Unavailable`] if Redis did not do it; the next time does.
    pub async fn forget_run_out(&self) -> Result<(), Unavailable> {
        let now = self.redis().host().now();
        let command = Command::new("ZREMRANGEBYSCORE")
            .arg(keys::SESSIONS_ACTIVE)
            .arg("-inf")
            .arg(now.seconds().saturating_sub(SLACK_SECONDS));
        self.redis().command(&command).await.map(drop)
    }
}
