//! The device a session belongs to.
//!
//! A stolen cookie is of little use elsewhere: each request is compared with the device that
//! signed in. The fingerprint is a keyed hash, so that what Redis holds tells nothing about the
//! person's address or browser.

mod drift;

use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

pub use self::drift::{Likeness, Mode};
use crate::{
    client_ip::ClientIp,
    hex,
    json::{Object, Writer, scan::Scan},
    secret::Secret,
    session::{SessionRecord, token::keyed},
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
    mode: Mode,
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
        let add =
            |json: Writer, (factor, hash): (Factor, _)| json.maybe_text(factor.as_str(), hash);
        self.each().into_iter().fold(Writer::object(), add).end()
    }

    /// Each by its factor, in the order of [`Factor::ALL`].
    fn each(&self) -> [(Factor, Option<&str>); 4] {
        [
            (Factor::Ip, self.ip.as_deref()),
            (Factor::UserAgent, self.user_agent.as_deref()),
            (Factor::Language, self.language.as_deref()),
            (Factor::ClientHints, self.client_hints.as_deref()),
        ]
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
    pub fn new(secret: &Secret, factors: &[Factor], mode: Mode) -> Self {
        let factors = Factor::ALL
            .into_iter()
            .filter(|factor| factors.contains(factor))
            .collect();
        Self {
            key: keyed(secret),
            factors,
            mode,
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
    fn matches(&self, device: &Device<'_>, expected: &str) -> bool {
        self.of(device).as_bytes().ct_eq(expected.as_bytes()).into()
    }

    /// How like `device` is to the one that the session of `record` is bound to; in constant time.
    pub fn compare(&self, device: &Device<'_>, record: &SessionRecord) -> Likeness {
        // One hash tells of most requests.
        if self.matches(device, &record.device_fingerprint) {
            return Likeness::Same;
        }
        match self.mode {
            Mode::Strict => Likeness::Other,
            Mode::Graded => match self.judge(device, record, false) {
                // The whole differs and no part does: the record contradicts itself.
                Likeness::Same => Likeness::Other,
                likeness => likeness,
            },
        }
    }

    /// The same of a request that has no client hints because of how it was made; they are
    /// forgiven.
    pub fn compare_without_hints(&self, device: &Device<'_>, record: &SessionRecord) -> Likeness {
        self.judge(device, record, true)
    }

    fn judge(
        &self,
        device: &Device<'_>,
        record: &SessionRecord,
        are_hints_withheld: bool,
    ) -> Likeness {
        let given = self.factors_of(device);
        drift::judge(self.mode, &given, &record.factors, are_hints_withheld)
    }

    /// A name for `device` under which its requests can be counted: the whole of it, or where that
    /// may drift, its network alone, because headers can be another with each request.
    pub fn place_of(&self, device: &Device<'_>) -> String {
        match self.mode {
            Mode::Strict => self.of(device),
            Mode::Graded => self.hash(Factor::Ip, device).unwrap_or_default(),
        }
    }

    /// A name of an e-mail address: the same has the same, and nobody can tell which it is who has not the
    /// key.
    pub fn account_name(&self, email: &str) -> String {
        let hash = self
            .key
            .clone()
            .chain_update("account\0")
            .chain_update(email);
        let mut name = hex::encode(&hash.finalize().into_bytes());
        name.truncate(16);
        name
    }

    /// The hash of each factor by itself.
    pub fn factors_of(&self, device: &Device<'_>) -> FactorHashes {
        FactorHashes {
            ip: self.hash(Factor::Ip, device),
            user_agent: self.hash(Factor::UserAgent, device),
            language: self.hash(Factor::Language, device),
            client_hints: self.hash(Factor::ClientHints, device),
        }
    }

    /// The hash of one factor, if it is chosen.
    fn hash(&self, factor: Factor, device: &Device<'_>) -> Option<String> {
        if !self.factors.contains(&factor) {
            return None;
        }
        let mut hash = self
            .key
            .clone()
            .chain_update(VERSION)
            .chain_update(b"-factor");
        feed(&mut hash, factor, device);
        let full = hash.finalize().into_bytes();
        let kept = full.get(..FACTOR_BYTES).unwrap_or_default();
        Some(Base64UrlUnpadded::encode_string(kept))
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
    use proptest::prelude::*;

    use super::*;
    use crate::timestamp::Timestamp;

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
        Fingerprinter::new(&Secret::new("secret"), &Factor::ALL, Mode::Strict)
    }

    fn graded() -> Fingerprinter {
        Fingerprinter::new(&Secret::new("secret"), &Factor::ALL, Mode::Graded)
    }

    /// The record of a session bound to `device`.
    fn bound_to(device: &Device<'_>) -> SessionRecord {
        let mut record = SessionRecord::example(Timestamp::default());
        record.device_fingerprint = all().of(device);
        record.factors = all().factors_of(device);
        record
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
        let some = Fingerprinter::new(&Secret::new("secret"), &[Factor::UserAgent], Mode::Strict);
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
        let other = Fingerprinter::new(&Secret::new("other"), &Factor::ALL, Mode::Strict);
        assert_ne!(all().of(&device()), other.of(&device()));
    }

    #[test]
    fn without_hints_every_other_factor_still_counts() {
        let record = bound_to(&device());
        let socket = Device {
            platform: None,
            mobile: None,
            ..device()
        };
        let compare = |device: &Device<'_>| all().compare_without_hints(device, &record);
        assert_eq!(compare(&socket), Likeness::Same);
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
            assert_eq!(compare(&other), Likeness::Other, "{other:?}");
            let likeness = graded().compare_without_hints(&other, &record);
            assert_eq!(likeness, Likeness::Other, "{other:?}");
        }
        let empty = SessionRecord::example(Timestamp::default());
        assert_eq!(
            all().compare_without_hints(&socket, &empty),
            Likeness::Other
        );
    }

    #[test]
    fn a_record_whose_whole_and_parts_contradict_each_other_lets_nobody_in() {
        let mut record = bound_to(&device());
        record.device_fingerprint = "other".into();
        for fingerprinter in [all(), graded()] {
            assert_eq!(fingerprinter.compare(&device(), &record), Likeness::Other);
        }
    }

    #[test]
    fn where_a_device_is_does_not_change_with_what_its_owner_may_write() {
        let ip = ClientIp::parse("192.0.2.2").unwrap();
        let elsewhere = Device { ip, ..device() };
        let translated = Device {
            language: Some("de"),
            ..device()
        };
        let place = |device: &Device<'_>| graded().place_of(device);
        assert_eq!(place(&device()), place(&translated));
        assert_ne!(place(&device()), place(&elsewhere));
        assert_ne!(all().place_of(&device()), all().place_of(&translated));
    }

    /// One of two values of each header, or none.
    fn any_device() -> impl Strategy<Value = Device<'static>> {
        let value = || prop::option::of(prop_oneof![Just("a"), Just("b")]);
        let headers = (value(), value(), value(), value());
        (0..2_u8, headers).prop_map(|(ip, (user_agent, language, platform, mobile))| Device {
            ip: ClientIp::parse(&format!("192.0.2.{ip}")).unwrap(),
            user_agent,
            language,
            platform,
            mobile,
        })
    }

    proptest! {
        #[test]
        fn a_device_drifts_in_one_factor_at_most(bound in any_device(), given in any_device()) {
            let record = bound_to(&bound);
            let differing: Vec<_> = [
                (Factor::Ip, given.ip.network() != bound.ip.network()),
                (Factor::UserAgent, given.user_agent != bound.user_agent),
                (Factor::Language, given.language != bound.language),
                (Factor::ClientHints, (given.platform, given.mobile) != (bound.platform, bound.mobile)),
            ]
            .into_iter()
            .filter_map(|(factor, differs)| differs.then_some(factor))
            .collect();
            let (strict, drifting) = match differing[..] {
                [] => (Likeness::Same, Likeness::Same),
                [factor] => (Likeness::Other, Likeness::Drifted(factor)),
                _ => (Likeness::Other, Likeness::Other),
            };
            prop_assert_eq!(all().compare(&given, &record), strict);
            prop_assert_eq!(graded().compare(&given, &record), drifting);
        }
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
