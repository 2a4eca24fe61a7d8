//! Where a person may be sent after signing in: the one maker of such a `Location`.
//!
//! `next` comes from the address bar, so anybody can write it. It is accepted only if a browser
//! (WHATWG URL, section 4.4) that resolves it against our origin stays on an allowed origin, both
//! as given and percent-decoded once, because what is decoded late has fooled many before us.
//! Everything else becomes the gateway's own `/`.

use core::fmt;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// Bytes that cannot stand in a `Location` as they are.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Scheme, host and port, in the spelling a browser gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Reads `http://host[:port]` or `https://host[:port]`, with nothing behind but one slash.
    pub fn parse(text: &str) -> Option<Self> {
        let (origin, rest) = split_origin(text)?;
        matches!(rest, "" | "/").then_some(origin)
    }

    /// The origin, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Splits a URL at the `://` after its scheme.
pub fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    Some((scheme, rest.strip_prefix("//")?))
}

/// Splits an absolute http(s) URL into its origin and what follows.
///
/// `None` for user information, odd characters in the host, and everything else that two readers
/// could read differently.
pub fn split_origin(url: &str) -> Option<(Origin, &str)> {
    let (scheme, rest) = split_scheme(url)?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => "80",
        "https" => "443",
        _ => return None,
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    let authority = authority.to_ascii_lowercase();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority.as_str(), None),
    };
    let ipv6 = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host_is_plain = match ipv6 {
        Some(ip) => ip.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    };
    let origin = match port {
        _ if !host_is_plain => return None,
        None => format!("{scheme}://{host}"),
        Some(port) if port == default_port => format!("{scheme}://{host}"),
        Some(port) => {
            let number: u16 = port.parse().ok()?;
            if number.to_string() != port {
                return None;
            }
            format!("{scheme}://{host}:{port}")
        }
    };
    Some((Origin(origin), rest))
}

/// Which targets are allowed.
#[derive(Clone, Debug)]
pub struct Targets {
    /// The origin against which a relative target is resolved, and whose `/` stands for any target
    /// that is refused.
    pub base: Origin,
    /// The origins on which a target may lie.
    pub allowed: Vec<Origin>,
}

impl Targets {
    /// The absolute URL to send a person to who asked for `next`.
    pub fn resolve(&self, next: &str) -> String {
        self.accept(next)
            .unwrap_or_else(|| format!("{}/", self.base))
    }

    /// The absolute URL of `next`, if it is allowed.
    pub fn accept(&self, next: &str) -> Option<String> {
        // A browser would drop these; nobody who means well sends them.
        if next.contains(|c: char| c.is_control()) || next.trim() != next || next.is_empty() {
            return None;
        }
        let decoded = percent_decode_str(next).decode_utf8_lossy();
        let target = self.landing(next)?;
        self.landing(&decoded)?;
        Some(utf8_percent_encode(&target, UNSAFE).to_string())
    }

    /// Where a browser at [`Targets::base`] lands that follows `reference`, if that is allowed.
    fn landing(&self, reference: &str) -> Option<String> {
        let reference: String = browser_sees(reference);
        let path_end = reference.find(['?', '#']).unwrap_or(reference.len());
        let (path, tail) = reference.split_at_checked(path_end)?;
        let path = path.replace('\\', "/");
        let url = if path.starts_with("//") {
            return None;
        } else if path.starts_with('/') {
            format!("{}{path}{tail}", self.base)
        } else if has_scheme(&path) {
            let url = format!("{path}{tail}");
            let (origin, rest) = split_origin(&url)?;
            if !self.allowed.contains(&origin) {
                return None;
            }
            let slash = if rest.starts_with('/') { "" } else { "/" };
            format!("{origin}{slash}{rest}")
        } else {
            format!("{}/{path}{tail}", self.base)
        };
        let (origin, _) = split_origin(&url)?;
        self.allowed.contains(&origin).then_some(url)
    }
}

/// A browser trims controls and spaces at the ends and drops tabs and line breaks everywhere.
fn browser_sees(reference: &str) -> String {
    reference
        .trim_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .collect()
}

/// Whether the reference begins with a scheme, as in `javascript:`.
fn has_scheme(path: &str) -> bool {
    path.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn targets() -> Targets {
        let origin = |text| Origin::parse(text).unwrap();
        let base = origin("https://app.example.com");
        Targets {
            allowed: vec![base.clone(), origin("https://docs.example.com:8443")],
            base,
        }
    }

    #[track_caller]
    fn accepts(next: &str, expected: &str) {
        assert_eq!(targets().resolve(next), expected, "{next:?}");
    }

    #[track_caller]
    fn refuses(next: &str) {
        assert_eq!(targets().accept(next), None, "{next:?}");
    }

    #[test]
    fn accepts_what_stays_with_us() {
        accepts("/", "https://app.example.com/");
        accepts("/a/b?c=d#e", "https://app.example.com/a/b?c=d#e");
        accepts("?a=b", "https://app.example.com/?a=b");
        accepts("a/b", "https://app.example.com/a/b");
        accepts("https://app.example.com", "https://app.example.com/");
        accepts("HTTPS://APP.example.com:443/a", "https://app.example.com/a");
        accepts(
            "https://docs.example.com:8443/a?b",
            "https://docs.example.com:8443/a?b",
        );
    }

    #[test]
    fn accepts_addresses_that_only_look_odd() {
        accepts("/app?q=caf%E9", "https://app.example.com/app?q=caf%E9");
        accepts(
            "/app?u=https://x.test/y",
            "https://app.example.com/app?u=https://x.test/y",
        );
        accepts(
            "/cb?u=https%3A%2F%2Fx.test",
            "https://app.example.com/cb?u=https%3A%2F%2Fx.test",
        );
        accepts("/@a/+b;c/é", "https://app.example.com/@a/+b;c/%C3%A9");
        accepts(
            "/dashboard?email=1@example.test",
            "https://app.example.com/dashboard?email=1@example.test",
        );
    }

    #[test]
    fn refuses_other_origins() {
        for next in [
            "https://evil.test/",
            "http://app.example.com/",
            "https://app.example.com.evil.test/",
            "https://app.example.comevil.test/",
            "https://app.example.com@evil.test/",
            "https://user@app.example.com/",
            "https://app.example.com:8443/",
            "https://docs.example.com/",
            "https://evil.test?.example.com",
            "https://app.example.com%2eevil.test/",
            "https:///evil.test",
            "https:evil.test",
            "https:/evil.test",
            "ftp://app.example.com/",
            "javascript:alert(1)",
            "data:text/html,x",
        ] {
            refuses(next);
        }
    }

    #[test]
    fn refuses_what_a_browser_reads_as_another_host() {
        for next in [
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\/evil.test",
            "\\\\evil.test",
            "/\t/evil.test",
            "/\n/evil.test",
            "/\r\\evil.test",
            "\t//evil.test",
            " //evil.test",
            "/%09/evil.test",
            "/%0a/evil.test",
            "/%0d%5cevil.test",
            "/%2fevil.test",
            "/%5cevil.test",
            "%2f%2fevil.test",
            "%2f/evil.test",
            "https:%2f%2fevil.test",
            "%68ttps://evil.test",
            "/\u{0}",
            "",
        ] {
            refuses(next);
        }
    }

    #[test]
    fn what_is_refused_becomes_the_gateways_root() {
        accepts("//evil.test", "https://app.example.com/");
    }

    #[test]
    fn an_origin_has_one_spelling() {
        let parse = |text| Origin::parse(text).map(|origin| origin.to_string());
        assert_eq!(
            parse("HTTP://LocalHost:8000/").as_deref(),
            Some("http://localhost:8000")
        );
        assert_eq!(
            parse("https://a.test:443").as_deref(),
            Some("https://a.test")
        );
        assert_eq!(
            parse("http://[::1]:8000").as_deref(),
            Some("http://[::1]:8000")
        );
        for text in [
            "a.test",
            "http://",
            "http://a.test/x",
            "http://a:b@c",
            "http://a:080",
            "http://a:99999",
            "http://a b",
            "http://[::1",
            "http://[zz]",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_location_is_on_an_allowed_origin(
            next in "(https?|[/\\\\:@?#%.\t\n]|%2f|%5c|%09|evil\\.test|app\\.example\\.com){0,8}",
        ) {
            let location = targets().resolve(&next);
            let allowed = ["https://app.example.com/", "https://docs.example.com:8443/"];
            prop_assert!(allowed.iter().any(|origin| location.starts_with(origin)), "{}", location);
            prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{}", location);
        }
    }
}
