//! What ties a sign-in to the browser that began it: a cookie with a secret.
//!
//! Without it, somebody could begin a sign-in, and have another browser end it: that one would be
//! signed in to an account that is not its owner's (RFC 9700, section 4.7). Each sign-in has a cookie
//! of its own, so that two tabs do not disturb each other. `__Host-` keeps sibling domains from
//! planting one.

use authflow_shared::{hex, secret::Secret};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::one_time::OAUTH;

const PREFIX: &str = "__Host-authflow-oauth-";
/// The digits of the state's hash behind the prefix.
const DIGITS: usize = 8;
/// How many sign-ins a browser may have begun and not ended: cookies make requests longer.
const MOST: usize = 4;

/// The cookie's name. It tells nothing of `state`.
fn name(state: &str) -> String {
    let hash = hex::encode(&Sha256::digest(state));
    format!("{PREFIX}{}", hash.get(..DIGITS).unwrap_or_default())
}

/// The `Set-Cookie` value that hands out `secret`.
pub(super) fn set(state: &str, secret: &Secret) -> String {
    let (name, secret, seconds) = (name(state), secret.expose(), OAUTH.seconds());
    // Lax, because the browser comes back from another site.
    format!("{name}={secret}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax")
}

/// The `Set-Cookie` value that takes the cookie of `state` away.
pub(super) fn clear(state: &str) -> String {
    clear_named(&name(state))
}

fn clear_named(name: &str) -> String {
    format!("{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
}

/// The `Set-Cookie` values that make room for one more cookie. Browsers send the oldest first.
pub(super) fn make_room(header: &str) -> Vec<String> {
    let names = pairs(header).map(|(name, _)| name);
    let ours: Vec<_> = names.filter(|name| is_ours(name)).collect();
    let many = (ours.len() + 1).saturating_sub(MOST);
    ours.into_iter().take(many).map(clear_named).collect()
}

/// What is kept of a secret.
pub(super) fn hash(secret: &str) -> String {
    hex::encode(&Sha256::digest(secret))
}

/// Whether a `Cookie` header has the secret of `state` whose hash is `kept`, once.
pub(super) fn holds(header: &str, state: &str, kept: &str) -> bool {
    let name = name(state);
    let mut values = pairs(header).filter(|(known, _)| *known == name);
    match (values.next(), values.next()) {
        (Some((_, secret)), None) => hash(secret).as_bytes().ct_eq(kept.as_bytes()).into(),
        _ => false,
    }
}

/// Names and values (RFC 6265, section 4.2.1).
fn pairs(header: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = header.split(';').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (trim(name), trim(value)))
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn is_ours(name: &str) -> bool {
    let digits = name.strip_prefix(PREFIX).unwrap_or_default();
    digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(state: &str, secret: &str) -> String {
        let cookie = set(state, &Secret::new(secret));
        cookie.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn a_cookie_is_for_this_host_and_this_sign_in_alone() {
        let cookie = set("one", &Secret::new("secret"));
        insta::assert_snapshot!(cookie, @"__Host-authflow-oauth-7692c3ad=secret; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax");
        assert_ne!(name("one"), name("two"));
        assert!(
            authflow_shared::cookie::might_hold_ours(&cookie),
            "no origin gets it"
        );
        let cleared = clear("one");
        assert_eq!(cleared, cookie.replace("=secret", "=").replace("600", "0"));
    }

    #[test]
    fn only_the_secret_of_the_same_sign_in_counts() {
        let kept = hash("secret");
        let (one, two) = (pair("one", "secret"), pair("two", "other"));
        for good in [one.clone(), format!("a=b; {two};{one} ; c")] {
            assert!(holds(&good, "one", &kept), "{good}");
        }
        for bad in [
            String::new(),
            two,
            pair("two", "secret"),
            pair("one", "Secret"),
            pair("one", ""),
            pair("one", &kept),
            format!("{one}; {one}"),
            format!("a=x,{one}"),
            one.replace("__Host", "__host"),
        ] {
            assert!(!holds(&bad, "one", &kept), "{bad}");
        }
    }

    #[test]
    fn a_fifth_cookie_takes_the_place_of_the_first() {
        let all: Vec<_> = ["1", "2", "3", "4", "5"]
            .map(|state| pair(state, "x"))
            .into();
        assert!(make_room(&all[..3].join("; ")).is_empty());
        assert_eq!(make_room(&all[..4].join("; ")), [clear("1")]);
        assert_eq!(make_room(&all.join("; ")), [clear("1"), clear("2")]);
    }

    #[test]
    fn no_cookie_but_ours_makes_room() {
        let others = ["__Host-authflow", "__Host-authflow-oauth-x\u{e9}yz123", "a"];
        let header = others.map(|name| format!("{name}=1; {name}=1")).join("; ");
        assert!(make_room(&header).is_empty());
    }
}
