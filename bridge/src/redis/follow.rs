//! Staying with the Redis that takes writes.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{connector::Connector, slot::Slot};

/// How often the Sentinels are asked whether Redis is still where we think.
const SENTINEL_PERIOD: Duration = Duration::from_secs(1);

/// Leaves a Redis that is no longer the one: it may be back before its Sentinels told it so, and would take
/// writes that are lost.
pub(super) async fn follow(connector: Arc<Connector>, slots: Vec<Slot>) {
    let Some(sentinels) = connector.sentinels() else {
        return;
    };
    loop {
        sleep(SENTINEL_PERIOD).await;
        let Ok(poll) = sentinels.ask().await else {
            continue;
        };
        let opened = slots.iter().filter_map(Slot::open);
        for live in opened.filter(|live| poll.is_majority && live.address != poll.address) {
            live.driver.abort();
        }
    }
}
