//! A few connections to Redis that all requests share.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use redis::{Cmd, Pipeline, Value};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

use super::{
    Login, Target,
    connect::{Live, Unfit},
    connector::Connector,
    follow::follow,
    observer::Observer,
    slot::Slot,
    tls::Tls,
};
use crate::command::Command;

/// The pause between two tries at the start.
const PAUSE: Duration = Duration::from_millis(50);

/// What a pool is made from.
#[derive(Debug)]
pub struct Options {
    /// What to ask for Redis.
    pub target: Target,
    /// Who we are to it.
    pub login: Login,
    /// Who we are to its Sentinels.
    pub sentinel_login: Login,
    /// Whether Redis and its Sentinels are spoken to in TLS.
    pub tls: Option<Tls>,
    /// How many connections there are.
    pub connections: usize,
    /// How long Redis may take over a batch.
    pub timeout: Duration,
}

/// Connections to one Redis.
#[derive(Debug)]
pub struct Pool {
    slots: Vec<Slot>,
    next: AtomicUsize,
    timeout: Duration,
    target: String,
    observer: Arc<dyn Observer>,
    unfit: watch::Receiver<Option<Unfit>>,
    /// The keepers; they end with the pool.
    _tasks: JoinSet<()>,
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Redis did not answer in time.
    Late(Duration),
    /// It could not be reached, or the connection ended.
    Unreachable(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(limit) => write!(formatter, "no reply within {} ms", limit.as_millis()),
            Self::Unreachable(text) => formatter.write_str(text),
        }
    }
}

impl Pool {
    /// A pool that begins to connect at once.
    pub fn new(options: Options, observer: Arc<dyn Observer>) -> Self {
        let Options {
            target,
            login,
            sentinel_login,
            tls,
            connections,
            timeout,
        } = options;
        let name = target.to_string();
        let connector = Arc::new(Connector::new(target, login, sentinel_login, tls, timeout));
        let (tell, unfit) = watch::channel(None);
        let mut tasks = JoinSet::new();
        let mut slots = Vec::with_capacity(connections);
        for _ in 0..connections {
            let (slot, keeper) = Slot::new(Arc::clone(&connector), Arc::clone(&observer));
            let tell = tell.clone();
            tasks.spawn(async move {
                tell.send_replace(Some(keeper.await));
            });
            slots.push(slot);
        }
        tasks.spawn(follow(connector, slots.clone()));
        Self {
            slots,
            next: AtomicUsize::new(0),
            timeout,
            target: name,
            observer,
            unfit,
            _tasks: tasks,
        }
    }

    /// Waits until Redis serves commands, or says what is wrong.
    ///
    /// # Errors
    /// The last problem, once `patience` is over.
    pub async fn wait(&self, patience: Duration) -> Result<(), String> {
        let deadline = Instant::now() + patience;
        loop {
            let Err(problem) = self.ping().await else {
                return Ok(());
            };
            if Instant::now() >= deadline {
                let target = &self.target;
                return Err(format!(
                    "Redis at {target} did not answer PING within {} s ({problem})",
                    patience.as_secs()
                ));
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks Redis whether it serves commands.
    pub(crate) async fn ping(&self) -> Result<(), String> {
        let ping = Command {
            arguments: vec![b"PING".to_vec()],
        };
        let replies = self.run(std::slice::from_ref(&ping)).await;
        match replies.map_err(|failure| failure.to_string())?.pop() {
            Some(Value::SimpleString(_)) => Ok(()),
            Some(Value::ServerError(error)) => Err(error.code().to_owned()),
            _ => Err("it answered PING with something else".to_owned()),
        }
    }

    /// Resolves once it is certain that what is there can never be used.
    pub(crate) async fn unfit(&self) -> Unfit {
        let mut unfit = self.unfit.clone();
        match unfit.wait_for(Option::is_some).await.map(|found| *found) {
            Ok(Some(found)) => found,
            _ => std::future::pending().await,
        }
    }

    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.slots.iter().filter_map(Slot::open).count()
    }

    /// Tells of a command.
    pub(crate) fn tell(&self, command: &Command) {
        self.observer.command(&command.name());
    }

    /// Sends the commands in one piece and returns a reply for each; an error means that Redis could not
    /// be asked, or did not answer: what it did nobody knows.
    pub(crate) async fn run<C: AsRef<Command>>(
        &self,
        commands: &[C],
    ) -> Result<Vec<Value>, Failure> {
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
        let deadline = Instant::now() + self.timeout;
        let late = || Failure::Late(self.timeout);
        let mut live = timeout_at(deadline, self.live())
            .await
            .map_err(|_| late())?
            .map_err(Failure::Unreachable)?;
        let sent = live
            .connection
            .send_packed_commands(&batch, 0, commands.len());
        let failure = match timeout_at(deadline, sent).await {
            Ok(Ok(replies)) => {
                live.untaken.take(commands.len());
                if replies.iter().any(is_demoted) {
                    live.driver.abort();
                }
                return Ok(replies);
            }
            Ok(Err(error)) if !error.is_timeout() => Failure::Unreachable(error.to_string()),
            _ => {
                self.observer.late();
                late()
            }
        };
        // What is still owed on this connection would only pile up, and those who wait are late, too.
        live.driver.abort();
        Err(failure)
    }

    /// Each in turn; one that is closed is passed over as long as another is open.
    async fn live(&self) -> Result<Live, String> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.slots.len().max(1);
        let mut turns =
            (0..count).filter_map(|turn| self.slots.get((start.wrapping_add(turn)) % count));
        if let Some(live) = turns.find_map(Slot::open) {
            return Ok(live);
        }
        match self.slots.get(start % count) {
            Some(slot) => slot.opened().await,
            None => Err("there is no connection".to_owned()),
        }
    }
}

/// Whether the reply comes from a server that takes no writes any more.
fn is_demoted(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if matches!(error.code(), "READONLY" | "MASTERDOWN"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nobody;

    impl Observer for Nobody {}

    #[tokio::test]
    async fn without_a_redis_it_says_where_it_looked() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let pool = Pool::new(
            Options {
                target: Target::Server(free.to_string().parse().unwrap()),
                login: Login {
                    password: Some("secret".to_owned().into()),
                    ..Login::default()
                },
                sentinel_login: Login::default(),
                tls: None,
                connections: 2,
                timeout: Duration::from_secs(1),
            },
            Arc::new(Nobody),
        );
        let problem = pool.wait(Duration::ZERO).await.unwrap_err();
        assert!(
            problem.contains(&format!("Redis at {free} did not answer PING")),
            "{problem}"
        );
        assert!(!format!("{pool:?}{problem}").contains("secret"));
    }
}
