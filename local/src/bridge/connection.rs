//! The one connection to Redis that all requests share.
//!
//! A batch of commands is written in one piece and Redis answers in order, so requests need no
//! connection of their own as long as no command changes the connection's state. A connection that
//! ended is replaced on the next request.
//!
//! One thing the `redis` crate cannot do: an error whose text is no UTF-8 (Redis cuts what it
//! quotes) ends the connection, and the requests under way on it fail with 500.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Cmd, ConnectionAddr, ConnectionInfo, Pipeline, RedisConnectionInfo,
    Value, aio::MultiplexedConnection,
};
use tokio::{
    net::TcpStream,
    sync::Mutex,
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};

use super::command::Command;

/// How long a new connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long Redis may take over a batch; longer than any client of ours waits.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// The pause between two tries at the start.
const PAUSE: Duration = Duration::from_millis(50);

/// A Redis server, reached when needed.
#[derive(Debug)]
pub(crate) struct Redis {
    host: String,
    port: u16,
    login: RedisConnectionInfo,
    live: Mutex<Option<Live>>,
}

/// A connection and the task that drives it.
#[derive(Debug, Clone)]
struct Live {
    connection: MultiplexedConnection,
    driver: AbortHandle,
}

impl Redis {
    /// A Redis by its address; only plain TCP is known.
    pub(crate) fn new(info: &ConnectionInfo) -> Result<Self, String> {
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err("the address of Redis must be redis://[:password@]host:port".to_owned());
        };
        Ok(Self {
            host: host.clone(),
            port: *port,
            login: info.redis_settings().clone(),
            live: Mutex::new(None),
        })
    }

    /// Waits until Redis serves commands, or says what is wrong and what to do.
    pub(crate) async fn wait(&self, patience: Duration) -> Result<(), String> {
        let deadline = Instant::now() + patience;
        let ping = Command {
            arguments: vec![b"PING".to_vec()],
        };
        loop {
            let problem = match self
                .run(std::slice::from_ref(&ping))
                .await
                .map(|replies| replies.into_iter().next())
            {
                Ok(Some(Value::SimpleString(_))) => return Ok(()),
                Ok(reply) => format!("it answered {reply:?}"),
                Err(text) => text,
            };
            if Instant::now() >= deadline {
                let Self { host, port, .. } = self;
                return Err(format!(
                    "Redis at {host}:{port} did not answer PING within {} s ({problem}). \
                     Start one there (redis-server --port {port}) or name another with --redis-url.",
                    patience.as_secs()
                ));
            }
            sleep(PAUSE).await;
        }
    }

    /// Sends the commands in one piece and returns a reply for each; an error means that Redis
    /// could not be asked.
    pub(super) async fn run<C: AsRef<Command>>(
        &self,
        commands: &[C],
    ) -> Result<Vec<Value>, String> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = Pipeline::with_capacity(commands.len());
        for command in commands {
            let mut packed = Cmd::new();
            for argument in &command.as_ref().arguments {
                packed.arg(argument.as_slice());
            }
            batch.add_command(packed);
        }
        let mut live = self.live().await?;
        match live
            .connection
            .send_packed_commands(&batch, 0, commands.len())
            .await
        {
            Ok(replies) => Ok(replies),
            Err(error) => {
                // The replies of this connection may be out of step from here on.
                self.discard(&live).await;
                Err(error.to_string())
            }
        }
    }

    async fn live(&self) -> Result<Live, String> {
        let mut slot = self.live.lock().await;
        match &*slot {
            Some(live) if !live.driver.is_finished() => Ok(live.clone()),
            _ => Ok(slot.insert(self.connect().await?).clone()),
        }
    }

    async fn connect(&self) -> Result<Live, String> {
        let connect = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
            stream.set_nodelay(true)?;
            let config = AsyncConnectionConfig::new().set_response_timeout(Some(REPLY_TIMEOUT));
            MultiplexedConnection::new_with_config(&self.login, stream, config).await
        };
        let (connection, driver) = timeout(CONNECT_TIMEOUT, connect)
            .await
            .map_err(|_| "no connection in time".to_owned())?
            .map_err(|error| error.to_string())?;
        Ok(Live {
            connection,
            driver: tokio::spawn(driver).abort_handle(),
        })
    }

    async fn discard(&self, dead: &Live) {
        dead.driver.abort();
        let mut slot = self.live.lock().await;
        if slot
            .as_ref()
            .is_some_and(|live| live.driver.id() == dead.driver.id())
        {
            *slot = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use redis::IntoConnectionInfo as _;

    use super::*;

    #[tokio::test]
    async fn without_a_redis_it_says_where_it_looked_and_what_to_do() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let info = format!("redis://:secret@{free}")
            .into_connection_info()
            .unwrap();
        let problem = Redis::new(&info)
            .unwrap()
            .wait(Duration::ZERO)
            .await
            .unwrap_err();
        assert!(
            problem.contains(&format!("Redis at {free} did not answer PING")),
            "{problem}"
        );
        assert!(
            problem.contains(&format!("redis-server --port {}", free.port())),
            "{problem}"
        );
        assert!(!problem.contains("secret"), "{problem}");
    }

    #[test]
    fn takes_no_socket_file() {
        assert!(Redis::new(&"redis+unix:///tmp/redis".into_connection_info().unwrap()).is_err());
    }
}
