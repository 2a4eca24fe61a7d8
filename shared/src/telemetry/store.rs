//! The counts of all isolates, in Redis.
//!
//! | key | holds | lives |
//! |---|---|---|
//! | `metrics:{service}` | a hash: each series by its name; until when a breaker was not closed | a month after the last count |
//! | `metrics:{service}:isolate:ID` | the number of the last batch of an isolate | a day |
//!
//! What an isolate has counted is one batch, with a number. A batch whose answer was lost is sent again
//! under the same number, and counts once: so the totals are exact, as long as no isolate ends with counts
//! that it has not told. It tells them some seconds after it counted the first.

use super::histogram::Growth;
use crate::{
    host::Host,
    redis::{Command, Redis, Reply, Script, Unavailable, texts},
    session::keys,
    sorted::Sorted,
    timestamp::Timestamp,
};

/// Adds a batch, unless it has been added. Takes the keys of the hash and of the isolate; the batch's
/// number, and names and numbers by turns. What begins with `until` is set.
const SCRIPT: Script = Script::new(
    r#"
if tonumber(redis.call("GET", KEYS[2]) or "0") >= tonumber(ARGV[1]) then return 0 end
redis.call("SET", KEYS[2], ARGV[1], "EX", 86400)
for i = 2, #ARGV, 2 do
  local command = string.sub(ARGV[i], 1, 6) == "until " and "HSET" or "HINCRBY"
  redis.call(command, KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call("EXPIRE", KEYS[1], 2592000)
return 1
"#,
    "e5e1c873a6309ceaa59a6d934142c8b7b53c453b",
);

/// What an isolate has counted, and has to be added to Redis.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// Its place among those of the isolate, from 1.
    pub(super) number: u64,
    /// What it adds.
    pub(super) growth: Vec<Growth>,
}

/// What is known of all isolates.
#[derive(Debug)]
pub(super) struct Totals {
    /// The count of each series.
    pub(super) series: Sorted<String>,
    /// The sessions that are alive.
    pub(super) sessions: i64,
}

/// Adds `batch` of `isolate` to the counts of `service`.
///
/// # Errors
/// [`Unavailable`] if it is not certain that Redis has it; it is safe to be sent again.
pub(super) async fn add<H: Host>(
    redis: &Redis<H>,
    service: &str,
    isolate: &str,
    batch: &Batch,
) -> Result<(), Unavailable> {
    let (hash, last) = (keys::metrics(service), keys::metrics_of(service, isolate));
    let number = batch.number.to_string();
    let numbers: Vec<_> = batch.growth.iter().map(|(_, by)| by.to_string()).collect();
    let mut arguments = vec![number.as_str()];
    for ((series, _), by) in batch.growth.iter().zip(&numbers) {
        arguments.extend([series.as_str(), by.as_str()]);
    }
    match redis.eval(&SCRIPT, &[&hash, &last], &arguments).await? {
        Reply::Integer(_) => Ok(()),
        _ => Err(Unavailable::Refused),
    }
}

/// Reads all counts of `service`, and how many sessions are alive at `now`.
///
/// # Errors
/// [`Unavailable`] if Redis does not tell.
pub(super) async fn totals<H: Host>(
    redis: &Redis<H>,
    service: &str,
    now: Timestamp,
) -> Result<Totals, Unavailable> {
    let reads = [
        Command::new("HGETALL").arg(keys::metrics(service)),
        Command::new("ZCOUNT")
            .arg(keys::SESSIONS_ACTIVE)
            .arg(now.seconds())
            .arg("+inf"),
    ];
    let mut replies = redis.pipeline(&reads).await?.into_iter();
    let mut fields = texts(replies.next())?.into_iter();
    let mut series = Sorted::new();
    while let (Some(name), Some(count)) = (fields.next(), fields.next()) {
        series.insert(name, count);
    }
    match replies.next() {
        Some(Reply::Integer(sessions)) => Ok(Totals { series, sessions }),
        _ => Err(Unavailable::Refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::script::tests::is_named_well;

    #[test]
    fn the_script_has_the_name_that_redis_gives_it() {
        assert!(is_named_well(&SCRIPT));
    }
}
