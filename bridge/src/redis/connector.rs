//! Finding the Redis that takes writes.

use std::time::Duration;

use tokio::{task::JoinHandle, time::timeout};

use super::{
    Address, Login, Target,
    connect::{self, Live, Problem},
    sentinel::Sentinels,
    tls::Tls,
};

/// How long a new connection may take, the Sentinels' answer included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a Sentinel may take.
const SENTINEL_TIMEOUT: Duration = Duration::from_millis(300);

/// Opens connections.
#[derive(Debug)]
pub(super) struct Connector {
    target: Place,
    login: Login,
    tls: Option<Tls>,
    timeout: Duration,
}

#[derive(Debug)]
enum Place {
    Server(Address),
    Sentinels(Sentinels),
}

impl Connector {
    pub(super) fn new(
        target: Target,
        login: Login,
        sentinel_login: Login,
        tls: Option<Tls>,
        timeout: Duration,
    ) -> Self {
        let target = match target {
            Target::Server(address) => Place::Server(address),
            Target::Sentinels { addresses, master } => Place::Sentinels(Sentinels {
                addresses,
                master,
                login: sentinel_login,
                tls: tls.clone(),
                patience: SENTINEL_TIMEOUT,
            }),
        };
        Self {
            target,
            login,
            tls,
            timeout,
        }
    }

    /// Opens a connection to a Redis that takes writes.
    pub(super) async fn open(&self) -> Result<(Live, JoinHandle<()>), Problem> {
        let opened = timeout(CONNECT_TIMEOUT, async {
            match &self.target {
                Place::Server(address) => self.open_at(address).await,
                Place::Sentinels(sentinels) => {
                    let address = sentinels.ask().await?.address;
                    let (live, task) = self.open_at(&address).await?;
                    // It may have been frozen until now, and replaced meanwhile.
                    if sentinels
                        .ask()
                        .await
                        .is_ok_and(|poll| poll.address == address)
                    {
                        return Ok((live, task));
                    }
                    task.abort();
                    Err(format!("{address}: its Sentinels name another now").into())
                }
            }
        });
        opened
            .await
            .unwrap_or_else(|_| Err("no connection in time".to_owned().into()))
    }

    /// Who tells where Redis is, where anybody does.
    pub(super) const fn sentinels(&self) -> Option<&Sentinels> {
        match &self.target {
            Place::Server(_) => None,
            Place::Sentinels(sentinels) => Some(sentinels),
        }
    }

    async fn open_at(&self, address: &Address) -> Result<(Live, JoinHandle<()>), Problem> {
        let opened = connect::open(address, self.tls.as_ref(), &self.login, self.timeout).await;
        let (mut live, task) = opened.map_err(|problem| format!("{address}: {problem}"))?;
        match connect::look(&mut live).await {
            Ok(()) => {
                live.untaken.clear();
                Ok((live, task))
            }
            Err(problem) => {
                task.abort();
                Err(match problem {
                    Problem::Other(text) => format!("{address}: {text}").into(),
                    unfit @ Problem::Unfit(_) => unfit,
                })
            }
        }
    }
}
