//! Encryption of Supabase's tokens at rest: Fernet (AES-128-CBC with HMAC-SHA-256).
//!
//! The first key encrypts, all decrypt, so that a key can be changed without signing anybody out.

use core::fmt;

use crate::{secret::Secret, timestamp::Timestamp};

/// The keys of `FERNET_KEYS`, prepared once.
///
/// Only the library's `…_at_time` functions are called: the others read the system's clock, which
/// panics on wasm32.
pub struct FernetKeys {
    first: fernet::Fernet,
    others: Vec<fernet::Fernet>,
}

impl FernetKeys {
    /// Prepares keys, each 32 bytes in base64url.
    ///
    /// `None` if there is none, or one cannot be read.
    pub fn new(keys: &[Secret]) -> Option<Self> {
        let mut keys = keys.iter().map(|key| fernet::Fernet::new(key.expose()));
        let first = keys.next()??;
        Some(Self {
            first,
            others: keys.collect::<Option<_>>()?,
        })
    }

    /// Encrypts `secret` under the first key.
    pub fn seal(&self, secret: &Secret, now: Timestamp) -> String {
        self.first
            .encrypt_at_time(secret.expose().as_bytes(), now.seconds())
    }

    /// Decrypts under whichever key fits; `None` if none does or the text was changed.
    pub fn open(&self, sealed: &str, now: Timestamp) -> Option<Secret> {
        let open = |key: &fernet::Fernet| key.decrypt_at_time(sealed, None, now.seconds()).ok();
        let bytes = core::iter::once(&self.first)
            .chain(&self.others)
            .find_map(open)?;
        String::from_utf8(bytes).ok().map(Secret::new)
    }
}

impl fmt::Debug for FernetKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FernetKeys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
    const NEW: &str = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn keys(keys: &[&str]) -> Option<FernetKeys> {
        FernetKeys::new(&keys.iter().map(|key| Secret::new(*key)).collect::<Vec<_>>())
    }

    #[test]
    fn decrypts_the_specifications_own_token() {
        // https://github.com/fernet/spec/blob/master/verify.json
        let token = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
        assert_eq!(
            keys(&[OLD]).unwrap().open(token, NOW).unwrap().expose(),
            "hello"
        );
    }

    #[test]
    fn an_old_key_still_opens_and_the_first_key_seals() {
        let sealed = keys(&[OLD]).unwrap().seal(&Secret::new("token"), NOW);
        assert!(!sealed.contains("token"));
        assert_eq!(
            keys(&[NEW, OLD])
                .unwrap()
                .open(&sealed, NOW)
                .unwrap()
                .expose(),
            "token"
        );
        assert!(keys(&[NEW]).unwrap().open(&sealed, NOW).is_none());
        let sealed = keys(&[NEW, OLD]).unwrap().seal(&Secret::new("token"), NOW);
        assert!(keys(&[OLD]).unwrap().open(&sealed, NOW).is_none());
    }

    #[test]
    fn refuses_a_key_that_is_no_key_and_no_keys_at_all() {
        assert!(keys(&[OLD, "short"]).is_none());
        assert!(keys(&[]).is_none());
    }
}
