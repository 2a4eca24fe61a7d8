//! The one parser of a request's target.
//!
//! Of the published flaws of gateways, more than four in ten are one: the gateway reads a request
//! one way and the origin another. So a request is parsed once, here; policy, log and the origin's
//! URL are all taken from the result, and a target that two parsers could read differently is
//! refused. A runtime may have resolved dot segments and turned `\` into `/` before us, by the
//! WHATWG rules; where it has not, they are refused here.

use core::fmt;

use crate::facts::Facts;

/// A request whose target has one reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalRequest {
    /// The method as sent.
    pub method: String,
    /// Scheme, `://`, host and port, as the runtime gives them.
    pub origin: String,
    /// The path: begins with `/`, escapes in capitals, unreserved characters decoded.
    pub path: String,
    /// The query as received, without `?`.
    pub query: Option<String>,
}

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
            Self::Url => "The request target cannot be read.",
        })
    }
}

impl CanonicalRequest {
    /// Parses a request.
    ///
    /// # Errors
    /// [`Ambiguity`] if it has more than one reading.
    pub fn parse(facts: &Facts<'_>) -> Result<Self, Ambiguity> {
        if matches!(facts.method, "GET" | "HEAD") && carries_body(facts) {
            return Err(Ambiguity::Body);
        }
        let (scheme, rest) = facts.url.split_once("://").ok_or(Ambiguity::Url)?;
        if rest.contains('#') {
            return Err(Ambiguity::Fragment);
        }
        let (authority, target) = rest
            .find('/')
            .and_then(|at| rest.split_at_checked(at))
            .ok_or(Ambiguity::Url)?;
        if authority.is_empty() || authority.contains(['@', '?', '\\']) {
            return Err(Ambiguity::Url);
        }
        if facts
            .header("host")
            .is_some_and(|host| !names(host, scheme, authority))
        {
            return Err(Ambiguity::Host);
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        Ok(Self {
            method: facts.method.to_owned(),
            origin: format!("{scheme}://{authority}"),
            path: canonical_path(path)?,
            query,
        })
    }

    /// Path and query, as a client would write them.
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        self.origin
            .split_once("://")
            .map_or("", |(_, authority)| authority)
    }

    /// The scheme.
    pub fn scheme(&self) -> &str {
        self.origin
            .split_once("://")
            .map_or("", |(scheme, _)| scheme)
    }
}

/// Whether `Host` names the authority of the URL that the runtime made of it, and nothing more:
/// what else it holds could have become part of the path.
fn names(host: &str, scheme: &str, authority: &str) -> bool {
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let bare = host.strip_suffix(default_port).unwrap_or(host);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    host.bytes().all(is_plain)
        && (host.eq_ignore_ascii_case(authority) || bare.eq_ignore_ascii_case(authority))
}

/// Whether anything announces a body (RFC 9112, section 6). Content on GET is what request
/// smuggling is made of.
fn carries_body(facts: &Facts<'_>) -> bool {
    let length = facts.header("content-length").unwrap_or("0");
    facts.has_body
        || facts.header("transfer-encoding").is_some()
        || !length.bytes().all(|byte| byte == b'0')
}

/// The canonical spelling of `path`.
///
/// # Errors
/// [`Ambiguity`] if there is none.
pub fn canonical_path(path: &str) -> Result<String, Ambiguity> {
    let mut canonical = String::with_capacity(path.len());
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let pair = bytes.next().zip(bytes.next()).ok_or(Ambiguity::BadEscape)?;
                let (high, low) = hex_value(pair.0)
                    .zip(hex_value(pair.1))
                    .ok_or(Ambiguity::BadEscape)?;
                let value = high << 4 | low;
                decoded.push(value);
                match value {
                    b'/' | b'\\' | b';' | b'%' | b'#' | b'?' | 0..=0x1f | 0x7f => {
                        return Err(Ambiguity::Escape);
                    }
                    // RFC 3986, section 2.3: these mean the same encoded and plain.
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        canonical.push(char::from(value));
                    }
                    _ => {
                        canonical.push('%');
                        canonical.push(char::from(pair.0.to_ascii_uppercase()));
                        canonical.push(char::from(pair.1.to_ascii_uppercase()));
                    }
                }
            }
            0..=0x1f | 0x7f => return Err(Ambiguity::Control),
            b';' => return Err(Ambiguity::Parameter),
            b'#' => return Err(Ambiguity::Fragment),
            b'?' => return Err(Ambiguity::Url),
            b'\\' => return Err(Ambiguity::Backslash),
            // The runtime encodes what is not ASCII; whatever arrives plain was not its doing.
            0x80.. => return Err(Ambiguity::NotUtf8),
            _ => {
                decoded.push(byte);
                canonical.push(char::from(byte));
            }
        }
    }
    // C1 controls hide behind two bytes of UTF-8.
    let text = core::str::from_utf8(&decoded).map_err(|_| Ambiguity::NotUtf8)?;
    if text.contains(char::is_control) {
        return Err(Ambiguity::Escape);
    }
    if !canonical.starts_with('/') {
        return Err(Ambiguity::Url);
    }
    if canonical.contains("//") {
        return Err(Ambiguity::EmptySegment);
    }
    if canonical
        .split('/')
        .any(|segment| matches!(segment, "." | ".."))
    {
        return Err(Ambiguity::DotSegment);
    }
    Ok(canonical)
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

    fn parse(method: &str, url: &str, headers: &[(&str, &str)]) -> Result<String, Ambiguity> {
        let facts = Facts {
            method,
            url,
            has_body: false,
            headers: headers.to_vec(),
        };
        CanonicalRequest::parse(&facts).map(|request| request.target())
    }

    #[test]
    fn a_plain_target_stays_as_it_is() {
        for target in [
            "/",
            "/app/hello?a=b&c=%2f//..;",
            "/a.b/..c/@x:y,z=1+(2)!$&'*~",
            "/a?",
        ] {
            assert_eq!(
                parse("GET", &format!("https://a.test{target}"), &[]).unwrap(),
                target
            );
        }
    }

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
    fn a_get_with_a_body_is_refused() {
        let url = "https://a.test/";
        for method in ["GET", "HEAD"] {
            for header in [("content-length", "1"), ("transfer-encoding", "chunked")] {
                assert_eq!(
                    parse(method, url, &[header]),
                    Err(Ambiguity::Body),
                    "{method}"
                );
            }
            assert!(parse(method, url, &[("content-length", "0")]).is_ok());
        }
        assert!(parse("POST", url, &[("content-length", "1")]).is_ok());
    }

    #[test]
    fn a_repeated_host_a_fragment_or_user_information_is_refused() {
        for host in [
            "a.test, b.test",
            "a.test/public",
            "a.test?",
            "b.test",
            "a.test:8443",
            "",
            "a'b",
        ] {
            let parsed = parse("GET", "https://a.test/", &[("host", host)]);
            assert_eq!(parsed, Err(Ambiguity::Host), "{host}");
        }
        for host in ["a.test", "A.test", "a.test:443"] {
            assert!(
                parse("GET", "https://a.test/", &[("host", host)]).is_ok(),
                "{host}"
            );
        }
        assert_eq!(
            parse("GET", "https://a.test/a#b", &[]),
            Err(Ambiguity::Fragment)
        );
        assert_eq!(parse("GET", "https://u@a.test/", &[]), Err(Ambiguity::Url));
        assert_eq!(parse("GET", "/a", &[]), Err(Ambiguity::Url));
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
