//! Why a request is refused before anything is decided.

use core::fmt;

/// Why a request has more than one reading. `Display` tells the client what to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ambiguity {
    /// An escape that decodes to a delimiter or a control character.
    Escape,
    /// A `%` without two hexadecimal digits.
    BadEscape,
    /// Escapes that are not UTF-8.
    NotUtf8,
    /// A control character.
    Control,
    /// `;`, which some origins cut off.
    Parameter,
    /// `\`, which some origins read as `/`.
    Backslash,
    /// `//`, which some origins read as `/`.
    EmptySegment,
    /// `.` or `..`.
    DotSegment,
    /// `#`, which some origins cut off.
    Fragment,
    /// A body where the method has none.
    Body,
    /// Not exactly one `Host`.
    Host,
    /// A method that is no token in capitals, which some runtime would change.
    Method,
    /// A header whose name is no token.
    Header,
    /// A path that another reader could take for one with other rules.
    Policy,
    /// A URL that the runtime could not have made.
    Url,
}

impl fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Escape => {
                "The path must not hold an encoded slash, backslash, null, semicolon, percent \
                 sign, number sign, question mark or control character."
            }
            Self::BadEscape => "A % in the path must be followed by two hexadecimal digits.",
            Self::NotUtf8 => "The path must be UTF-8.",
            Self::Control => "The path must not hold control characters.",
            Self::Parameter => "The path must not hold a semicolon.",
            Self::Backslash => "The path must not hold a backslash.",
            Self::EmptySegment => "The path must not hold two slashes in a row.",
            Self::DotSegment => "The path must not hold . or .. as a segment.",
            Self::Fragment => "The request target must not hold a #.",
            Self::Body => "A GET or HEAD request must not have a body.",
            Self::Host => "The request must have exactly one Host.",
            Self::Method => "The method must be a token in capitals.",
            Self::Header => "Each header's name must be a token.",
            Self::Policy => {
                "The path can be mistaken for one with other rules: write it in its plain form."
            }
            Self::Url => "The request target cannot be read.",
        })
    }
}
