//! Lua scripts, named by their SHA-1 as Redis does.

use sha1::{Digest, Sha1};

use crate::hex;

/// A script and its name in the server's cache.
#[derive(Clone, Debug)]
pub struct Script {
    text: &'static str,
    sha1: String,
}

impl Script {
    /// Prepares `text`.
    pub fn new(text: &'static str) -> Self {
        let sha1 = hex::encode(&Sha1::digest(text));
        Self { text, sha1 }
    }

    /// The Lua text.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The name: SHA-1 in lower-case hexadecimal.
    pub fn sha1(&self) -> &str {
        &self.sha1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_one_redis_gives() {
        // `redis-cli script load "return 1"`
        let script = Script::new("return 1");
        assert_eq!(script.sha1(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    }
}
