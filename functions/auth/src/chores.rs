//! What is done each minute, without a request: each store of sessions is told what it missed, and what is
//! long over is forgotten. What the isolate counted goes out.

use std::rc::Rc;

use authflow_shared::{host::Host, redis::Redis, session::SessionStore};

use crate::config::Config;

/// Does it.
pub(crate) async fn run<H: Host>(host: &H, config: &Rc<Config>) {
    let redis = Redis::new(host.clone(), config.common.redis.clone());
    let (database, lifetimes) = (config.database.clone(), config.common.lifetimes);
    let store = SessionStore::new(redis, database, lifetimes);
    let _ = store.forget_run_out().await;
    store.settle_all().await;
    config
        .common
        .telemetry
        .flush(host, &config.common.exports)
        .await;
}
