//! Paths that a lax origin takes for another's.
//!
//! Some origins ignore case, or drop dots and spaces at a segment's end. For them `/site/ADMIN.`
//! is `/site/admin`, which may have stricter rules than `/site/*`. So a path that resembles one
//! with stricter rules is refused.

use percent_encoding::percent_decode_str;

/// The segments of a path as a lax origin compares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape(Vec<String>);

impl Shape {
    /// The shape of a canonical path.
    pub(super) fn of(path: &str) -> Self {
        let decoded = percent_decode_str(path).decode_utf8_lossy();
        let segments = decoded
            .split('/')
            .map(plain)
            .filter(|segment| !segment.is_empty());
        Self(segments.collect())
    }

    /// How many segments there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether `self` begins with what resembles all of `pattern`.
    pub(super) fn begins_with(&self, pattern: &Self) -> bool {
        self.len() >= pattern.len()
            && self
                .0
                .iter()
                .zip(&pattern.0)
                .all(|(one, other)| resemble(one, other))
    }
}

/// A segment without what lax origins drop: spaces around it, dots at its end, and characters that
/// nobody sees; ligatures of Latin letters taken apart (Unicode compatibility decomposition).
fn plain(segment: &str) -> String {
    let is_padding = |c: char| c == '.' || c.is_whitespace();
    let mut plain = String::with_capacity(segment.len());
    for c in segment.trim_start().trim_end_matches(is_padding).chars() {
        match c {
            '\u{ad}'
            | '\u{300}'..='\u{36f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2060}'
            | '\u{feff}' => {}
            '\u{fb00}' => plain.push_str("ff"),
            '\u{fb01}' => plain.push_str("fi"),
            '\u{fb02}' => plain.push_str("fl"),
            '\u{fb03}' => plain.push_str("ffi"),
            '\u{fb04}' => plain.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => plain.push_str("st"),
            _ => plain.push(c),
        }
    }
    plain.truncate(plain.trim_end_matches(is_padding).len());
    plain
}

/// Whether two segments are the same but for case. A character that some table folds to a Latin
/// letter or a digit may be any: our tables might not be the origin's.
fn resemble(one: &str, other: &str) -> bool {
    let mut others = other.chars();
    let same = one.chars().all(|a| {
        others.next().is_some_and(|b| {
            a == b || a.eq_ignore_ascii_case(&b) || folds_to_ascii(a) || folds_to_ascii(b)
        })
    });
    same && others.next().is_none()
}

/// Latin letters with marks, and letters and digits in another dress.
fn folds_to_ascii(c: char) -> bool {
    matches!(
        c,
        '\u{a0}'..='\u{2af}'
            | '\u{1d00}'..='\u{1dbf}'
            | '\u{1e00}'..='\u{1eff}'
            | '\u{2010}'..='\u{206f}'
            | '\u{2070}'..='\u{209f}'
            | '\u{2100}'..='\u{218f}'
            | '\u{2460}'..='\u{24ff}'
            | '\u{2c60}'..='\u{2c7f}'
            | '\u{a720}'..='\u{a7ff}'
            | '\u{ff00}'..='\u{ffef}'
            | '\u{1d400}'..='\u{1d7ff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(path: &str, pattern: &str) -> bool {
        Shape::of(path).begins_with(&Shape::of(pattern))
    }

    #[test]
    fn case_padding_and_dress_make_no_difference() {
        for path in [
            "/site/ADMIN",
            "/site/admin.",
            "/Site/Admin./x",
            "/site/admin%20",
            "/site/%20/admin",
            "/site/admin%C2%A0.",
            "/site/adm\u{131}n",
            "/site/%EF%BD%81dmin",
            "/site/ad%E2%80%8Bmin",
            "/site/admin%CC%81",
        ] {
            assert!(like(path, "/site/admin"), "{path}");
        }
        assert!(like("/o%EF%AC%83ce", "/office"));
        assert!(like("/cafe%CC%81", "/caf%C3%A9"));
    }

    #[test]
    fn other_words_are_other_paths() {
        for path in [
            "/site",
            "/site/administration",
            "/site/.admin",
            "/site/a",
            "/caf%C3%A9/admin",
            "/site/\u{7ba1}\u{7406}\u{8005}\u{9875}\u{9762}",
        ] {
            assert!(!like(path, "/site/admin"), "{path}");
        }
    }
}
