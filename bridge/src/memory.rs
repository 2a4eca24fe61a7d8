//! The memory that requests and answers share. What something takes of it is known before it is made.

use std::sync::Arc;

use axum::body::Bytes;
use redis::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a command costs beside its bytes, with its reply and the answer to it.
const COMMAND: usize = 256;

/// What an argument costs beside its bytes.
const ARGUMENT: usize = 32;

/// What an element of a reply costs beside its bytes.
const ELEMENT: usize = 64;

/// What is left of it.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    left: Arc<Semaphore>,
    whole: usize,
}

/// A part of it, until this is dropped.
#[derive(Debug)]
pub(crate) struct Held(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

impl Memory {
    pub(crate) fn new(bytes: usize) -> Self {
        let whole = bytes.min(Semaphore::MAX_PERMITS);
        Self {
            left: Arc::new(Semaphore::new(whole)),
            whole,
        }
    }

    /// So many bytes of it, if they are there.
    pub(crate) fn take(&self, bytes: usize) -> Option<Held> {
        let bytes = u32::try_from(bytes).ok()?;
        let permit = Arc::clone(&self.left).try_acquire_many_owned(bytes);
        permit.ok().map(Held)
    }

    /// What a request of this shape costs beside its bytes; but half of all at the most, or it would be
    /// refused for ever.
    pub(crate) fn take_for(&self, shape: Shape) -> Option<Held> {
        let commands = shape.commands.saturating_mul(COMMAND);
        let arguments = shape.arguments.saturating_mul(ARGUMENT);
        self.take(commands.saturating_add(arguments).min(self.whole / 2))
    }
}

/// How much there is in the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) commands: usize,
    pub(crate) arguments: usize,
}

impl Shape {
    /// Of a command in JSON, or of several, without building anything. What is no JSON has some shape,
    /// too.
    pub(crate) fn of_json(body: &Bytes, is_many: bool) -> Self {
        let (mut depth, mut commands, mut arguments) = (0_usize, 1, 1);
        let (mut in_string, mut is_escaped) = (false, false);
        for byte in body.iter().copied() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = in_string,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'[' => depth += 1,
                b']' => depth = depth.saturating_sub(1),
                b',' if depth == 1 && is_many => {
                    commands += 1;
                    arguments += 1;
                }
                b',' => arguments += 1,
                _ => {}
            }
        }
        Self {
            commands,
            arguments,
        }
    }

    /// Of a command in a path and its query.
    pub(crate) fn of_path(path: &str, query: Option<&str>) -> Self {
        let query = query.unwrap_or_default();
        let marks = path.bytes().chain(query.bytes());
        let marks = marks.filter(|byte| matches!(byte, b'/' | b'&' | b'='));
        Self {
            commands: 1,
            arguments: marks.count() + 2,
        }
    }
}

/// What replies cost.
pub(crate) fn cost(replies: &[Value]) -> usize {
    let cost = |reply: &Value| match reply {
        Value::BulkString(bytes) => bytes.len(),
        Value::SimpleString(text) => text.len(),
        Value::Array(values) => cost(values),
        _ => 0,
    };
    replies.iter().map(|reply| cost(reply) + ELEMENT).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shape(body: &'static str, is_many: bool, commands: usize, arguments: usize) {
        let expected = Shape {
            commands,
            arguments,
        };
        assert_eq!(
            Shape::of_json(&Bytes::from(body), is_many),
            expected,
            "{body}"
        );
    }

    #[test]
    fn commands_and_arguments_are_counted_but_not_what_strings_hold() {
        shape(r#"["SET", "a,b", 1]"#, false, 1, 3);
        shape(r#"[["PING"]]"#, true, 1, 1);
        shape(
            r#" [["SET","a","],["],["GET","\"],[\\"] , ["PING"]]"#,
            true,
            3,
            6,
        );
        shape(r#"[["a",[1,2],"b"],["c"]]"#, true, 2, 5);
        shape("", true, 1, 1);
        shape(r#"]],["\"#, true, 1, 2);
        assert_eq!(Shape::of_path("/set/k/v", Some("EX=1&NX")).arguments, 7);
    }

    #[test]
    fn what_is_held_is_given_back_and_no_request_is_too_much_for_ever() {
        let memory = Memory::new(1000);
        let shape = Shape {
            commands: 10_000,
            arguments: 10_000,
        };
        let two = [memory.take_for(shape), memory.take_for(shape)];
        assert!(two.iter().all(Option::is_some) && memory.take(1).is_none());
        drop(two);
        assert!(memory.take(1000).is_some() && memory.take(1001).is_none());
    }

    #[test]
    fn a_reply_costs_its_bytes_and_its_elements() {
        let text = Value::BulkString(b"12345".to_vec());
        assert_eq!(cost(&[Value::Nil]), ELEMENT);
        let list = Value::Array(vec![text.clone(), Value::Array(vec![text])]);
        assert_eq!(cost(&[list, Value::Okay]), 5 * ELEMENT + 10);
    }
}
