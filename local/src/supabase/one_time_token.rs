//! One-time tokens, which mails and links carry.

use std::fmt::Write as _;

use sha2::{Digest, Sha224};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{error::AuthError, purpose::Purpose, random, state::State};

/// How long a token is good for.
const TOKEN_LIFE: Duration = Duration::hours(24);

/// A token. It is stored as its hash, which is also what a link carries.
#[derive(Clone)]
pub(super) struct OneTimeToken {
    pub(super) user_id: Uuid,
    pub(super) purpose: Purpose,
    pub(super) hash: String,
    sent_at: OffsetDateTime,
}

/// A new token, as the mail shows it.
pub(super) struct Made {
    /// The six digits.
    pub(super) code: String,
    pub(super) hash: String,
}

impl OneTimeToken {
    pub(super) fn is_expired(&self, now: OffsetDateTime) -> bool {
        self.sent_at + TOKEN_LIFE < now
    }

    /// Whether the six digits sent to an address are this token's.
    pub(super) fn is_code(&self, address: &str, code: &str) -> bool {
        let hash = self.hash.strip_prefix("pkce_").unwrap_or(&self.hash);
        hash == token_hash(address, code)
    }
}

impl State {
    /// Makes a token for a user; an older one in its place dies.
    pub(super) fn make_token(
        &mut self,
        user_id: Uuid,
        purpose: Purpose,
        pkce: bool,
    ) -> Result<Made, AuthError> {
        let now = self.now();
        let user = self.users.get_mut(&user_id).ok_or_else(AuthError::lost)?;
        *purpose.sent_at(user) = Some(now);
        let code = random::otp();
        let prefix = if pkce { "pkce_" } else { "" };
        let hash = format!("{prefix}{}", token_hash(purpose.address(user), &code));
        self.one_time_tokens
            .retain(|other| other.user_id != user_id || !other.purpose.shares_place(purpose));
        self.one_time_tokens.push(OneTimeToken {
            user_id,
            purpose,
            hash: hash.clone(),
            sent_at: now,
        });
        Ok(Made { code, hash })
    }

    /// Kills every one-time token of a user.
    pub(super) fn clear_one_time_tokens(&mut self, user_id: Uuid) {
        self.one_time_tokens
            .retain(|token| token.user_id != user_id);
    }
}

/// The hash that stands for a code: SHA-224 in lower-case hex.
pub(super) fn token_hash(address: &str, code: &str) -> String {
    let digest = Sha224::new()
        .chain_update(address)
        .chain_update(code)
        .finalize();
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _infallible = write!(hex, "{byte:02x}");
        hex
    })
}
