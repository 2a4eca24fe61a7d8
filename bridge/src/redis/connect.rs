//! Opening one connection, and looking whether what is there can be used.

use std::time::Duration;

use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, Value, aio::MultiplexedConnection};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    net::TcpStream,
    task::{AbortHandle, JoinHandle},
};

use super::{
    Address,
    guard::{Guard, Untaken},
    tls::Tls,
};

/// Who we are to Redis.
#[derive(Debug, Clone, Default)]
pub struct Login {
    /// An ACL user; without it, the default one.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<SecretString>,
    /// The number of the database.
    pub database: i64,
}

/// A connection, and whether somebody is still there.
#[derive(Debug, Clone)]
pub(super) struct Live {
    pub(super) connection: MultiplexedConnection,
    pub(super) driver: AbortHandle,
    pub(super) address: Address,
    pub(super) untaken: Untaken,
}

/// What is there can never be used: it is no matter of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// A node of a Redis Cluster.
    Cluster,
    /// A Sentinel in Redis's place.
    Sentinel,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Problem {
    Unfit(Unfit),
    Other(String),
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self::Other(text)
    }
}

impl Unfit {
    /// What is wrong and what to do.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Cluster => {
                "this Redis is a node of a Redis Cluster (cluster_enabled:1). AuthFlow opens and ends a session \
                 in one transaction over keys of several hash slots, which a cluster refuses. Use a single \
                 Redis (REDIS_URL), or one with replicas that Sentinels watch (REDIS_SENTINELS)"
            }
            Self::Sentinel => {
                "REDIS_URL leads to a Sentinel, which keeps no data. Name the Sentinels in REDIS_SENTINELS and \
                 what they watch in REDIS_SENTINEL_MASTER, and leave out REDIS_URL"
            }
        }
    }
}

impl Live {
    pub(super) fn is_finished(&self) -> bool {
        self.driver.is_finished()
    }
}

/// Opens a connection; the task ends with it.
pub(super) async fn open(
    address: &Address,
    tls: Option<&Tls>,
    login: &Login,
    reply_timeout: Duration,
) -> Result<(Live, JoinHandle<()>), String> {
    let stream = TcpStream::connect((address.host.as_str(), address.port))
        .await
        .map_err(|error| error.to_string())?;
    // Without it a small command may wait for the acknowledgement of the last one.
    stream
        .set_nodelay(true)
        .map_err(|error| error.to_string())?;
    let mut info = RedisConnectionInfo::default()
        .set_db(login.database)
        .set_lib_name("authflow-bridge", env!("CARGO_PKG_VERSION"));
    if let Some(username) = &login.username {
        info = info.set_username(username);
    }
    if let Some(password) = &login.password {
        info = info.set_password(password.expose_secret());
    }
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(reply_timeout));
    let untaken = Untaken::default();
    let opened = match tls {
        None => {
            let stream = Guard::new(stream, untaken.clone());
            let made = MultiplexedConnection::new_with_config(&info, stream, config);
            made.await
                .map(|(connection, driver)| (connection, tokio::spawn(driver)))
        }
        Some(tls) => {
            let stream = Guard::new(tls.connect(&address.host, stream).await?, untaken.clone());
            let made = MultiplexedConnection::new_with_config(&info, stream, config);
            made.await
                .map(|(connection, driver)| (connection, tokio::spawn(driver)))
        }
    };
    let (connection, task) = opened.map_err(|error| error.to_string())?;
    let live = Live {
        connection,
        driver: task.abort_handle(),
        address: address.clone(),
        untaken,
    };
    Ok((live, task))
}

/// Whether this is a Redis that takes writes, in one command that every user may give.
pub(super) async fn look(live: &mut Live) -> Result<(), Problem> {
    let mut hello = Cmd::new();
    hello.arg("HELLO").arg("2");
    let reply = live.connection.send_packed_command(&hello).await;
    let fields = match reply.map_err(|error| error.to_string())? {
        Value::Array(fields) => fields,
        Value::ServerError(error) => {
            let text = error.details().unwrap_or_default();
            return Err(format!("HELLO: {} {text}", error.code()).into());
        }
        _ => return Err("HELLO: no answer of Redis 6 or newer".to_owned().into()),
    };
    let field = |name: &str| {
        let mut pairs = fields.chunks_exact(2);
        pairs.find_map(|pair| match pair {
            [Value::BulkString(key), Value::BulkString(value)] if key == name.as_bytes() => {
                Some(value.as_slice())
            }
            _ => None,
        })
    };
    match (field("mode"), field("role")) {
        (Some(b"cluster"), _) => Err(Problem::Unfit(Unfit::Cluster)),
        (Some(b"sentinel"), _) => Err(Problem::Unfit(Unfit::Sentinel)),
        (_, Some(b"replica" | b"slave")) => {
            Err("it is a replica, which takes no writes".to_owned().into())
        }
        _ => Ok(()),
    }
}
