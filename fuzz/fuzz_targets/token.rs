//! No token opens but one that was signed, and none is read where none stands.
//!
//! The input's lines: key, older key, somebody else's key, id, `Cookie`, `Authorization`; the bytes
//! behind them edit a signed token. `{token}` in a header is a signed one.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use authflow_fuzz::cookies;
use authflow_shared::{
    cookie::NAME,
    secret::Secret,
    session::{Presented, SessionId, TokenKeys, token::has_token_shape},
};
use libfuzzer_sys::fuzz_target;

/// What a lax reader might drop or take for another.
const CHARACTERS: [char; 12] = ['=', '.', '-', '_', '+', '/', '%', ' ', '\t', '\0', 'A', 'z'];

#[derive(Arbitrary)]
enum Edit {
    Replace { at: u8, by: u8 },
    Insert { at: u8, what: u8 },
    Remove { at: u8 },
    SwapCase { at: u8 },
    FlipBit { at: u8, bit: u8 },
    Cut { to: u8 },
}

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(7, |byte| *byte == b'\n');
    let lines = [(); 6].map(|()| parts.next().and_then(|line| str::from_utf8(line).ok()));
    let [first, older, stranger, id, cookie, authorization] = lines.map(Option::unwrap_or_default);
    let edits = parts.next().unwrap_or_default();
    let secrets = [first, older].map(Secret::new);
    let keys = TokenKeys::new(&secrets[0], [&secrets[1]]);
    let id = session_id(id);
    let token = keys.sign(&id).expose().to_owned();
    assert!(has_token_shape(&token));
    assert_eq!(keys.open(&token), Ok(id));
    let (cookie, authorization) = (
        &cookie.replace("{token}", &token),
        &authorization.replace("{token}", &token),
    );

    let edited = edited(&token, edits);
    for offered in [edited.as_str(), cookie, authorization] {
        opens_if_and_only_if_signed(&keys, &secrets, offered);
    }
    if !same_hmac_key(first, stranger) {
        let strangers = TokenKeys::new(&Secret::new(stranger), []);
        assert!(strangers.open(&token).is_err());
    }

    reads_only_what_stands_there(Some(cookie), Some(authorization));
    reads_only_what_stands_there(Some(cookie), None);
    reads_only_what_stands_there(None, Some(authorization));
    reads_ours(None, Some(&format!("Bearer {token}")), &token, true);
    reads_ours(Some(&format!("{NAME}={token}")), None, &token, true);
    let beside_others = format!("{cookie}; {NAME}={token}");
    reads_ours(Some(&beside_others), None, &token, false);
});

/// A version 4 UUID of the first 16 bytes.
fn session_id(text: &str) -> SessionId {
    let mut bytes = [0; 16];
    for (byte, given) in bytes.iter_mut().zip(text.bytes()) {
        *byte = given;
    }
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    SessionId::parse(&parts.join("-")).expect("a version 4 UUID")
}

fn edited(token: &str, edits: &[u8]) -> String {
    let mut token: Vec<char> = token.chars().collect();
    let mut edits = Unstructured::new(edits);
    while !edits.is_empty() && !token.is_empty() {
        let Ok(edit) = edits.arbitrary() else { break };
        let length = token.len();
        let within = |at: u8| usize::from(at) % length;
        let character = |what: u8| CHARACTERS[usize::from(what) % CHARACTERS.len()];
        match edit {
            Edit::Replace { at, by } => token[within(at)] = character(by),
            Edit::Insert { at, what } => {
                token.insert(usize::from(at) % (length + 1), character(what));
            }

            Edit::Remove { at } => drop(token.remove(within(at))),
            Edit::SwapCase { at } => {
                let c = token[within(at)];
                token[within(at)] = if c.is_ascii_lowercase() {
                    c.to_ascii_uppercase()
                } else {
                    c.to_ascii_lowercase()
                };
            }
            Edit::FlipBit { at, bit } => {
                let changed = u32::from(token[within(at)]) ^ 1 << (bit % 8);
                token[within(at)] = char::from_u32(changed).unwrap_or('\0');
            }
            Edit::Cut { to } => token.truncate(within(to)),
        }
    }
    token.into_iter().collect()
}

fn opens_if_and_only_if_signed(keys: &TokenKeys, secrets: &[Secret], offered: &str) {
    let id = offered
        .split_once('.')
        .and_then(|(id, _)| SessionId::parse(id));
    let signed = id.filter(|id| {
        secrets
            .iter()
            .any(|secret| TokenKeys::new(secret, []).sign(id).expose() == offered)
    });
    assert_eq!(keys.open(offered).ok(), signed, "{offered:?}");
}

/// HMAC fills short keys up with zeros (RFC 2104, section 2), so some that differ are the same.
fn same_hmac_key(one: &str, other: &str) -> bool {
    let is_long = one.len() > 64 || other.len() > 64;
    is_long || one.trim_end_matches('\0') == other.trim_end_matches('\0')
}

fn reads_only_what_stands_there(cookie: Option<&str>, authorization: Option<&str>) {
    let ours: Vec<_> = cookies(cookie.unwrap_or_default())
        .into_iter()
        .filter_map(|(name, value)| (name == NAME).then_some(value))
        .collect();
    let authorization = authorization.unwrap_or_default().trim_matches(' ');
    match Presented::read(cookie, authorization.into()) {
        Presented::Token {
            token,
            in_authorization,
        } => {
            let token = token.expose();
            if in_authorization {
                let (scheme, value) = authorization.split_once(' ').expect("a scheme");
                assert!(scheme.eq_ignore_ascii_case("bearer"), "{authorization:?}");
                assert_eq!(value.trim_matches(' '), token);
                assert!(has_token_shape(token), "{token:?}");
                assert!(ours.is_empty() || ours == [token], "{cookie:?}");
            } else {
                assert_eq!(ours, [token], "{cookie:?}");
            }
        }
        Presented::Nothing => assert!(ours.is_empty(), "{cookie:?}"),
        Presented::Ambiguous => {}
    }
}

/// Reads `token`, or finds the request ambiguous where it need not be `certain`; never another.
fn reads_ours(cookie: Option<&str>, authorization: Option<&str>, token: &str, certain: bool) {
    match Presented::read(cookie, authorization) {
        Presented::Token { token: read, .. } => assert_eq!(read.expose(), token),
        Presented::Ambiguous => assert!(!certain),
        Presented::Nothing => panic!("{cookie:?} {authorization:?}"),
    }
}
