//! Who may use the bridge.

use std::fmt;

use axum::http::{header, request::Parts};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::command::{TOKEN_PARAMETER, decode_form};

/// The bridge's token, kept as its hash, so that a comparison takes the same time for every length.
pub(super) struct Token([u8; 32]);

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token")
    }
}

impl Token {
    pub(super) fn new(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Whether the request carries the token, as `Authorization: Bearer` or as `_token` in its
    /// query.
    pub(super) fn allows(&self, parts: &Parts) -> bool {
        let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| token.trim().as_bytes().to_vec())
        });
        // The header wins: a request is judged by one token.
        let given = bearer.or_else(|| {
            let mut parameters = parts
                .uri
                .query()?
                .split('&')
                .filter_map(|parameter| parameter.split_once('='));
            parameters
                .find(|(name, _)| *name == TOKEN_PARAMETER)
                .map(|(_, value)| decode_form(value))
        });
        given.is_some_and(|given| self.0.ct_eq(&Sha256::digest(given)[..]).into())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn allows(path: &str, authorization: Option<&str>) -> bool {
        let mut request = Request::builder().uri(path);
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        Token::new("lo cal").allows(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn wants_the_very_token_in_one_of_two_places() {
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
}
