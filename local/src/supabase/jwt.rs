//! HS256 tokens, refused in the words of the real server.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use hmac::{Hmac, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::error::AuthError;

/// Base64 as Go reads it: bits beyond the last byte do not matter.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// Signs claims.
pub(super) fn sign(claims: &Value, secret: &str) -> String {
    let header = json!({"alg": "HS256", "typ": "JWT"}).to_string();
    let signed = format!(
        "{}.{}",
        BASE64.encode(header),
        BASE64.encode(claims.to_string())
    );
    let mac = mac(secret, &signed)
        .map(|mac| BASE64.encode(mac.finalize().into_bytes()))
        .unwrap_or_default();
    format!("{signed}.{mac}")
}

/// The claims of a token whose signature and expiry hold. Other claims are not looked at.
pub(super) fn verify(token: &str, secret: &str, now: i64) -> Result<Map<String, Value>, AuthError> {
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        return Err(malformed("token contains an invalid number of segments"));
    };
    let header = part("header", header)?;
    let claims = part("claim", payload)?;
    let algorithm = header
        .get("alg")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if algorithm != "HS256" {
        return Err(bad_signature(&format!(
            "signing method {algorithm} is invalid"
        )));
    }
    let signature = BASE64
        .decode(signature)
        .map_err(|_| malformed("could not base64 decode signature: illegal base64 data"))?;
    let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
    let valid = mac(secret, signed).is_some_and(|mac| mac.verify_slice(&signature).is_ok());
    if !valid {
        return Err(bad_signature("signature is invalid"));
    }
    match claims.get("exp").and_then(Value::as_i64) {
        Some(expiry) if expiry <= now => Err(invalid("token has invalid claims: token is expired")),
        _ => Ok(claims),
    }
}

fn mac(secret: &str, signed: &str) -> Option<Hmac<Sha256>> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    Some(mac.chain_update(signed))
}

fn part(name: &str, encoded: &str) -> Result<Map<String, Value>, AuthError> {
    let bytes = BASE64.decode(encoded).map_err(|_| {
        malformed(&format!(
            "could not base64 decode {name}: illegal base64 data"
        ))
    })?;
    serde_json::from_slice(&bytes).map_err(|_| {
        let detail = match bytes.first() {
            None => "unexpected end of JSON input".to_owned(),
            Some(byte) => format!(
                "invalid character '{}' looking for beginning of value",
                quote(*byte)
            ),
        };
        malformed(&format!("could not JSON decode {name}: {detail}"))
    })
}

/// A byte as Go quotes it in an error.
fn quote(byte: u8) -> String {
    match byte {
        0x20..=0x7e => char::from(byte).to_string(),
        0..=0x7f => format!("\\x{byte:02x}"),
        0x80..=0xa0 | 0xad => format!("\\u{byte:04x}"),
        _ => char::from(byte).to_string(),
    }
}

fn invalid(detail: &str) -> AuthError {
    AuthError::bad_jwt(format!(
        "invalid JWT: unable to parse or verify signature, {detail}"
    ))
}

fn malformed(detail: &str) -> AuthError {
    invalid(&format!("token is malformed: {detail}"))
}

fn bad_signature(detail: &str) -> AuthError {
    invalid(&format!("token signature is invalid: {detail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verifies_what_it_signed() {
        let token = sign(&json!({"sub": "someone", "exp": 100}), "secret");
        assert_eq!(verify(&token, "secret", 99).unwrap()["sub"], "someone");
    }

    #[track_caller]
    fn refuses(token: &str, detail: &str) {
        let message = verify(token, "secret", 100).unwrap_err().message;
        assert!(message.ends_with(detail), "{message}");
    }

    #[test]
    fn refuses_in_the_words_of_the_real_server() {
        refuses(&sign(&json!({"exp": 100}), "secret"), "token is expired");
        refuses(
            &sign(&json!({"exp": 200}), "other"),
            "signature is invalid: signature is invalid",
        );
        refuses(
            "not.a.jwt",
            r"invalid character '\u009e' looking for beginning of value",
        );
        refuses(
            "sb_secret_x",
            "token contains an invalid number of segments",
        );
        refuses("eyJhbGciOiJub25lIn0.e30.", "signing method none is invalid");
    }
}
