//! Lua scripts, named by their SHA-1 as Redis does.

/// A script and its name in the server's cache.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    text: &'static str,
    sha1: &'static str,
}

impl Script {
    /// The script `text`, whose SHA-1 in lower-case hexadecimal is `sha1`. A wrong one would cost a
    /// round trip each time; a test beside each script tells.
    pub const fn new(text: &'static str, sha1: &'static str) -> Self {
        Self { text, sha1 }
    }

    /// The Lua text.
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// The name.
    pub const fn sha1(&self) -> &'static str {
        self.sha1
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use sha1::{Digest, Sha1};

    use super::*;
    use crate::hex;

    /// Whether `script` has the name that Redis gives it.
    pub(crate) fn is_named_well(script: &Script) -> bool {
        hex::encode(&Sha1::digest(script.text())) == script.sha1()
    }

    #[test]
    fn the_name_is_the_one_redis_gives() {
        // `redis-cli script load "return 1"`
        let sha1 = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";
        assert!(is_named_well(&Script::new("return 1", sha1)));
        assert!(!is_named_well(&Script::new("return 2", sha1)));
    }
}
