//! Tests of who passes for the same device.

use proptest::prelude::*;

use super::*;
use crate::{client_ip::ClientIp, timestamp::Timestamp};

fn device() -> Device<'static> {
    Device {
        ip: ClientIp::parse("192.0.2.1").unwrap(),
        user_agent: Some("Firefox"),
        language: Some("en"),
        platform: Some("\"Linux\""),
        mobile: Some("?0"),
    }
}

/// With all factors; the first of `keys` makes fingerprints.
fn with_keys(keys: &[&str], mode: Mode) -> Fingerprinter {
    let keys: Vec<_> = keys.iter().copied().map(Secret::new).collect();
    let (first, others) = keys.split_first().unwrap();
    Fingerprinter::new(first, others, &Factor::ALL, mode)
}

fn all() -> Fingerprinter {
    with_keys(&["secret"], Mode::Strict)
}

fn graded() -> Fingerprinter {
    with_keys(&["secret"], Mode::Graded)
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
    assert_eq!(all().of(&device()), expected);
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
        assert_ne!(all().of(&other), expected, "{other:?}");
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
    let some = Fingerprinter::new(
        &Secret::new("secret"),
        [],
        &[Factor::UserAgent],
        Mode::Strict,
    );
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
    let other = with_keys(&["other"], Mode::Strict);
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

/// Another language, and so one factor of another device.
fn translated() -> Device<'static> {
    Device {
        language: Some("de"),
        ..device()
    }
}

#[test]
fn a_device_passes_under_each_key_there_is_and_under_no_other() {
    let record = bound_to(&device());
    for (keys, likeness) in [
        (&["secret"][..], Likeness::Same),
        (&["new", "secret"], Likeness::Same),
        (&["newest", "new", "secret"], Likeness::Same),
        (&["new"], Likeness::Other),
        (&["new", "newest"], Likeness::Other),
    ] {
        for mode in [Mode::Strict, Mode::Graded] {
            let fingerprinter = with_keys(keys, mode);
            assert_eq!(
                fingerprinter.compare(&device(), &record),
                likeness,
                "{keys:?}"
            );
            let without = fingerprinter.compare_without_hints(&device(), &record);
            assert_eq!(without, likeness, "{keys:?}");
        }
    }
}

#[test]
fn another_device_is_another_under_every_key() {
    let record = bound_to(&device());
    let ip = ClientIp::parse("192.0.2.2").unwrap();
    let elsewhere = Device { ip, ..translated() };
    let strict = with_keys(&["new", "secret"], Mode::Strict);
    let graded = with_keys(&["new", "secret"], Mode::Graded);
    assert_eq!(strict.compare(&translated(), &record), Likeness::Other);
    assert_eq!(
        strict.compare_without_hints(&elsewhere, &record),
        Likeness::Other
    );
    assert_eq!(graded.compare(&elsewhere, &record), Likeness::Other);
    let drifted = Likeness::Drifted(Factor::Language);
    assert_eq!(graded.compare(&translated(), &record), drifted);
}

#[test]
fn what_is_made_is_made_under_the_first_key() {
    let (new, both) = (
        with_keys(&["new"], Mode::Strict),
        with_keys(&["new", "secret"], Mode::Strict),
    );
    assert_eq!(both.of(&device()), new.of(&device()));
    assert_eq!(both.factors_of(&device()), new.factors_of(&device()));
    assert_eq!(both.place_of(&device()), new.place_of(&device()));
    assert_eq!(both.account_name("a@b.test"), new.account_name("a@b.test"));
    assert_eq!(both.former(&device()), [all().of(&device())]);
    assert_eq!(new.former(&device()), [""; 0]);
}
