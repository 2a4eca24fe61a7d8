//! Random values in the shapes Supabase uses.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The alphabet of refresh tokens. It is in order, so that a number indexes it.
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// 32 random bytes; a UUID alone has bits that never change.
pub(super) fn bytes() -> [u8; 32] {
    Sha256::new()
        .chain_update(Uuid::new_v4())
        .chain_update(Uuid::new_v4())
        .finalize()
        .into()
}

/// A refresh token: twelve characters of `[a-z0-9]`.
pub(super) fn refresh_token() -> String {
    bytes()
        .iter()
        .take(12)
        .filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()))
        .map(|byte| char::from(*byte))
        .collect()
}

/// The code of a mail: six digits.
pub(super) fn otp() -> String {
    bytes()
        .iter()
        .take(6)
        .map(|byte| char::from(b'0' + byte % 10))
        .collect()
}
