//! Which session token a request carries, if any.
//!
//! A browser sends it in our cookie, another client as a bearer token. One request must not carry
//! two that differ: whoever reads the one and whoever reads the other would disagree on who asks.

use crate::{cookie, secret::Secret, session::token::has_token_shape};

/// The session token of a request, not yet checked.
#[derive(Clone, Debug)]
pub enum Presented {
    /// None.
    Nothing,
    /// One, from the cookie, from `Authorization`, or the same in both.
    Token {
        /// What stands where a token should.
        token: Secret,
        /// Whether `Authorization` carried it, which then must not reach the origin.
        in_authorization: bool,
    },
    /// More than one, or our cookie twice.
    Ambiguous,
}

impl Presented {
    /// Whether `Authorization` carries our token.
    pub fn is_in_authorization(&self) -> bool {
        matches!(
            self,
            Self::Token {
                in_authorization: true,
                ..
            }
        )
    }

    /// Reads the `Cookie` and `Authorization` headers.
    pub fn read(cookie: Option<&str>, authorization: Option<&str>) -> Self {
        let Ok(bearer) = bearer_token(authorization.unwrap_or_default()) else {
            return Self::Ambiguous;
        };
        let token = match (cookie::find(cookie.unwrap_or_default()), bearer) {
            (cookie::Found::Twice, _) | (cookie::Found::Oddly, Some(_)) => return Self::Ambiguous,
            (cookie::Found::Once(cookie), Some(bearer)) if cookie != bearer => {
                return Self::Ambiguous;
            }
            (_, Some(bearer)) => bearer,
            (cookie::Found::Once(cookie), None) => cookie,
            (cookie::Found::Nowhere | cookie::Found::Oddly, None) => return Self::Nothing,
        };
        Self::Token {
            token: Secret::new(token),
            in_authorization: bearer.is_some(),
        }
    }
}

/// A session token that stands in `Authorization`, but not alone behind `Bearer`.
struct OutOfPlace;

/// The session token of an `Authorization` header, if it holds one. The scheme is compared without
/// case (RFC 9110, section 11.1).
///
/// # Errors
/// [`OutOfPlace`] if one of ours stands anywhere else in it: as a second one in a joined line, or
/// behind something that another reader might drop. It must not go on to the origin unseen.
fn bearer_token(authorization: &str) -> Result<Option<&str>, OutOfPlace> {
    let mut pieces = authorization
        .split([' ', '\t', ','])
        .filter(|piece| has_token_shape(piece));
    let Some(token) = pieces.next() else {
        return Ok(None);
    };
    let behind_bearer = authorization
        .trim_matches(' ')
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, value)| value.trim_matches(' '));
    if behind_bearer == Some(token) {
        Ok(Some(token))
    } else {
        Err(OutOfPlace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "f47ac10b-58cc-4372-a567-0e02b2c3d479.AAAAAAAAAAAAAAAAAAAAAA";
    const B: &str = "f47ac10b-58cc-4372-a567-0e02b2c3d479.BBBBBBBBBBBBBBBBBBBBBB";

    /// `-` for nothing, `!` for ambiguous, else the token with its place.
    fn read(cookie: Option<&str>, authorization: Option<&str>) -> String {
        match Presented::read(cookie, authorization) {
            Presented::Nothing => "-".into(),
            Presented::Ambiguous => "!".into(),
            Presented::Token {
                token,
                in_authorization: true,
            } => {
                format!("bearer {}", token.expose())
            }
            Presented::Token { token, .. } => format!("cookie {}", token.expose()),
        }
    }

    #[test]
    fn the_token_comes_from_the_cookie_or_the_bearer_header() {
        let cookie = format!("a=1; __Host-authflow={A}");
        assert_eq!(read(Some(&cookie), None), format!("cookie {A}"));
        assert_eq!(
            read(None, Some(&format!("bEaReR  {A} "))),
            format!("bearer {A}")
        );
        assert_eq!(
            read(Some(&cookie), Some(&format!("Bearer {A}"))),
            format!("bearer {A}")
        );
        assert_eq!(read(None, None), "-");
    }

    #[test]
    fn a_bearer_value_of_another_shape_is_the_origins_own() {
        let cookie = format!("__Host-authflow={A}");
        for other in [
            "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x",
            "Basic YTpi",
            "Bearer",
            "Bearer ",
            "",
        ] {
            assert_eq!(
                read(Some(&cookie), Some(other)),
                format!("cookie {A}"),
                "{other}"
            );
            assert_eq!(read(None, Some(other)), "-", "{other}");
        }
        let upper = format!("Bearer {}", A.to_uppercase());
        assert_eq!(read(None, Some(&upper)), "-");
    }

    #[test]
    fn two_different_tokens_are_ambiguous() {
        let cookie = format!("__Host-authflow={A}");
        assert_eq!(read(Some(&cookie), Some(&format!("Bearer {B}"))), "!");
        assert_eq!(
            read(Some("__Host-authflow=junk"), Some(&format!("Bearer {A}"))),
            "!"
        );
    }

    #[test]
    fn a_token_out_of_place_in_authorization_is_ambiguous() {
        for authorization in [
            format!("Bearer {A}, Bearer {B}"),
            format!("Bearer {A}, Bearer {A}"),
            format!("Bearer\t{A}"),
            format!("Bearer {A},"),
            format!("Basic YTpi, Bearer {A}"),
            format!("Token {A}"),
            A.to_owned(),
        ] {
            assert_eq!(read(None, Some(&authorization)), "!", "{authorization}");
        }
    }

    #[test]
    fn our_cookie_twice_is_ambiguous_however_the_lines_are_joined() {
        for joined in ["; ", ";", ", ", ",", " ;\t"] {
            let cookie = format!("__Host-authflow={A}{joined}__Host-authflow={A}");
            assert_eq!(read(Some(&cookie), None), "!", "{joined:?}");
            let behind = format!("a=1, {cookie}");
            assert_eq!(read(Some(&behind), None), "!", "{joined:?}");
        }
        let planted = format!("a=1, __Host-authflow={A}");
        assert_eq!(read(Some(&planted), None), "-");
        assert_eq!(read(Some(&planted), Some(&format!("Bearer {B}"))), "!");
    }
}
