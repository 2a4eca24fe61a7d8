//! Hashes under one entry of `FINGERPRINT_SECRET`.

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{Device, Factor, FactorHashes};
use crate::{hex, secret::Secret, session::token::keyed};

/// Names the encoding, so that another one can never give the same hash.
const VERSION: &[u8] = b"authflow-fingerprint-1";
/// Bytes kept of the hash of a single factor.
const FACTOR_BYTES: usize = 12;

/// The key; it cannot be printed.
#[derive(Clone)]
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    pub(super) fn new(secret: &Secret) -> Self {
        Self(keyed(secret))
    }

    /// The fingerprint of `device` by `factors`, in base64url without padding.
    pub(super) fn fingerprint(&self, factors: &[Factor], device: &Device<'_>) -> String {
        let mut hash = self.0.clone().chain_update(VERSION);
        for factor in factors {
            feed(&mut hash, *factor, device);
        }
        Base64UrlUnpadded::encode_string(&hash.finalize().into_bytes())
    }

    /// Whether `device` has the fingerprint `expected`; in constant time.
    pub(super) fn matches(&self, factors: &[Factor], device: &Device<'_>, expected: &str) -> bool {
        let given = self.fingerprint(factors, device);
        given.as_bytes().ct_eq(expected.as_bytes()).into()
    }

    /// The hash of each of `factors` by itself.
    pub(super) fn hashes(&self, factors: &[Factor], device: &Device<'_>) -> FactorHashes {
        let hash = |factor| factors.contains(&factor).then(|| self.hash(factor, device));
        FactorHashes {
            ip: hash(Factor::Ip),
            user_agent: hash(Factor::UserAgent),
            language: hash(Factor::Language),
            client_hints: hash(Factor::ClientHints),
        }
    }

    /// The hash of one factor.
    pub(super) fn hash(&self, factor: Factor, device: &Device<'_>) -> String {
        let mut hash = self
            .0
            .clone()
            .chain_update(VERSION)
            .chain_update(b"-factor");
        feed(&mut hash, factor, device);
        let full = hash.finalize().into_bytes();
        let kept = full.get(..FACTOR_BYTES).unwrap_or_default();
        Base64UrlUnpadded::encode_string(kept)
    }

    /// The first 16 digits of the hash of an e-mail address.
    pub(super) fn account_name(&self, email: &str) -> String {
        let hash = self.0.clone().chain_update("account\0").chain_update(email);
        let mut name = hex::encode(&hash.finalize().into_bytes());
        name.truncate(16);
        name
    }
}

fn feed(hash: &mut Hmac<Sha256>, factor: Factor, device: &Device<'_>) {
    hash.update(factor.as_str().as_bytes());
    match factor {
        Factor::Ip => feed_value(hash, Some(&device.ip.network().to_string())),
        Factor::UserAgent => feed_value(hash, device.user_agent),
        Factor::Language => feed_value(hash, device.language),
        Factor::ClientHints => {
            feed_value(hash, device.platform);
            feed_value(hash, device.mobile);
        }
    }
}

/// Presence, length, bytes: no two lists of values have one encoding.
fn feed_value(hash: &mut Hmac<Sha256>, value: Option<&str>) {
    let Some(value) = value else {
        return hash.update(&[0]);
    };
    hash.update(&[1]);
    hash.update(&(value.len() as u64).to_be_bytes());
    hash.update(value.as_bytes());
}
