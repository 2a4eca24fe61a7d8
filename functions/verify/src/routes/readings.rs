//! What origins could make of a path that holds escapes of delimiters.
//!
//! A protected route may let such a path through (`allow_encoded`). It is then read in every way
//! that an origin might: decoded once or more, cut off at `#` or `?`, its `;` parameters dropped.
//! If a reading leads to other rules, the path is refused.

use percent_encoding::percent_decode_str;

use crate::canonical::{Ambiguity, has_dot_segment};

/// Rounds of decoding that an origin might do; a path that still changes is nobody's honest one.
const ROUNDS: usize = 3;

/// All readings of `path` but the one as it stands.
///
/// # Errors
/// [`Ambiguity`] if a reading would leave the place where the path stands.
pub(super) fn readings(path: &str) -> Result<Vec<String>, Ambiguity> {
    let mut readings = Vec::new();
    let mut text = path.to_owned();
    for _ in 0..ROUNDS {
        let decoded = percent_decode_str(&text)
            .decode_utf8()
            .map_err(|_| Ambiguity::NotUtf8)?;
        if decoded == text {
            return Ok(readings);
        }
        text = decoded.into_owned();
        if text.contains(char::is_control) {
            return Err(Ambiguity::Escape);
        }
        for cut in [false, true] {
            for strip in [false, true] {
                readings.push(read(&text, cut, strip)?);
            }
        }
    }
    Err(Ambiguity::Escape)
}

/// Whether `path` begins, decoded often enough, with two slashes, which a URL's host stands behind.
pub(super) fn names_a_host(path: &str) -> bool {
    let mut text = path.to_owned();
    for _ in 0..ROUNDS {
        text = percent_decode_str(&text)
            .decode_utf8_lossy()
            .replace('\\', "/");
        if text.starts_with("//") {
            return true;
        }
    }
    false
}

fn read(text: &str, cut: bool, strip: bool) -> Result<String, Ambiguity> {
    let text = text.replace('\\', "/");
    let text = if cut {
        text.split(['#', '?']).next().unwrap_or_default()
    } else {
        &text
    };
    let mut plain = String::with_capacity(text.len());
    for segment in text.split('/') {
        let segment = if strip {
            segment.split(';').next().unwrap_or_default()
        } else {
            segment
        };
        if !segment.is_empty() {
            plain.push('/');
            plain.push_str(segment);
        }
    }
    if has_dot_segment(&plain) {
        return Err(Ambiguity::DotSegment);
    }
    if plain.is_empty() {
        plain.push('/');
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_every_origin_might() {
        let has = |path: &str, reading: &str| {
            assert!(
                readings(path).unwrap().iter().any(|known| known == reading),
                "{path} as {reading}"
            );
        };
        has("/app/a%2Fb", "/app/a/b");
        has("/app/a%5Cb", "/app/a/b");
        has("/app/a%252Fb", "/app/a%2Fb");
        has("/app/a%252Fb", "/app/a/b");
        has("/app/a%23b", "/app/a");
        has("/app/a%3Fb", "/app/a");
        has("/app/a%3Bb/c", "/app/a/c");
        has("/app/https:%2F%2Fo.test", "/app/https:/o.test");
    }

    #[test]
    fn a_reading_that_leaves_its_place_is_refused() {
        for path in [
            "/app/..%2Fadmin",
            "/app/%2F..%2Fadmin",
            "/app/..%5Cadmin",
            "/app/..%3B/admin",
            "/app/%252e%252e/admin",
            "/app/..%23",
            "/app/.%2F",
        ] {
            assert_eq!(readings(path), Err(Ambiguity::DotSegment), "{path}");
        }
        assert_eq!(readings("/app/%2500"), Err(Ambiguity::Escape));
        assert_eq!(readings("/app/%25252525"), Err(Ambiguity::Escape));
        assert_eq!(readings("/app/%25ff"), Err(Ambiguity::NotUtf8));
    }
}
