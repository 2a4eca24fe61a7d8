//! The one spelling of a path.

use super::Ambiguity;

/// Escapes of delimiters, which two parsers could read differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Escapes(u8);

// === impl Escapes ===

impl Escapes {
    /// The characters that are escaped, in the order of the bits.
    const DELIMITERS: [u8; 6] = [b'/', b'\\', b';', b'%', b'#', b'?'];

    /// The escape of one delimiter, as in `%2f`; `None` for every other text.
    pub fn parse(escape: &str) -> Option<Self> {
        let [b'%', high, low] = *escape.as_bytes() else {
            return None;
        };
        Self::of(hex_value(high)? << 4 | hex_value(low)?)
    }

    /// Whether there is nothing but what is in `allowed`.
    #[must_use]
    pub fn within(self, allowed: Self) -> bool {
        self.0 & !allowed.0 == 0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn of(byte: u8) -> Option<Self> {
        let bit = Self::DELIMITERS.iter().position(|known| *known == byte)?;
        Some(Self(1 << bit))
    }
}

/// The canonical spelling of `path`, which may hold no escape of a delimiter.
///
/// # Errors
/// [`Ambiguity`] if there is none.
pub fn canonical_path(path: &str) -> Result<String, Ambiguity> {
    let (canonical, escapes) = spell(path)?;
    if escapes.is_empty() {
        Ok(canonical)
    } else {
        Err(Ambiguity::Escape)
    }
}

/// The canonical spelling of `path`, and the escapes of delimiters in it.
pub(super) fn spell(path: &str) -> Result<(String, Escapes), Ambiguity> {
    path.bytes().try_for_each(may_stand)?;
    let (canonical, escapes) = if path.contains('%') {
        unescape(path)?
    } else {
        (path.to_owned(), Escapes::default())
    };
    let below = canonical.strip_prefix('/').ok_or(Ambiguity::Url)?;
    let mut segments = below.split('/').peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() && segments.peek().is_some() {
            return Err(Ambiguity::EmptySegment);
        }
        if is_dot_segment(segment) {
            return Err(Ambiguity::DotSegment);
        }
    }
    Ok((canonical, escapes))
}

/// Whether a byte may stand in a path as it is.
fn may_stand(byte: u8) -> Result<(), Ambiguity> {
    match byte {
        0..=0x1f | 0x7f => Err(Ambiguity::Control),
        b';' => Err(Ambiguity::Parameter),
        b'#' => Err(Ambiguity::Fragment),
        b'?' => Err(Ambiguity::Url),
        b'\\' => Err(Ambiguity::Backslash),
        // The runtime encodes what is not ASCII; whatever arrives plain was not its doing.
        0x80.. => Err(Ambiguity::NotUtf8),
        _ => Ok(()),
    }
}

/// The one spelling of each escape in `path`, and the escapes of delimiters in it.
fn unescape(path: &str) -> Result<(String, Escapes), Ambiguity> {
    let mut escapes = Escapes::default();
    let mut canonical = String::with_capacity(path.len());
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            canonical.push(char::from(byte));
            continue;
        }
        let pair = bytes.next().zip(bytes.next()).ok_or(Ambiguity::BadEscape)?;
        let (high, low) = hex_value(pair.0)
            .zip(hex_value(pair.1))
            .ok_or(Ambiguity::BadEscape)?;
        let value = high << 4 | low;
        decoded.push(value);
        match value {
            0..=0x1f | 0x7f => return Err(Ambiguity::Escape),
            // RFC 3986, section 2.3: these mean the same encoded and plain.
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                canonical.push(char::from(value));
            }
            _ => {
                escapes = escapes.and(Escapes::of(value).unwrap_or_default());
                canonical.push('%');
                canonical.push(char::from(pair.0.to_ascii_uppercase()));
                canonical.push(char::from(pair.1.to_ascii_uppercase()));
            }
        }
    }
    // C1 controls hide behind two bytes of UTF-8.
    let text = core::str::from_utf8(&decoded).map_err(|_| Ambiguity::NotUtf8)?;
    if text.contains(char::is_control) {
        return Err(Ambiguity::Escape);
    }
    Ok((canonical, escapes))
}

/// Whether a segment of `path` is `.` or `..`.
pub fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(is_dot_segment)
}

fn is_dot_segment(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_spellings_become_one() {
        assert_eq!(
            canonical_path("/%61dmin%2D%7e/%c3%a9").unwrap(),
            "/admin-~/%C3%A9"
        );
        assert_eq!(canonical_path("/a%20b").unwrap(), "/a%20b");
    }

    #[test]
    fn every_escape_of_a_delimiter_or_control_is_refused() {
        for escape in [
            "%2f", "%2F", "%5c", "%00", "%3b", "%25", "%23", "%3f", "%0a", "%7F", "%1f", "%c2%85",
            "%C2%9F",
        ] {
            assert_eq!(
                canonical_path(&format!("/a{escape}b")),
                Err(Ambiguity::Escape),
                "{escape}"
            );
        }
    }

    #[test]
    fn whatever_two_parsers_could_read_differently_is_refused() {
        for (path, ambiguity) in [
            ("/a%", Ambiguity::BadEscape),
            ("/a%4", Ambiguity::BadEscape),
            ("/a%zz", Ambiguity::BadEscape),
            ("/a%+1", Ambiguity::BadEscape),
            ("/a%ff", Ambiguity::NotUtf8),
            ("/a%c3", Ambiguity::NotUtf8),
            ("/a%c0%af", Ambiguity::NotUtf8),
            ("/\u{e9}", Ambiguity::NotUtf8),
            ("/a\tb", Ambiguity::Control),
            ("/a;b", Ambiguity::Parameter),
            ("/a#b", Ambiguity::Fragment),
            ("/a?b", Ambiguity::Url),
            ("/a/..;/b", Ambiguity::Parameter),
            ("/a\\b", Ambiguity::Backslash),
            ("//a", Ambiguity::EmptySegment),
            ("/a//b", Ambiguity::EmptySegment),
            ("/a/../b", Ambiguity::DotSegment),
            ("/a/.", Ambiguity::DotSegment),
            ("/a/%2e%2E/b", Ambiguity::DotSegment),
            ("a", Ambiguity::Url),
            ("", Ambiguity::Url),
        ] {
            assert_eq!(canonical_path(path), Err(ambiguity), "{path}");
        }
    }

    #[test]
    fn only_the_escape_of_a_delimiter_can_be_named() {
        for escape in ["%2f", "%2F", "%5c", "%3b", "%25", "%23", "%3f"] {
            assert!(Escapes::parse(escape).is_some(), "{escape}");
        }
        for escape in ["%00", "%0a", "%61", "2f", "%2", "%2ff", "%+f", "", "%"] {
            assert_eq!(Escapes::parse(escape), None, "{escape}");
        }
    }

    proptest! {
        #[test]
        fn what_is_canonical_stays_canonical(
            path in "/([/.;%\\\\a]|%2e|%61|%2f|%25|%C3%A9|\t){0,10}",
        ) {
            if let Ok(canonical) = canonical_path(&path) {
                prop_assert_eq!(canonical_path(&canonical), Ok(canonical.clone()));
            }
        }

        #[test]
        fn decoding_a_canonical_path_once_more_adds_no_delimiter(
            path in "/([/.;%\\\\a#?]|%[0-9a-fA-F]{2}){0,10}",
        ) {
            if let Ok(canonical) = canonical_path(&path) {
                let twice = percent_decode(&canonical);
                let count = |text: &str, c| text.chars().filter(|found| *found == c).count();
                for delimiter in ['/', '\\', ';', '%', '\0'] {
                    prop_assert!(
                        count(&twice, delimiter) <= count(&canonical, delimiter),
                        "{} in {}", delimiter, canonical
                    );
                }
            }
        }
    }

    /// What an origin would do that decodes before it looks.
    fn percent_decode(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let (high, low) = (rest.next().unwrap(), rest.next().unwrap());
                bytes.push(hex_value(high).unwrap() << 4 | hex_value(low).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }
}
