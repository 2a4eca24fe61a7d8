//! The keys of the assertion: one signs, all are published.
//!
//! To change the key without any origin noticing: append the new key and deploy; when an hour has
//! passed (twice the time that an origin may remember the set), move it to the front and deploy;
//! a minute later, when the last assertion of the old key has run out, remove the old one.

use std::rc::Rc;

use authflow_shared::{
    json::{self, Object, Value},
    secret::Secret,
};
use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

/// Bytes of a coordinate of P-256 and of its private keys.
const BYTES: usize = 32;

/// `ASSERTION_KEYS`: JSON Web Keys (RFC 7517) on P-256, private parts included.
#[derive(Clone, Debug)]
pub struct AssertionKeys {
    /// The private key that signs.
    pub signing: Rc<Secret>,
    /// Its name.
    pub kid: String,
    /// The public set, as origins fetch it.
    pub published: String,
}

struct Key {
    kid: String,
    x: String,
    y: String,
    d: Secret,
}

impl AssertionKeys {
    /// Reads one key, a list of keys, or a set (`{"keys": […]}`).
    ///
    /// # Errors
    /// Every fault. None shows anything of a key.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let written = match json::parse(text) {
            Ok(Value::Array(keys)) => keys,
            Ok(Value::Object(mut set)) => match set.get_mut("keys").map(Value::take) {
                Some(Value::Array(keys)) => keys,
                Some(_) => Vec::new(),
                None => vec![Value::Object(set)],
            },
            _ => Vec::new(),
        };
        if written.is_empty() {
            return Err(vec![
                "is no JSON Web Key, nor a list of them; make one with `scripts/assertion-key`"
                    .to_owned(),
            ]);
        }
        let (mut keys, mut faults) = (Vec::<Key>::new(), Vec::new());
        for (index, value) in written.into_iter().enumerate() {
            match Key::read(value) {
                Ok(key) if keys.iter().any(|known| known.kid == key.kid) => {
                    faults.push(format!("has two keys with the `kid` {}", key.kid));
                }
                Ok(key) => keys.push(key),
                Err(problem) => {
                    faults.push(format!("key number {}: {problem}", index.saturating_add(1)));
                }
            }
        }
        let published: Vec<_> = keys.iter().map(Key::public).collect();
        match keys.into_iter().next() {
            Some(key) if faults.is_empty() => Ok(Self {
                signing: Rc::new(key.private()),
                kid: key.kid,
                published: format!(r#"{{"keys":[{}]}}"#, published.join(",")),
            }),
            _ => Err(faults),
        }
    }
}

impl Key {
    fn read(value: Value) -> Result<Self, &'static str> {
        let mut jwk = Object::from_value(value).ok_or("is no JSON object")?;
        if jwk.text("kty").as_deref() != Some("EC") || jwk.text("crv").as_deref() != Some("P-256") {
            return Err("must have `kty` \"EC\" and `crv` \"P-256\"");
        }
        let mut number = |name| {
            jwk.text(name).filter(|text| {
                let mut bytes = [0; BYTES];
                Base64UrlUnpadded::decode(text, &mut bytes).is_ok_and(|read| read.len() == BYTES)
            })
        };
        let (Some(x), Some(y)) = (number("x"), number("y")) else {
            return Err("`x` and `y` must be 32 bytes in base64url");
        };
        let Some(d) = number("d") else {
            return Err("`d`, the private part, must be 32 bytes in base64url");
        };
        let kid = jwk.text("kid").unwrap_or_else(|| thumbprint(&x, &y));
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte);
        if kid.is_empty() || !kid.bytes().all(is_plain) {
            return Err("`kid` must be a word; leave it out to have one made");
        }
        Ok(Self {
            kid,
            x,
            y,
            d: Secret::new(d),
        })
    }

    /// All its parts are plain words, so that nothing needs escaping.
    fn public(&self) -> String {
        let Self { kid, x, y, .. } = self;
        format!(
            r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","kid":"{kid}","alg":"ES256","use":"sig"}}"#
        )
    }

    fn private(&self) -> Secret {
        let (x, y, d) = (&self.x, &self.y, self.d.expose());
        Secret::new(format!(
            r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}","d":"{d}"}}"#
        ))
    }
}

/// The name a key has by itself (RFC 7638).
fn thumbprint(x: &str, y: &str) -> String {
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    Base64UrlUnpadded::encode_string(&Sha256::digest(members))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The key of RFC 7515, appendix A.3, which signs nothing of anybody's.
    pub(crate) const KEY: &str = r#"{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

    #[track_caller]
    fn rejects(text: &str, expected: &str) {
        let faults = AssertionKeys::parse(text).unwrap_err();
        assert!(faults[0].contains(expected), "{faults:?}");
        assert!(!faults[0].contains("jpsQ"), "{faults:?}");
    }

    #[test]
    fn the_first_key_signs_and_all_are_published() {
        let second = KEY.replace("\"kty\"", "\"kid\":\"b\",\"kty\"");
        for text in [
            format!("[{KEY},{second}]"),
            format!("{{\"keys\":[{KEY},{second}]}}"),
        ] {
            let keys = AssertionKeys::parse(&text).unwrap();
            assert_eq!(keys.kid, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
            let set: serde_json::Value = serde_json::from_str(&keys.published).unwrap();
            assert_eq!(set["keys"][0]["kid"], keys.kid.as_str());
            assert_eq!(set["keys"][1]["kid"], "b");
            assert_eq!(set["keys"][0]["alg"], "ES256");
        }
        assert_eq!(AssertionKeys::parse(KEY).unwrap().kid.len(), 43);
    }

    #[test]
    fn no_private_part_is_published() {
        let keys = AssertionKeys::parse(KEY).unwrap();
        assert!(!keys.published.contains("\"d\""), "{}", keys.published);
        assert!(!keys.published.contains("jpsQ"));
        assert!(keys.signing.expose().contains("jpsQ"));
        assert!(!format!("{keys:?}").contains("jpsQ"));
    }

    #[test]
    fn rejects_what_is_no_private_key_on_the_curve() {
        rejects("", "no JSON Web Key");
        rejects("[]", "no JSON Web Key");
        rejects(r#"{"keys":1}"#, "no JSON Web Key");
        rejects("[1]", "no JSON object");
        rejects(&KEY.replace("P-256", "P-384"), "`crv`");
        rejects(&KEY.replace("\"EC\"", "\"RSA\""), "`kty`");
        rejects(&KEY.replace("\"d\"", "\"e\""), "`d`");
        rejects(&KEY.replace("f83O", "f8"), "`x`");
        rejects(&KEY.replace("\"kty\"", "\"kid\":\"\",\"kty\""), "`kid`");
        rejects(&format!("[{KEY},{KEY}]"), "two keys");
    }
}
