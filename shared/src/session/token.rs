//! Session ids, and the tokens that carry them outside.
//!
//! A token is `{session_id}.{mac}`. The MAC lets a forged token be refused without asking Redis,
//! and makes a dump of Redis useless for making cookies.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    hex,
    host::{NoRandomness, Random},
    secret::Secret,
};

/// Length of a UUID in text.
const ID_LENGTH: usize = 36;
/// The MAC's first 16 bytes: 128 bits, far beyond online guessing.
const MAC_BYTES: usize = 16;
/// Base64url of [`MAC_BYTES`] without padding.
const MAC_LENGTH: usize = 22;

/// A random UUID (version 4) in lower case.
///
/// It names a session inside the server. It opens nothing without its MAC; `Debug` does not show
/// it all the same, because it is half of a token.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId(String);

/// A token as it leaves the server. Whoever has it has the session, so it cannot be printed.
#[derive(Clone)]
pub struct SessionToken(Secret);

/// The keys under which tokens are made and checked, prepared once.
///
/// The first signs, all verify, so that a key can be changed without signing anybody out.
#[derive(Clone)]
pub struct TokenKeys {
    first: Hmac<Sha256>,
    others: Vec<Hmac<Sha256>>,
}

/// The token is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forged;

// === impl SessionId ===

impl SessionId {
    /// Makes a new one.
    ///
    /// # Errors
    /// [`NoRandomness`] if the platform has none; no session may be made then.
    pub fn random(source: &impl Random) -> Result<Self, NoRandomness> {
        let mut bytes = [0; 16];
        source.fill(&mut bytes)?;
        Ok(Self(
            uuid::Builder::from_random_bytes(bytes)
                .into_uuid()
                .to_string(),
        ))
    }

    /// Reads one in its only spelling: a version 4 UUID in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        is_uuid_v4(text).then(|| Self(text.to_owned()))
    }

    /// The UUID.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its SHA-256 in hexadecimal: what others may know it by, because it opens nothing.
    pub fn hash(&self) -> String {
        hex::encode(&Sha256::digest(&self.0))
    }

    /// The first 8 digits of [`SessionId::hash`]: what logs show.
    pub fn log_name(&self) -> String {
        let hash = Sha256::digest(&self.0);
        hex::encode(hash.first_chunk::<4>().map_or(&[], |start| start))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({})", self.log_name())
    }
}

fn is_uuid_v4(text: &str) -> bool {
    text.len() == ID_LENGTH
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

// === impl SessionToken ===

impl SessionToken {
    /// The token, for the cookie and the answer that hand it out.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[session token]")
    }
}

/// Whether a session token stands anywhere in `text`.
pub fn holds_token(text: &str) -> bool {
    text.match_indices('.').any(|(dot, _)| {
        let start = dot.checked_sub(ID_LENGTH);
        let around = start.and_then(|start| text.get(start..dot + 1 + MAC_LENGTH));
        around.is_some_and(has_token_shape)
    })
}

/// Whether `text` looks like a session token: UUID v4 in lower case, `.`, 22 base64url characters.
///
/// A bearer value of any other shape is the origin's own business.
pub fn has_token_shape(text: &str) -> bool {
    text.split_once('.').is_some_and(|(id, mac)| {
        is_uuid_v4(id)
            && mac.len() == MAC_LENGTH
            && mac
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}

// === impl TokenKeys ===

impl TokenKeys {
    /// Prepares the key that signs, and further ones that verify.
    pub fn new<'a>(first: &Secret, others: impl IntoIterator<Item = &'a Secret>) -> Self {
        Self {
            first: keyed(first),
            others: others.into_iter().map(keyed).collect(),
        }
    }

    /// Makes the token of `id`.
    pub fn sign(&self, id: &SessionId) -> SessionToken {
        SessionToken(Secret::new(format!(
            "{}.{}",
            id.as_str(),
            mac(&self.first, id.as_str())
        )))
    }

    /// Reads a token.
    ///
    /// # Errors
    /// [`Forged`] if it has another shape or its MAC is not ours. The MAC is compared in constant
    /// time, as text, so that each MAC has exactly one spelling.
    pub fn open(&self, token: &str) -> Result<SessionId, Forged> {
        let (id, given) = token.split_once('.').ok_or(Forged)?;
        let id = SessionId::parse(id).ok_or(Forged)?;
        let verifies = |key: &Hmac<Sha256>| {
            bool::from(mac(key, id.as_str()).as_bytes().ct_eq(given.as_bytes()))
        };
        if verifies(&self.first) || self.others.iter().any(verifies) {
            Ok(id)
        } else {
            Err(Forged)
        }
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKeys({})", self.others.len() + 1)
    }
}

/// HMAC-SHA-256 (RFC 2104) under `secret`, ready to be cloned for each use.
pub(crate) fn keyed(secret: &Secret) -> Hmac<Sha256> {
    // HMAC takes keys of every length, so this arm is never taken; an empty key would verify
    // nothing that was signed.
    Hmac::new_from_slice(secret.expose().as_bytes())
        .unwrap_or_else(|_| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default()))
}

fn mac(key: &Hmac<Sha256>, id: &str) -> String {
    let full = key.clone().chain_update(id).finalize().into_bytes();
    Base64UrlUnpadded::encode_string(full.get(..MAC_BYTES).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    use crate::host::fake::FakeHost;

    fn keys(secrets: &[&str]) -> TokenKeys {
        let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        let (first, others) = secrets.split_first().unwrap();
        TokenKeys::new(first, others)
    }

    fn id() -> SessionId {
        SessionId::random(&FakeHost::answering("")).unwrap()
    }

    #[test]
    fn the_token_is_the_id_and_its_mac() {
        // printf %s 00010203-0405-4607-8809-0a0b0c0d0e0f | openssl dgst -sha256 -hmac secret
        // -binary | head -c 16 | basenc --base64url
        let token = keys(&["secret"]).sign(&id());
        let (id, mac) = token.expose().split_once('.').unwrap();
        assert_eq!(id, "00010203-0405-4607-8809-0a0b0c0d0e0f");
        assert_eq!(mac, EXPECTED_MAC);
        assert!(has_token_shape(token.expose()));
    }

    const EXPECTED_MAC: &str = "Er7DWcLYIrUijEOpacz6gg";

    #[test]
    fn a_token_opens_under_every_key_and_is_signed_under_the_first() {
        let token = keys(&["old"]).sign(&id());
        assert_eq!(keys(&["new", "old"]).open(token.expose()), Ok(id()));
        assert_eq!(keys(&["new"]).open(token.expose()), Err(Forged));
        let token = keys(&["new", "old"]).sign(&id());
        assert_eq!(keys(&["old"]).open(token.expose()), Err(Forged));
    }

    #[test]
    fn refuses_every_other_spelling_of_a_valid_token() {
        let keys = keys(&["secret"]);
        let token = keys.sign(&id()).expose().to_owned();
        let last = token.len() - 1;
        // The last character holds 4 spare bits; a lax decoder would ignore them.
        let (body, end) = token.split_at(last);
        let spare = char::from(end.as_bytes()[0] + 1);
        for other in [
            token.to_uppercase(),
            format!("{token}="),
            format!("{token} "),
            format!("{body}{spare}"),
            body.to_owned(),
            token.replace('-', ""),
            token.replace('.', ".."),
            format!("{}.", id().as_str()),
            id().as_str().to_owned(),
            String::new(),
        ] {
            assert_eq!(keys.open(&other), Err(Forged), "{other}");
        }
    }

    #[test]
    fn only_a_lower_case_version_4_uuid_is_an_id() {
        assert!(SessionId::parse("f47ac10b-58cc-4372-a567-0e02b2c3d479").is_some());
        for text in [
            "F47AC10B-58CC-4372-A567-0E02B2C3D479",
            "f47ac10b-58cc-1372-a567-0e02b2c3d479",
            "f47ac10b-58cc-4372-c567-0e02b2c3d479",
            "f47ac10b58cc4372a5670e02b2c3d479",
            "{f47ac10b-58cc-4372-a567-0e02b2c3d479}",
            "f47ac10b-58cc-4372-a567-0e02b2c3d47\u{660}",
        ] {
            assert!(SessionId::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn nothing_prints_a_token_or_an_id() {
        let token = keys(&["secret"]).sign(&id());
        let shown = format!("{token:?} {:?}", id());
        assert!(!shown.contains("00010203"), "{shown}");
        assert_eq!(id().log_name().len(), 8);
    }

    proptest! {
        #[test]
        fn no_text_that_was_not_signed_opens(token in ".{0,80}") {
            prop_assert_eq!(keys(&["secret"]).open(&token), Err(Forged));
        }

        #[test]
        fn one_changed_bit_is_refused(index in 0usize..59, bit in 0u8..7) {
            let keys = keys(&["secret"]);
            let mut bytes = keys.sign(&id()).expose().as_bytes().to_vec();
            bytes[index] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(keys.open(&changed), Err(Forged));
        }
    }
}
