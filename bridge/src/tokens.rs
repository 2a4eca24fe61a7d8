//! Who may use the bridge.

use std::fmt;

use axum::http::{HeaderMap, header, request::Parts};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use crate::command::{TOKEN_PARAMETER, decode_form};

/// The tokens that count, kept as their hashes, so that a comparison takes the same time for every length.
pub struct Tokens {
    hashes: Vec<[u8; 32]>,
    is_query_read: bool,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tokens")
    }
}

impl Tokens {
    /// Each of `tokens` is as good as another.
    pub fn new<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            hashes: tokens
                .into_iter()
                .map(|token| Sha256::digest(token).into())
                .collect(),
            is_query_read: false,
        }
    }

    /// The same, which may also come as `_token` in the query, as at Upstash. A token in a URL ends up in
    /// logs, so this is nothing for production.
    #[must_use]
    pub fn or_in_query(self) -> Self {
        Self {
            is_query_read: true,
            ..self
        }
    }

    /// Whether the request carries one of the tokens.
    pub(crate) fn allow(&self, parts: &Parts) -> bool {
        // The header wins: a request is judged by one token.
        let given = bearer(&parts.headers).map(<[u8]>::to_vec).or_else(|| {
            let query = parts.uri.query().filter(|_| self.is_query_read)?;
            let mut parameters = query
                .split('&')
                .filter_map(|parameter| parameter.split_once('='));
            parameters
                .find(|(name, _)| *name == TOKEN_PARAMETER)
                .map(|(_, value)| decode_form(value))
        });
        given.is_some_and(|given| self.has(&given))
    }

    /// Whether `given` is one of the tokens; compared with every one, so that the time tells nothing.
    pub(crate) fn has(&self, given: &[u8]) -> bool {
        let given = Sha256::digest(given);
        let found = self.hashes.iter().fold(Choice::from(0), |found, hash| {
            found | hash.ct_eq(given.as_slice())
        });
        found.into()
    }
}

/// The token of `Authorization: Bearer`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().as_bytes())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn allow(tokens: &Tokens, path: &str, authorization: Option<&str>) -> bool {
        let mut request = Request::builder().uri(path);
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        tokens.allow(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn wants_the_very_token_in_one_of_two_places() {
        let tokens = Tokens::new(["lo cal"]).or_in_query();
        let allows = |path: &str, authorization| allow(&tokens, path, authorization);
        assert!(allows("/", Some("Bearer lo cal")));
        assert!(allows("/", Some("bearer lo cal")));
        assert!(allows("/get/k?a=b&_token=lo%20cal", None));
        assert!(!allows("/", None));
        assert!(!allows("/", Some("Basic lo cal")));
        assert!(!allows("/", Some("Bearer lo")));
        assert!(!allows("/", Some("Bearer lo call")));
        assert!(!allows("/?_token=", None));
        assert!(!allows("/?_token=lo%20cal", Some("Bearer wrong")));
    }

    #[test]
    fn any_of_several_will_do_and_the_query_counts_only_where_it_may() {
        let tokens = Tokens::new(["old", "new"]);
        assert!(allow(&tokens, "/", Some("Bearer old")));
        assert!(allow(&tokens, "/", Some("Bearer new")));
        assert!(!allow(&tokens, "/", Some("Bearer old,new")));
        assert!(!allow(&tokens, "/?_token=new", None));
        assert!(!allow(&Tokens::new([]), "/", Some("Bearer ")));
    }

    #[test]
    fn they_are_never_printed() {
        assert_eq!(format!("{:?}", Tokens::new(["secret"])), "Tokens");
    }
}
