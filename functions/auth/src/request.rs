//! What is known of a request.

use core::fmt;

/// A request, as far as anything here looks at it.
pub struct Request {
    /// The method as sent.
    pub method: String,
    /// The URL's path as the runtime gives it, still percent-encoded.
    pub path: String,
    /// What follows `?`, or nothing.
    pub query: String,
    /// Names in lower case; the runtime has joined lines of one name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

/// A request's body.
pub enum Body {
    /// All of it; empty if there is none.
    Text(String),
    /// There are more than 16 KiB, which nobody has read.
    TooLarge,
    /// It is not UTF-8, or it broke off.
    Unreadable,
}

impl Request {
    /// The value of the header `name`, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known == name);
        header.map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::TooLarge => "TooLarge",
            Self::Unreadable => "Unreadable",
        })
    }
}
