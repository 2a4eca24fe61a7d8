//! Whether the private and the public part of each key of `ASSERTION_KEYS` belong together.
//!
//! The gateway cannot tell: it signs with the one and publishes the other, and every origin would
//! refuse every assertion.

use authflow_verify::jwks::AssertionKeys;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use p256::{FieldBytes, SecretKey, elliptic_curve::sec1::ToEncodedPoint};
use serde_json::Value;

/// Every fault of keys that are well written; nothing for others, which the gateway's own parser
/// refuses.
pub(crate) fn faults(text: &str) -> Vec<String> {
    if AssertionKeys::parse(text).is_err() {
        return Vec::new();
    }
    let keys = match serde_json::from_str(text) {
        Ok(Value::Array(keys)) => keys,
        Ok(Value::Object(mut set)) => match set.get_mut("keys").map(Value::take) {
            Some(Value::Array(keys)) => keys,
            _ => vec![Value::Object(set)],
        },
        _ => Vec::new(),
    };
    let numbered = keys.iter().zip(1..);
    numbered
        .filter_map(|(key, number)| Some(format!("key number {number}: {}", fault(key)?)))
        .collect()
}

fn fault(key: &Value) -> Option<&'static str> {
    let number = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok()?;
        <[u8; 32]>::try_from(bytes).ok()
    };
    let Some(private) = number("d").and_then(|d| SecretKey::from_bytes(&FieldBytes::from(d)).ok())
    else {
        return Some("`d` is no private key of P-256; make a new key");
    };
    let point = private.public_key().to_encoded_point(false);
    let is_theirs = |written: Option<[u8; 32]>, own: Option<&FieldBytes>| {
        written
            .zip(own)
            .is_some_and(|(a, b)| a.as_slice() == b.as_slice())
    };
    if is_theirs(number("x"), point.x()) && is_theirs(number("y"), point.y()) {
        return None;
    }
    Some(
        "`x` and `y` are not the public part of `d`, so that no origin could verify what it signs; \
         take all three from one key",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 7515, appendix A.3.
    const KEY: &str = r#"{"kty":"EC","crv":"P-256","kid":"a",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

    #[track_caller]
    fn finds(text: &str, expected: &[&str]) {
        let faults = faults(text);
        assert_eq!(faults.len(), expected.len(), "{faults:?}");
        for (fault, expected) in faults.iter().zip(expected) {
            assert!(fault.contains(expected), "{fault}");
            assert!(!fault.contains("jpsQ"), "{fault}");
        }
    }

    #[test]
    fn a_pair_is_a_pair_however_it_is_written() {
        finds(KEY, &[]);
        finds(&format!("[{KEY}]"), &[]);
        finds(&format!(r#"{{"keys":[{KEY}]}}"#), &[]);
    }

    #[test]
    fn rejects_parts_that_do_not_belong_together() {
        let other = KEY.replace("jpsQ", "kpsQ").replace("\"a\"", "\"b\"");
        finds(&other, &["number 1: `x` and `y`"]);
        finds(&format!("[{KEY},{other}]"), &["number 2: `x` and `y`"]);
        let turned = KEY.replace("\"x\"", "\"z\"").replace("\"y\"", "\"x\"");
        finds(
            &turned.replace("\"z\"", "\"y\""),
            &["number 1: `x` and `y`"],
        );
    }

    #[test]
    fn rejects_numbers_that_are_no_private_key() {
        let zero = "A".repeat(43);
        let text = KEY.replace("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI", &zero);
        finds(&text, &["`d` is no private key"]);
    }

    #[test]
    fn leaves_to_the_gateway_what_the_gateway_refuses() {
        for text in ["", "[]", "{}", &KEY.replace("P-256", "P-384")] {
            finds(text, &[]);
        }
    }
}
