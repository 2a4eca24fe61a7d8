//! Passwords: their rules and their hashes.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{config::Config, error::AuthError, random};

/// A salted hash. A stand-in guards no real password, so it need not be slow.
#[derive(Clone)]
pub(super) struct PasswordHash {
    salt: [u8; 32],
    mac: Vec<u8>,
}

impl PasswordHash {
    pub(super) fn new(password: &str) -> Self {
        let salt = random::bytes();
        let mac = keyed(&salt, password).map(|mac| mac.finalize().into_bytes().to_vec());
        Self {
            salt,
            mac: mac.unwrap_or_default(),
        }
    }

    pub(super) fn matches(&self, password: &str) -> bool {
        keyed(&self.salt, password).is_some_and(|mac| mac.verify_slice(&self.mac).is_ok())
    }
}

fn keyed(salt: &[u8], password: &str) -> Option<Hmac<Sha256>> {
    let mac = Hmac::<Sha256>::new_from_slice(salt).ok()?;
    Some(mac.chain_update(password))
}

/// Why a password is too weak, in the real server's words.
pub(super) struct Weakness {
    pub(super) message: String,
    pub(super) reasons: Vec<&'static str>,
}

/// Measures a password against the rules.
pub(super) fn weakness(config: &Config, password: &str) -> Option<Weakness> {
    let mut messages = Vec::new();
    let mut reasons = Vec::new();
    if password.len() < config.min_password_length {
        let length = config.min_password_length;
        messages.push(format!("Password should be at least {length} characters."));
        reasons.push("length");
    }
    let sets = &config.password_characters;
    if !sets
        .iter()
        .all(|set| password.chars().any(|character| set.contains(character)))
    {
        messages.push(format!(
            "Password should contain at least one character of each: {}.",
            sets.join(", ")
        ));
        reasons.push("characters");
    }
    (!reasons.is_empty()).then(|| Weakness {
        message: messages.join(" "),
        reasons,
    })
}

/// Refuses a new password that is too long or too weak.
pub(super) fn check(config: &Config, password: &str) -> Result<(), AuthError> {
    if password.len() > 72 {
        return Err(AuthError::validation(
            "Password cannot be longer than 72 characters",
        ));
    }
    match weakness(config, password) {
        Some(weak) => Err(AuthError::weak_password(weak.message, weak.reasons)),
        None => Ok(()),
    }
}
