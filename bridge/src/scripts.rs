//! Scripts that ask for Upstash's own flag, made fit for a real Redis.
//!
//! `#!lua flags=allow-key-locking` is unknown to Redis, which refuses the script. Without the flag
//! the script has another SHA-1 than its caller knows, so the bridge remembers which stands for
//! which.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use redis::Value;
use sha1::{Digest as _, Sha1};

use crate::command::Command;

const FLAG: &str = "allow-key-locking";

/// How many scripts are remembered; a forgotten one is answered with NOSCRIPT, and its caller sends
/// it again.
const MAX_SCRIPTS: usize = 1000;

/// A command as Redis is to see it.
#[derive(Debug)]
pub(crate) struct Prepared {
    command: Command,
    /// The SHA-1 that the caller of SCRIPT LOAD expects.
    loaded: Option<String>,
}

impl AsRef<Command> for Prepared {
    fn as_ref(&self) -> &Command {
        &self.command
    }
}

impl Prepared {
    /// A command of one word.
    pub(crate) fn plain(name: &str) -> Self {
        Self {
            command: Command {
                arguments: vec![name.as_bytes().to_vec()],
            },
            loaded: None,
        }
    }

    /// The reply as the caller is to see it.
    pub(crate) fn restore(&self, reply: Value) -> Value {
        match (&self.loaded, reply) {
            (Some(sha), Value::BulkString(_)) => Value::BulkString(sha.clone().into_bytes()),
            (_, reply) => reply,
        }
    }
}

/// The scripts whose flag was taken away: the SHA-1 that callers know, and the one that Redis
/// knows.
#[derive(Debug, Default)]
pub(crate) struct Scripts(Mutex<BTreeMap<String, String>>);

impl Scripts {
    /// Takes the flag out of scripts, and replaces the SHA-1 of scripts it was taken out of.
    pub(crate) fn prepare(&self, mut command: Command) -> Prepared {
        let mut loaded = None;
        match (command.name().as_str(), command.text(1).as_str()) {
            ("eval" | "eval_ro", _) => {
                self.strip(command.arguments.get_mut(1));
            }
            ("evalsha" | "evalsha_ro", _) => self.rename(command.arguments.get_mut(1)),
            ("script", "load") => loaded = self.strip(command.arguments.get_mut(2)),
            ("script", "exists") => {
                for sha in command.arguments.iter_mut().skip(2) {
                    self.rename(Some(sha));
                }
            }
            _ => {}
        }
        Prepared { command, loaded }
    }

    /// Takes the flag out and returns the SHA-1 of the script as it came, if it had the flag.
    fn strip(&self, script: Option<&mut Vec<u8>>) -> Option<String> {
        let script = script?;
        let stripped = without_flag(script)?;
        let (original, renamed) = (sha1(script), sha1(&stripped));
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= MAX_SCRIPTS && !names.contains_key(&original) {
            names.pop_first();
        }
        names.insert(original.clone(), renamed);
        *script = stripped;
        Some(original)
    }

    fn rename(&self, sha: Option<&mut Vec<u8>>) {
        let Some(sha) = sha else { return };
        let original = String::from_utf8_lossy(sha).to_ascii_lowercase();
        if let Some(renamed) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&original)
        {
            *sha = renamed.clone().into_bytes();
        }
    }
}

/// The script without the flag, if its first line has it; other flags stay.
fn without_flag(script: &[u8]) -> Option<Vec<u8>> {
    let end = script
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(script.len());
    let (line, rest) = script.split_at_checked(end)?;
    let line = std::str::from_utf8(line).ok()?;
    if !line.starts_with("#!lua") {
        return None;
    }
    let mut found = false;
    let mut words = Vec::new();
    for word in line.split_ascii_whitespace() {
        let Some(flags) = word.strip_prefix("flags=") else {
            words.push(word.to_owned());
            continue;
        };
        let others: Vec<&str> = flags.split(',').filter(|flag| *flag != FLAG).collect();
        found |= others.len() < flags.split(',').count();
        if !others.is_empty() {
            words.push(format!("flags={}", others.join(",")));
        }
    }
    found.then(|| [words.join(" ").as_bytes(), rest].concat())
}

fn sha1(script: &[u8]) -> String {
    let digest = Sha1::digest(script);
    digest
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn stripped(script: &str, expected: Option<&str>) {
        assert_eq!(
            without_flag(script.as_bytes()),
            expected.map(|text| text.as_bytes().to_vec())
        );
    }

    #[test]
    fn takes_out_one_flag_and_keeps_the_others() {
        stripped(
            "#!lua flags=allow-key-locking\nreturn 1",
            Some("#!lua\nreturn 1"),
        );
        stripped(
            "#!lua flags=no-writes,allow-key-locking\nreturn 1",
            Some("#!lua flags=no-writes\nreturn 1"),
        );
        stripped("#!lua  flags=allow-key-locking", Some("#!lua"));
    }

    #[test]
    fn leaves_every_other_script_alone() {
        stripped("return 1", None);
        stripped("#!lua flags=no-writes\nreturn 1", None);
        stripped("\n#!lua flags=allow-key-locking\nreturn 1", None);
        stripped("#!lua\n-- flags=allow-key-locking\nreturn 1", None);
    }

    fn prepare(scripts: &Scripts, words: &[&str]) -> (Vec<String>, Option<String>) {
        let command = Command {
            arguments: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
        };
        let prepared = scripts.prepare(command);
        let words = prepared
            .command
            .arguments
            .iter()
            .map(|word| String::from_utf8_lossy(word).into_owned());
        (words.collect(), prepared.loaded)
    }

    #[test]
    fn the_caller_s_sha_finds_the_script_that_redis_knows() {
        let scripts = Scripts::default();
        let script = "#!lua flags=allow-key-locking\nreturn 1";
        let (theirs, ours) = (sha1(script.as_bytes()), sha1(b"#!lua\nreturn 1"));
        assert_eq!(prepare(&scripts, &["EVALSHA", &theirs, "0"]).0[1], theirs);
        let (sent, loaded) = prepare(&scripts, &["SCRIPT", "LOAD", script]);
        assert_eq!(
            (sent[2].as_str(), loaded.as_deref()),
            ("#!lua\nreturn 1", Some(theirs.as_str()))
        );
        assert_eq!(
            prepare(&scripts, &["EVALSHA", &theirs.to_uppercase(), "0"]).0[1],
            ours
        );
        assert_eq!(
            prepare(&scripts, &["SCRIPT", "EXISTS", "x", &theirs]).0[2..],
            ["x".to_owned(), ours]
        );
    }

    #[test]
    fn a_loaded_script_is_answered_with_the_caller_s_sha() {
        let prepared = Prepared {
            loaded: Some("theirs".to_owned()),
            ..Prepared::plain("SCRIPT")
        };
        assert_eq!(
            prepared.restore(Value::BulkString(b"ours".to_vec())),
            Value::BulkString(b"theirs".to_vec())
        );
        assert_eq!(prepared.restore(Value::Nil), Value::Nil);
    }
}
