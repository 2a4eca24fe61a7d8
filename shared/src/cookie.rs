//! The session cookie, and the others of ours.
//!
//! `__Host-` makes browsers refuse it unless it is `Secure`, for this host alone and for `/`
//! (RFC 6265bis, section 4.1.3.2), so that no sibling domain can plant one.

use std::borrow::Cow;

use crate::session::SessionToken;

/// The cookie's name; compared with case, as cookie names are.
pub const NAME: &str = "__Host-authflow";
/// How the names of our other cookies begin, as of one that ties a sign-in to its browser. No
/// origin gets or sets any of them.
const PREFIX: &str = "__Host-authflow-";

/// What a `Cookie` header says of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// It is not there.
    Nowhere,
    /// It is there once, with this value.
    Once(&'a str),
    /// It is there once, but for a lax reader alone.
    Oddly,
    /// It is there more than once: two readers could choose differently.
    Twice,
}

/// Looks for our cookie in a `Cookie` header.
///
/// Only `;` separates cookies (RFC 6265, section 4.2.1), and only spaces and tabs stand around a
/// name. Whatever else a lax reader might take for our name is no cookie of ours: a browser lets a
/// sibling domain set `a=x,__Host-authflow=…` or a name with exotic spaces, because for the browser
/// those do not begin with `__Host-`. It still makes a second one, so that no two readers choose
/// differently.
pub fn find(header: &str) -> Found<'_> {
    let parts = header.split([';', ',']);
    match parts.filter(|part| lax_name(part) == Some(NAME)).count() {
        0 => Found::Nowhere,
        1 => header
            .split(';')
            .find_map(exactly_ours)
            .map_or(Found::Oddly, Found::Once),
        _ => Found::Twice,
    }
}

/// The `Cookie` header without whatever a lax reader might take for a cookie of ours; `None` if
/// nothing is left.
pub fn strip(header: &str) -> Option<String> {
    let mut kept = String::with_capacity(header.len());
    for pair in header.split(';').map(without_ours) {
        let pair = pair.trim();
        if pair.is_empty() {
            continue;
        }
        if !kept.is_empty() {
            kept.push_str("; ");
        }
        kept.push_str(pair);
    }
    (!kept.is_empty()).then_some(kept)
}

fn without_ours(pair: &str) -> Cow<'_, str> {
    if !might_hold_ours(pair) {
        return Cow::Borrowed(pair);
    }
    let others: Vec<_> = pair
        .split(',')
        .filter(|part| !might_be_ours(part))
        .collect();
    Cow::Owned(others.join(","))
}

/// Whether a lax reader might take anything in a `Cookie` header, or in one or several joined
/// values of `Set-Cookie`, for a cookie of ours.
pub fn might_hold_ours(header: &str) -> bool {
    header.split([';', ',']).any(might_be_ours)
}

/// The value, if `pair` is our cookie.
fn exactly_ours(pair: &str) -> Option<&str> {
    let (name, value) = pair.split_once('=')?;
    let spaces = [' ', '\t'];
    (name.trim_matches(spaces) == NAME).then(|| value.trim_matches(spaces))
}

/// Whether a reader that trims too much, or too little of what follows, could see a cookie of ours.
fn might_be_ours(pair: &str) -> bool {
    lax_name(pair).is_some_and(|name| name == NAME || name.starts_with(PREFIX))
}

/// The name, if `pair` is a cookie for a reader that trims too much, or too little of what follows.
fn lax_name(pair: &str) -> Option<&str> {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '"';
    // A cookie without a name goes back to the server as if its value were a pair.
    let pair = pair.trim_start_matches(|c| is_odd(c) || c == '=');
    let (name, _) = pair.split_once('=')?;
    Some(name.trim_end_matches(is_odd))
}

/// The `Set-Cookie` value that hands out `token` for `max_age` seconds.
pub fn set(token: &SessionToken, max_age: u64) -> String {
    let token = token.expose();
    format!("{NAME}={token}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite=Lax")
}

/// The `Set-Cookie` value that clears the cookie.
pub fn clear() -> String {
    format!("{NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cookie_without_a_name_cannot_become_ours() {
        assert!(might_hold_ours("=__Host-authflow=evil; Path=/"));
        assert!(might_hold_ours("a=1, = __Host-authflow=evil"));
        assert!(!might_hold_ours("a=__Host-authflow"));
        assert_eq!(strip("=__Host-authflow=evil; a=1"), Some("a=1".into()));
    }

    #[test]
    fn finds_our_cookie_among_others() {
        assert_eq!(find("__Host-authflow=t"), Found::Once("t"));
        assert_eq!(find("a=1; __Host-authflow = t ;b=2"), Found::Once("t"));
        assert_eq!(
            find("__host-authflow=t; x__Host-authflow=t; __Host-authflow"),
            Found::Nowhere
        );
        assert_eq!(
            find("a=__Host-authflow; b=\"__Host-authflow\""),
            Found::Nowhere
        );
        assert_eq!(find(""), Found::Nowhere);
    }

    #[test]
    fn our_other_cookies_are_no_second_session() {
        let header = "__Host-authflow=t; __Host-authflow-oauth-1=x; __Host-authflow-oauth-2=y";
        assert_eq!(find(header), Found::Once("t"));
        assert_eq!(find("__Host-authflow-oauth-1=x"), Found::Nowhere);
    }

    #[test]
    fn what_a_sibling_domain_can_plant_is_no_cookie_of_ours() {
        for planted in [
            "a=x,__Host-authflow=t",
            "a=x, __Host-authflow=t",
            "\u{2003}__Host-authflow=t",
            "a=1; \u{a0}__Host-authflow=t",
            "a=1; \u{85}__Host-authflow=t",
            "\u{b}__Host-authflow=t",
        ] {
            assert_eq!(find(planted), Found::Oddly, "{planted:?}");
            let twice = format!("{planted},{planted}");
            assert_eq!(find(&twice), Found::Twice, "{twice:?}");
            assert!(
                strip(planted).is_none_or(|kept| !kept.contains(NAME)),
                "{planted:?}"
            );
            let beside_ours = format!("__Host-authflow=own; {planted}");
            assert_eq!(find(&beside_ours), Found::Twice, "{planted:?}");
        }
    }

    #[test]
    fn an_origin_that_sets_our_cookie_is_noticed() {
        for value in [
            "__Host-authflow=x; Path=/",
            "a=1, __Host-authflow=; Max-Age=0",
            " __Host-authflow =x",
            "__Host-authflow-oauth-0123abcd=x; Path=/",
        ] {
            assert!(might_hold_ours(value), "{value}");
        }
        for value in [
            "",
            "a=__Host-authflow",
            "__Host-authflows=dark; Path=/",
            "__host-authflow-theme=dark; Path=/",
        ] {
            assert!(!might_hold_ours(value), "{value}");
        }
    }

    #[test]
    fn strips_only_our_cookies() {
        let keeps = |header: &str, expected: Option<&str>| {
            assert_eq!(strip(header).as_deref(), expected, "{header}");
        };
        keeps("__Host-authflow=t", None);
        keeps("a=1; __Host-authflow=t; b=2", Some("a=1; b=2"));
        keeps("a=1, __Host-authflow=t; b=2,3", Some("a=1; b=2,3"));
        keeps("a=1; __Host-authflow =t", Some("a=1"));
        keeps(
            "__Host-authflow-oauth-1=t; a=1; __Host-authflow-=t",
            Some("a=1"),
        );
        keeps("a=1", Some("a=1"));
        keeps(" ; ;", None);
    }

    #[test]
    fn a_cleared_cookie_has_the_attributes_of_a_set_one() {
        let attributes = |cookie: String| {
            let all = cookie.split("; ").skip(1).map(str::to_owned);
            all.filter(|part| !part.starts_with("Max-Age"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            attributes(clear()),
            ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]
        );
        assert!(clear().starts_with("__Host-authflow=; "));
    }

    proptest! {
        #[test]
        fn what_is_stripped_holds_no_cookie_of_ours(
            header in "([a-z]{0,2}|__Host-authflow|[=;, \t\"]){0,12}",
        ) {
            let stripped = strip(&header).unwrap_or_default();
            prop_assert_eq!(find(&stripped), Found::Nowhere);
        }
    }
}
