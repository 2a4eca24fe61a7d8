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
            .map(|segment| segment.trim().trim_end_matches(['.', ' ']))
            .filter(|segment| !segment.is_empty());
        Self(segments.map(str::to_owned).collect())
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

/// Whether two segments are the same but for case. A character beyond ASCII may be anything: what
/// it folds to, one's own tables would have to say, and the origin's might say otherwise.
fn resemble(one: &str, other: &str) -> bool {
    let mut others = other.chars();
    let same = one.chars().all(|a| {
        others
            .next()
            .is_some_and(|b| a.eq_ignore_ascii_case(&b) || !a.is_ascii() || !b.is_ascii())
    });
    same && others.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(path: &str, pattern: &str) -> bool {
        Shape::of(path).begins_with(&Shape::of(pattern))
    }

    #[test]
    fn case_trailing_dots_and_spaces_make_no_difference() {
        for path in [
            "/site/ADMIN",
            "/site/admin.",
            "/Site/Admin./x",
            "/site/admin%20",
            "/site/%20/admin",
            "/site/adm\u{131}n",
            "/site/%E2%84%AAadmin"
                .replace("%E2%84%AAa", "%EF%BD%81")
                .as_str(),
        ] {
            assert!(like(path, "/site/admin"), "{path}");
        }
    }

    #[test]
    fn other_words_are_other_paths() {
        for path in [
            "/site",
            "/site/administration",
            "/site/.admin",
            "/site/a",
            "/caf%C3%A9/admin",
        ] {
            assert!(!like(path, "/site/admin"), "{path}");
        }
    }
}
