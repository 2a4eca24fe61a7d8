//! The device a session belongs to.
//!
//! A stolen cookie is of little use elsewhere: each request is compared with the device that
//! signed in. The fingerprint is a keyed hash, so that what Redis holds tells nothing about the
//! person's address or browser.

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{
    client_ip::ClientIp,
    json::{Object, Writer, scan::Scan},
    secret::Secret,
    session::token::keyed,
};

/// Names the encoding, so that another one can never give the same hash.
const VERSION: &[u8] = b"authflow-fingerprint-1";
/// Bytes kept of the hash of a single factor.
const FACTOR_BYTES: usize = 12;

/// A property of the device that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// The client's network.
    Ip,
    /// `User-Agent`.
    UserAgent,
    /// `Accept-Language`.
    Language,
    /// `Sec-CH-UA-Platform` and `Sec-CH-UA-Mobile`.
    ClientHints,
}

impl Factor {
    /// All, in the order in which they are hashed.
    pub const ALL: [Self; 4] = [Self::Ip, Self::UserAgent, Self::Language, Self::ClientHints];

    /// The name in `FINGERPRINT_FACTORS`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::UserAgent => "user_agent",
            Self::Language => "language",
            Self::ClientHints => "client_hints",
        }
    }
}

/// What a request shows of its device. A header that is missing differs from an empty one.
#[derive(Clone, Copy, Debug)]
pub struct Device<'a> {
    /// The client's address.
    pub ip: ClientIp,
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// `Accept-Language`.
    pub language: Option<&'a str>,
    /// `Sec-CH-UA-Platform`.
    pub platform: Option<&'a str>,
    /// `Sec-CH-UA-Mobile`.
    pub mobile: Option<&'a str>,
}

impl<'a> Device<'a> {
    /// The device at `ip` whose request has the headers that `header` finds by lower-case name.
    ///
    /// Both workers see a device through this: if they differed, nobody could stay signed in.
    pub fn of(ip: ClientIp, header: impl Fn(&'static str) -> Option<&'a str>) -> Self {
        Self {
            ip,
            user_agent: header("user-agent"),
            language: header("accept-language"),
            platform: header("sec-ch-ua-platform"),
            mobile: header("sec-ch-ua-mobile"),
        }
    }
}

/// Makes and compares fingerprints; prepared once.
#[derive(Clone)]
pub struct Fingerprinter {
    key: Hmac<Sha256>,
    factors: Vec<Factor>,
}

/// The hash of each factor by itself; those not chosen are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactorHashes {
    /// Of [`Factor::Ip`].
    pub ip: Option<String>,
    /// Of [`Factor::UserAgent`].
    pub user_agent: Option<String>,
    /// Of [`Factor::Language`].
    pub language: Option<String>,
    /// Of [`Factor::ClientHints`].
    pub client_hints: Option<String>,
}

impl FactorHashes {
    /// As they are stored.
    pub(crate) fn to_json(&self) -> String {
        Writer::object()
            .maybe_text(Factor::Ip.as_str(), self.ip.as_deref())
            .maybe_text(Factor::UserAgent.as_str(), self.user_agent.as_deref())
            .maybe_text(Factor::Language.as_str(), self.language.as_deref())
            .maybe_text(Factor::ClientHints.as_str(), self.client_hints.as_deref())
            .end()
    }

    /// Reads them where they are spelled as we write them.
    pub(crate) fn scan(stored: &mut Scan<'_>) -> Self {
        let mut next = |factor: Factor| stored.maybe_text(factor.as_str()).map(str::to_owned);
        Self {
            ip: next(Factor::Ip),
            user_agent: next(Factor::UserAgent),
            language: next(Factor::Language),
            client_hints: next(Factor::ClientHints),
        }
    }

    /// Reads them as they were stored.
    pub(crate) fn read(mut stored: Object) -> Self {
        Self {
            ip: stored.text(Factor::Ip.as_str()),
            user_agent: stored.text(Factor::UserAgent.as_str()),
            language: stored.text(Factor::Language.as_str()),
            client_hints: stored.text(Factor::ClientHints.as_str()),
        }
    }
}

impl Fingerprinter {
    /// Prepares `secret`. `factors` are hashed in the order of [`Factor::ALL`].
    pub fn new(secret: &Secret, factors: &[Factor]) -> Self {
        let factors = Factor::ALL
            .into_iter()
            .filter(|factor| factors.contains(factor))
            .collect();
        Self {
            key: keyed(secret),
            factors,
        }
    }

    /// The fingerprint of `device`: HMAC-SHA-256 in base64url without padding.
    pub fn of(&self, device: &Device<'_>) -> String {
        let mut hash = self.key.clone().chain_update(VERSION);
        for factor in &self.factors {
            feed(&mut hash, *factor, device);
        }
        Base64UrlUnpadded::encode_string(&hash.finalize().into_bytes())
    }

    /// Whether `device` has the fingerprint `expected`; in constant time.
    pub fn matches(&self, device: &Device<'_>, expected: &str) -> bool {
        self.of(device).as_bytes().ct_eq(expected.as_bytes()).into()
    }

    /// Whether `device` has every factor of `expected` but the client hints, and there is one; in
    /// constant time.
    pub fn matches_without_hints(&self, device: &Device<'_>, expected: &FactorHashes) -> bool {
        let given = self.factors_of(device);
        let same = |given: &Option<String>, expected: &Option<String>| match (given, expected) {
            (Some(given), Some(expected)) => given.as_bytes().ct_eq(expected.as_bytes()).into(),
            (None, None) => true,
            _ => false,
        };
        let has_any = given.ip.is_some() | given.user_agent.is_some() | given.language.is_some();
        has_any
            & same(&given.ip, &expected.ip)
            & same(&given.user_agent, &expected.user_agent)
            & same(&given.language, &expected.language)
    }

    /// The hash of each factor by itself.
    pub fn factors_of(&self, device: &Device<'_>) -> FactorHashes {
        let hash = |factor| {
            self.factors.contains(&factor).then(|| {
                let mut hash = self
                    .key
                    .clone()
                    .chain_update(VERSION)
                    .chain_update(b"-factor");
                feed(&mut hash, factor, device);
                let full = hash.finalize().into_bytes();
                Base64UrlUnpadded::encode_string(full.get(..FACTOR_BYTES).unwrap_or_default())
            })
        };
        FactorHashes {
            ip: hash(Factor::Ip),
            user_agent: hash(Factor::UserAgent),
            language: hash(Factor::Language),
            client_hints: hash(Factor::ClientHints),
        }
    }
}

impl fmt::Debug for Fingerprinter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprinter({:?})", self.factors)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> Device<'static> {
        Device {
            ip: ClientIp::parse("192.0.2.1").unwrap(),
            user_agent: Some("Firefox"),
            language: Some("en"),
            platform: Some("\"Linux\""),
            mobile: Some("?0"),
        }
    }

    fn all() -> Fingerprinter {
        Fingerprinter::new(&Secret::new("secret"), &Factor::ALL)
    }

    #[test]
    fn every_factor_counts() {
        let expected = all().of(&device());
        assert!(all().matches(&device(), &expected));
        let ip = ClientIp::parse("192.0.2.2").unwrap();
        for other in [
            Device { ip, ..device() },
            Device {
                user_agent: Some("Chrome"),
                ..device()
            },
            Device {
                language: Some("de"),
                ..device()
            },
            Device {
                platform: Some("\"Windows\""),
                ..device()
            },
            Device {
                mobile: Some("?1"),
                ..device()
            },
            Device {
                mobile: None,
                ..device()
            },
        ] {
            assert!(!all().matches(&other, &expected), "{other:?}");
        }
    }

    #[test]
    fn values_cannot_flow_into_each_other() {
        let left = Device {
            user_agent: Some("a"),
            language: Some("bc"),
            ..device()
        };
        let right = Device {
            user_agent: Some("ab"),
            language: Some("c"),
            ..device()
        };
        assert_ne!(all().of(&left), all().of(&right));
        let empty = Device {
            language: Some(""),
            ..device()
        };
        let missing = Device {
            language: None,
            ..device()
        };
        assert_ne!(all().of(&empty), all().of(&missing));
    }

    #[test]
    fn a_factor_that_is_not_chosen_does_not_count() {
        let some = Fingerprinter::new(&Secret::new("secret"), &[Factor::UserAgent]);
        let roaming = Device {
            ip: ClientIp::parse("::1").unwrap(),
            ..device()
        };
        assert_eq!(some.of(&device()), some.of(&roaming));
        assert_eq!(some.factors_of(&device()).ip, None);
    }

    #[test]
    fn another_address_of_the_same_slash_64_is_the_same_device() {
        let one = Device {
            ip: ClientIp::parse("2001:db8::1").unwrap(),
            ..device()
        };
        let two = Device {
            ip: ClientIp::parse("2001:db8::2").unwrap(),
            ..device()
        };
        assert_eq!(all().of(&one), all().of(&two));
    }

    #[test]
    fn the_hash_depends_on_the_secret() {
        let other = Fingerprinter::new(&Secret::new("other"), &Factor::ALL);
        assert_ne!(all().of(&device()), other.of(&device()));
    }

    #[test]
    fn without_hints_every_other_factor_still_counts() {
        let expected = all().factors_of(&device());
        let socket = Device {
            platform: None,
            mobile: None,
            ..device()
        };
        assert!(all().matches_without_hints(&socket, &expected));
        let ip = ClientIp::parse("192.0.2.2").unwrap();
        for other in [
            Device { ip, ..socket },
            Device {
                user_agent: Some("Chrome"),
                ..socket
            },
            Device {
                language: None,
                ..socket
            },
        ] {
            assert!(!all().matches_without_hints(&other, &expected), "{other:?}");
        }
        assert!(!all().matches_without_hints(&socket, &FactorHashes::default()));
    }

    #[test]
    fn the_hashes_of_factors_tell_which_one_drifted() {
        let before = all().factors_of(&device());
        let after = all().factors_of(&Device {
            language: Some("de"),
            ..device()
        });
        assert_ne!(before.language, after.language);
        assert_eq!(
            FactorHashes {
                language: None,
                ..before
            },
            FactorHashes {
                language: None,
                ..after
            }
        );
    }
}
