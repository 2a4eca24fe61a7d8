use super::{variable::VARIABLES, *};
use crate::redis::Target;

const GOOD: [(&str, &str); 2] = [
    ("BRIDGE_TOKEN", "0123456789abcdef01234567"),
    ("REDIS_URL", "redis://redis:6379/0"),
];

/// The settings of an environment in which `/secret` is a file.
fn settings(variables: &[(&str, &str)]) -> Result<Settings, String> {
    let variable = |name: &str| {
        let mut found = variables.iter().rev().filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| (*value).to_owned())
    };
    let file = |path: &str| match path {
        "/secret" => Ok("a secret of thirty characters!\n".replace(' ', "-")),
        "/empty" => Ok("\n".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    read(variable, file)
}

fn with(more: &[(&str, &str)]) -> Result<Settings, String> {
    settings(&[&GOOD[..], more].concat())
}

#[track_caller]
fn refuses(more: &[(&str, &str)], words: &[&str]) {
    let faults = with(more).map(|_| ()).unwrap_err();
    for word in words {
        assert!(faults.contains(word), "{word:?} is not in {faults:?}");
    }
}

#[test]
fn a_token_and_an_address_are_enough() {
    let settings = with(&[]).unwrap();
    assert_eq!(settings.listen.to_string(), "0.0.0.0:8079");
    assert_eq!(settings.pool.target.to_string(), "redis:6379");
    assert_eq!(
        (
            settings.pool.connections,
            settings.max_in_flight,
            settings.max_body
        ),
        (4, 1000, 1024 * 1024)
    );
    assert_eq!(
        (settings.pool.timeout, settings.drain),
        (Duration::from_secs(1), Duration::from_secs(10))
    );
    assert_eq!(settings.level, Level::Info);
    assert!(settings.metrics_token.is_none() && settings.pool.tls.is_none());
}

#[test]
fn every_fault_is_told_at_once_with_what_to_do() {
    let faults = settings(&[("BRIDGE_LISTEN", "8079"), ("LOG_LEVEL", "loud")])
        .map(|_| ())
        .unwrap_err();
    for word in [
        "BRIDGE_LISTEN",
        "LOG_LEVEL",
        "BRIDGE_TOKEN is missing",
        "openssl",
        "REDIS_URL is missing",
    ] {
        assert!(faults.contains(word), "{word:?} is not in {faults:?}");
    }
    assert_eq!(faults.lines().count(), 4);
}

#[test]
fn a_token_that_could_be_guessed_or_not_be_sent_is_refused() {
    refuses(
        &[("BRIDGE_TOKEN", "0123456789abcdef0123456")],
        &["BRIDGE_TOKEN", "fewer than 24"],
    );
    refuses(
        &[("BRIDGE_TOKEN", "0123456789abcdef01234567,short")],
        &["fewer than 24"],
    );
    refuses(
        &[("BRIDGE_TOKEN", "0123456789abcdef01234567,")],
        &["fewer than 24"],
    );
    refuses(
        &[("BRIDGE_TOKEN", "0123456789 abcdef 01234567")],
        &["cannot carry"],
    );
    refuses(
        &[("METRICS_TOKEN", "short")],
        &["METRICS_TOKEN", "fewer than 16"],
    );
}

#[test]
fn several_tokens_count_while_one_is_rotated() {
    let two = "0123456789abcdef01234567, abcdefghijklmnopqrstuvwx";
    let tokens = with(&[("BRIDGE_TOKEN", two)]).unwrap().tokens;
    assert!(tokens.has(b"0123456789abcdef01234567") && tokens.has(b"abcdefghijklmnopqrstuvwx"));
    assert!(!tokens.has(two.as_bytes()));
}

#[test]
fn a_secret_may_come_from_a_file_but_not_from_both() {
    let settings = with(&[
        ("BRIDGE_TOKEN", ""),
        ("BRIDGE_TOKEN_FILE", "/secret"),
        ("REDIS_PASSWORD_FILE", "/secret"),
    ])
    .unwrap();
    assert!(settings.tokens.has(b"a-secret-of-thirty-characters!"));
    let password = settings.pool.login.password.unwrap();
    assert_eq!(password.expose_secret(), "a-secret-of-thirty-characters!");
    refuses(
        &[("BRIDGE_TOKEN_FILE", "/secret")],
        &["BRIDGE_TOKEN and BRIDGE_TOKEN_FILE", "leave one out"],
    );
    refuses(
        &[("REDIS_PASSWORD_FILE", "/none")],
        &["REDIS_PASSWORD_FILE", "cannot be read"],
    );
    refuses(&[("REDIS_PASSWORD_FILE", "/empty")], &["is empty"]);
}

#[test]
fn no_secret_is_ever_printed() {
    let secret = [
        ("REDIS_PASSWORD", "hunter2hunter2"),
        ("METRICS_TOKEN", "hunter2hunter2hunter2"),
    ];
    assert!(!format!("{:?}", with(&secret).unwrap()).contains("hunter2"));
    for value in [
        "hunter2",
        "redis://user:hunter2@redis:6379",
        "redis://:hunter2@redis:26379",
        "http://hunter2",
        "redis://redis:hunter2",
    ] {
        // Whichever name it was given under by mistake.
        for variable in VARIABLES {
            for name in [variable.name.to_owned(), format!("{}_FILE", variable.name)] {
                for place in [("REDIS_URL", "rediss://redis"), ("REDIS_URL", "")] {
                    let all = [place, ("REDIS_KEY_FILE", "/k"), (name.as_str(), value)];
                    let faults = with(&all).map(|_| ()).err().unwrap_or_default();
                    assert!(!faults.contains("hunter2"), "{name}: {faults}");
                }
            }
        }
    }
}

#[test]
fn reads_where_redis_is() {
    let url = |url| {
        let pool = with(&[("REDIS_URL", url)]).unwrap().pool;
        (
            pool.target.to_string(),
            pool.login.database,
            pool.tls.is_some(),
        )
    };
    assert_eq!(
        url("redis://localhost"),
        ("localhost:6379".to_owned(), 0, false)
    );
    assert_eq!(url("redis://[::1]/3"), ("[::1]:6379".to_owned(), 3, false));
    assert_eq!(
        url("rediss://r.example:6380/"),
        ("r.example:6380".to_owned(), 0, true)
    );
    for url in [
        "redis",
        "redis://",
        "redis://a/b",
        "redis://a:b",
        "redis://a:1/0?x=1",
        "unix:///tmp/redis",
    ] {
        refuses(
            &[("REDIS_URL", url)],
            &["REDIS_URL must be redis://host:6379/0"],
        );
    }
    refuses(&[("REDIS_URL", "redis://:x@a")], &["REDIS_PASSWORD"]);
    refuses(
        &[("REDIS_USERNAME", "authflow")],
        &["REDIS_USERNAME is set without REDIS_PASSWORD"],
    );
}

#[test]
fn sentinels_stand_in_for_the_url() {
    let sentinels = [
        ("REDIS_URL", ""),
        ("REDIS_SENTINELS", "a:26379, b:26379"),
        ("REDIS_SENTINEL_MASTER", "authflow"),
    ];
    let settings = with(&sentinels).unwrap();
    let Target::Sentinels { addresses, master } = settings.pool.target else {
        panic!("no Sentinels");
    };
    assert_eq!((addresses.len(), master.as_str()), (2, "authflow"));
    refuses(
        &sentinels[1..],
        &["REDIS_URL and REDIS_SENTINELS are both set"],
    );
    refuses(&sentinels[..2], &["REDIS_SENTINEL_MASTER is missing"]);
    refuses(
        &[&sentinels[..], &[("REDIS_SENTINELS", "a")]].concat(),
        &["REDIS_SENTINELS must be host:port"],
    );
}

#[test]
fn files_for_tls_want_tls_and_each_other() {
    refuses(&[("REDIS_CA_FILE", "/ca.pem")], &["TLS is not asked for"]);
    let encrypted = ("REDIS_URL", "rediss://redis");
    refuses(
        &[encrypted, ("REDIS_CA_FILE", "/nowhere.pem")],
        &["REDIS_CA_FILE: the file cannot be used: ", "No such file"],
    );
    refuses(
        &[encrypted, ("REDIS_CERT_FILE", "/cert.pem")],
        &["REDIS_KEY_FILE"],
    );
}

#[test]
fn numbers_have_bounds() {
    for (name, values) in [
        ("BRIDGE_CONNECTIONS", ["0", "65", "x"]),
        ("BRIDGE_MAX_IN_FLIGHT", ["0", "100001", "-1"]),
        ("BRIDGE_MAX_BODY_BYTES", ["1023", "52428801", "1MB"]),
        ("REDIS_TIMEOUT_MS", ["9", "60001", "1s"]),
        ("BRIDGE_DRAIN_SECONDS", ["601", "-1", "1.5"]),
    ] {
        for value in values {
            refuses(&[(name, value)], &[name, "must be a number from"]);
        }
    }
}

#[test]
fn the_help_names_every_variable() {
    let help = help();
    assert!(
        VARIABLES
            .iter()
            .all(|variable| help.contains(variable.name))
    );
    assert!(help.contains("REDIS_PASSWORD_FILE"));
}
