//! Asking Sentinels where the Redis is that takes writes.
//!
//! All are asked at once. One that was cut off may still believe in the last one; so what most of them
//! say counts, and only a majority makes us leave a connection that works.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use redis::{Cmd, Value};
use tokio::time::timeout;

use super::{Address, Login, connect, tls::Tls};

/// The Sentinels and how to speak to them.
#[derive(Debug)]
pub(super) struct Sentinels {
    pub(super) addresses: Vec<Address>,
    pub(super) master: String,
    pub(super) login: Login,
    pub(super) tls: Option<Tls>,
    /// How long each may take.
    pub(super) patience: Duration,
}

/// What the Sentinels say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Poll {
    /// The address that was named most often.
    pub(super) address: Address,
    /// Whether most of all Sentinels named it.
    pub(super) is_majority: bool,
}

impl Sentinels {
    /// Asks all; waits for no more of them than is needed for a majority.
    pub(super) async fn ask(&self) -> Result<Poll, String> {
        let mut asked: FuturesUnordered<_> = self
            .addresses
            .iter()
            .map(|sentinel| async move {
                let answer = timeout(self.patience, self.ask_one(sentinel)).await;
                answer
                    .map_err(|_| "no answer in time".to_owned())
                    .flatten()
                    .map_err(|problem| format!("Sentinel {sentinel}: {problem}"))
            })
            .collect();
        let mut votes = BTreeMap::new();
        let mut problem = None;
        while let Some(answer) = asked.next().await {
            match answer {
                Ok(address) => {
                    let count: &mut usize = votes.entry(address).or_default();
                    *count += 1;
                    if *count * 2 > self.addresses.len() {
                        break;
                    }
                }
                Err(text) => problem = Some(text),
            }
        }
        count(votes, self.addresses.len())
            .ok_or_else(|| problem.unwrap_or_else(|| "there is no Sentinel".to_owned()))
    }

    async fn ask_one(&self, sentinel: &Address) -> Result<Address, String> {
        let opened = connect::open(sentinel, self.tls.as_ref(), &self.login, self.patience);
        let (mut live, task) = opened.await?;
        let mut command = Cmd::new();
        command
            .arg("SENTINEL")
            .arg("GET-MASTER-ADDR-BY-NAME")
            .arg(&self.master);
        let reply = live.connection.send_packed_command(&command).await;
        task.abort();
        match reply.map_err(|error| error.to_string())? {
            Value::Array(fields) => match fields.as_slice() {
                [Value::BulkString(host), Value::BulkString(port)] => {
                    let host = String::from_utf8_lossy(host).into_owned();
                    let port = String::from_utf8_lossy(port).parse();
                    let port = port.map_err(|_| "it named no port".to_owned())?;
                    Ok(Address { host, port })
                }
                _ => Err("it named no address".to_owned()),
            },
            Value::Nil => Err(format!("it watches nothing under the name {}", self.master)),
            Value::ServerError(error) => Err(format!(
                "{} {}",
                error.code(),
                error.details().unwrap_or_default()
            )),
            _ => Err("it named no address".to_owned()),
        }
    }
}

fn count(votes: BTreeMap<Address, usize>, sentinels: usize) -> Option<Poll> {
    let (address, count) = votes.into_iter().max_by_key(|(_, count)| *count)?;
    Some(Poll {
        address,
        is_majority: count * 2 > sentinels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(votes: &[(&str, usize)], sentinels: usize) -> Option<(String, bool)> {
        let votes = votes
            .iter()
            .map(|(address, count)| (address.parse().unwrap(), *count))
            .collect();
        let poll = count(votes, sentinels)?;
        Some((poll.address.to_string(), poll.is_majority))
    }

    #[test]
    fn what_most_say_counts() {
        let votes = [("a:1", 1), ("b:1", 2), ("c:1", 1)];
        assert_eq!(poll(&votes, 3), Some(("b:1".to_owned(), true)));
        assert_eq!(poll(&votes, 4), Some(("b:1".to_owned(), false)));
    }

    #[test]
    fn silence_counts_against_a_majority() {
        assert!(!poll(&[("a:1", 1)], 2).unwrap().1);
        assert!(poll(&[("a:1", 1)], 1).unwrap().1);
        assert_eq!(poll(&[], 3), None);
    }
}
