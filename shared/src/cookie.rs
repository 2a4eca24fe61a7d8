//! The session cookie.
//!
//! `__Host-` makes browsers refuse it unless it is `Secure`, for this host alone and for `/`
//! (RFC 6265bis, section 4.1.3.2), so that no sibling domain can plant one.

use crate::session::SessionToken;

/// The cookie's name; compared with case, as cookie names are.
pub const NAME: &str = "__Host-authflow";

/// What a `Cookie` header says of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// It is not there.
    Nowhere,
    /// It is there once, with this value.
    Once(&'a str),
    /// It is there more than once: two readers could choose differently.
    Twice,
}

/// Looks for our cookie in a `Cookie` header.
///
/// Several header lines arrive joined, by `;` or by `,`: both separate here. A comma inside
/// another cookie's value can therefore at most make a request ambiguous, never hide a cookie.
pub fn find(header: &str) -> Found<'_> {
    let mut found = Found::Nowhere;
    for value in header.split([';', ',']).filter_map(ours) {
        match found {
            Found::Nowhere => found = Found::Once(value),
            _ => return Found::Twice,
        }
    }
    found
}

/// The `Cookie` header without our cookie; `None` if nothing is left.
pub fn strip(header: &str) -> Option<String> {
    let kept: Vec<String> = header
        .split(';')
        .filter_map(|pair| {
            let parts: Vec<_> = pair
                .split(',')
                .filter(|part| ours(part).is_none())
                .collect();
            let pair = parts.join(",");
            (!pair.trim().is_empty()).then(|| pair.trim().to_owned())
        })
        .collect();
    (!kept.is_empty()).then(|| kept.join("; "))
}

/// The value, if `pair` is our cookie.
fn ours(pair: &str) -> Option<&str> {
    let (name, value) = pair.split_once('=')?;
    (name.trim() == NAME).then(|| value.trim())
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
    fn finds_our_cookie_among_others() {
        assert_eq!(find("__Host-authflow=t"), Found::Once("t"));
        assert_eq!(find("a=1; __Host-authflow = t ;b=2"), Found::Once("t"));
        assert_eq!(find("a=1, __Host-authflow=t"), Found::Once("t"));
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
    fn strips_only_our_cookie() {
        let keeps = |header: &str, expected: Option<&str>| {
            assert_eq!(strip(header).as_deref(), expected, "{header}");
        };
        keeps("__Host-authflow=t", None);
        keeps("a=1; __Host-authflow=t; b=2", Some("a=1; b=2"));
        keeps("a=1, __Host-authflow=t; b=2,3", Some("a=1; b=2,3"));
        keeps("a=1; __Host-authflow =t", Some("a=1"));
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
