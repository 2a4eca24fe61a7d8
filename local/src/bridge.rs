//! Redis over HTTP, by `authflow-bridge`, as a developer's machine wants it: one connection, and the
//! service's own limits.

use std::{sync::Arc, time::Duration};

use authflow_bridge::{Address, Login, Options, Pool, PoolOptions, Target, Tokens};
use axum::Router;
use redis::{ConnectionAddr, ConnectionInfo};

use crate::counters::Counters;

/// The largest body of a request, as the service itself says it.
const MAX_BODY: usize = 52_428_800;

/// How long Redis, or a body, may take; longer than any client of ours waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to the Redis of `info`; only plain TCP is known.
pub(crate) fn pool(info: &ConnectionInfo, counters: Arc<Counters>) -> Result<Pool, String> {
    let ConnectionAddr::Tcp(host, port) = info.addr() else {
        return Err("the address of Redis must be redis://[:password@]host:port".to_owned());
    };
    let settings = info.redis_settings();
    let options = PoolOptions {
        target: Target::Server(Address {
            host: host.clone(),
            port: *port,
        }),
        login: Login {
            username: settings.username().map(ToOwned::to_owned),
            password: settings
                .password()
                .map(|password| password.to_owned().into()),
            database: settings.db(),
        },
        sentinel_login: Login::default(),
        tls: None,
        connections: 1,
        timeout: PATIENCE,
    };
    Ok(Pool::new(options, counters))
}

/// The bridge's routes.
pub(crate) fn router(redis: Arc<Pool>, token: &str) -> Router {
    let options = Options {
        tokens: Tokens::new([token]).or_in_query(),
        max_body: MAX_BODY,
        body_timeout: PATIENCE,
    };
    authflow_bridge::router(redis, options)
}

#[cfg(test)]
mod tests {
    use redis::IntoConnectionInfo as _;

    use super::*;

    #[tokio::test]
    async fn takes_no_socket_file() {
        let info = "redis+unix:///tmp/redis".into_connection_info().unwrap();
        assert!(pool(&info, Arc::default()).is_err());
    }
}
