//! What the bridge does not send to Redis, and which replies it does not pass on.

use redis::Value;

use crate::{command::Command, reply::Outcome};

/// The largest command and the largest reply: the smallest plan's limit.
const MAX_SIZE: usize = 10 * 1024 * 1024;

/// How the text about a limit begins.
pub(crate) const TOO_LARGE: &str = "ERR max request size exceeded.";

/// The text of the service about a limit.
pub(crate) fn too_large(limit: usize, actual: usize) -> String {
    format!(
        "{TOO_LARGE} Limit: {limit} bytes, Actual: {actual} bytes. \
         See https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded for details"
    )
}

/// Commands that would change or block the connection that all requests share, or the server under
/// it.
const FORBIDDEN: &str = "\
    acl asking auth bgrewriteaof bgsave blmove blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin \
    client cluster config debug discard exec failover hello latency migrate module monitor multi \
    pfdebug psubscribe psync punsubscribe quit readonly readwrite replconf replicaof reset \
    restore-asking save select shutdown slaveof slowlog ssubscribe subscribe sunsubscribe swapdb sync \
    unsubscribe unwatch wait waitaof watch";

/// Whether Redis may see the command.
pub(crate) fn check(command: &Command) -> Result<(), String> {
    if command.size() > MAX_SIZE {
        return Err(too_large(MAX_SIZE, command.size()));
    }
    let name = command.name();
    let blocks = matches!(name.as_str(), "xread" | "xreadgroup") && blocks(command);
    let meddles = name == "script" && matches!(command.text(1).as_str(), "kill" | "debug");
    if blocks || meddles || FORBIDDEN.split(' ').any(|forbidden| forbidden == name) {
        return Err(format!(
            "ERR Command is not available: '{}'. See https://upstash.com/docs/redis/overall/compatibility for details",
            name.to_ascii_uppercase()
        ));
    }
    Ok(())
}

/// `BLOCK` among the options, which come in any order; after `STREAMS` it would be a key, and after `GROUP` come
/// the names of a group and of a consumer, which may be any.
fn blocks(command: &Command) -> bool {
    let mut position = 1;
    while position < command.arguments.len() {
        match command.text(position).as_str() {
            "block" => return true,
            "streams" => return false,
            "group" => position += 3,
            _ => position += 1,
        }
    }
    false
}

/// Puts an error in the place of a reply that is too large.
pub(crate) fn check_size(outcome: Outcome) -> Outcome {
    match &outcome {
        Outcome::Value(value) if size(value) > MAX_SIZE => {
            Outcome::Error(too_large(MAX_SIZE, size(value)))
        }
        _ => outcome,
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::BulkString(bytes) => bytes.len(),
        Value::SimpleString(text) => text.len(),
        Value::Array(values) => values.iter().map(size).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(words: &[&str]) -> bool {
        check(&Command {
            arguments: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
        })
        .is_err()
    }

    #[test]
    fn refuses_what_blocks_or_changes_the_shared_connection_in_any_case() {
        for words in [
            &["MULTI"][..],
            &["eXeC"],
            &["Subscribe", "a"],
            &["BLPOP", "a", "0"],
            &["CLIENT", "REPLY", "OFF"],
            &["SCRIPT", "KILL"],
            &["XREAD", "COUNT", "1", "block", "0", "STREAMS", "a", "0"],
            &[
                "XREADGROUP",
                "BLOCK",
                "0",
                "GROUP",
                "g",
                "c",
                "STREAMS",
                "a",
                ">",
            ],
            &[
                "XREADGROUP",
                "COUNT",
                "1",
                "GROUP",
                "group",
                "streams",
                "BLOCK",
                "0",
                "STREAMS",
                "a",
                ">",
            ],
            &[
                "xReadGroup",
                "GROUP",
                "g",
                "c",
                "bLoCk",
                "0",
                "STREAMS",
                "a",
                ">",
            ],
            &[
                "XREADGROUP",
                "GROUP",
                "streams",
                "c",
                "BLOCK",
                "0",
                "STREAMS",
                "a",
                ">",
            ],
            &[
                "XREADGROUP",
                "GROUP",
                "g",
                "STREAMS",
                "NOACK",
                "BLOCK",
                "0",
                "STREAMS",
                "a",
                ">",
            ],
        ] {
            assert!(refused(words), "{words:?}");
        }
    }

    #[test]
    fn lets_everything_else_pass() {
        for words in [
            &["GET", "multi"][..],
            &["SCRIPT", "LOAD", "return 1"],
            &["XREAD", "STREAMS", "block", "0"],
            &[
                "XREADGROUP",
                "GROUP",
                "block",
                "block",
                "STREAMS",
                "block",
                ">",
            ],
            &["NONSENSE"],
        ] {
            assert!(!refused(words), "{words:?}");
        }
    }

    #[test]
    fn refuses_a_command_and_a_reply_over_ten_megabytes() {
        let value = "v".repeat(MAX_SIZE);
        assert!(refused(&["SET", "k", &value]));
        assert!(!refused(&["", &value]));
        let reply = Outcome::Value(Value::Array(vec![
            Value::BulkString(value.into_bytes()),
            Value::SimpleString("x".to_owned()),
        ]));
        assert!(
            matches!(check_size(reply), Outcome::Error(text) if text.contains("Actual: 10485761 bytes"))
        );
    }
}
