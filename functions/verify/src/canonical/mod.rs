//! The one parser of a request's target.
//!
//! Of the published flaws of gateways, more than four in ten are one: the gateway reads a request
//! one way and the origin another. So a request is parsed once, here; policy, log and the origin's
//! URL are all taken from the result, and a target that two parsers could read differently is
//! refused. Escapes of delimiters are told apart, because a protected route may take them. A
//! runtime may have resolved dot segments and turned `\` into `/` before us, by the WHATWG rules;
//! where it has not, they are refused here.

mod ambiguity;
mod path;

use authflow_shared::redirect::split_scheme;

use self::path::spell;
pub use self::{
    ambiguity::Ambiguity,
    path::{Escapes, canonical_path, has_dot_segment},
};
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
    /// What escapes of delimiters the path holds: only a route that allows each of them takes it.
    pub escapes: Escapes,
    /// The query as received, without `?`.
    pub query: Option<String>,
    /// Whether there is a body to send on.
    pub has_body: bool,
}

// === impl CanonicalRequest ===

impl CanonicalRequest {
    /// Parses a request. Whether [`CanonicalRequest::escapes`] may stand is the route's to say.
    ///
    /// # Errors
    /// [`Ambiguity`] if it has more than one reading.
    pub fn parse(facts: &Facts<'_>) -> Result<Self, Ambiguity> {
        if !is_token(facts.method) || facts.method.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(Ambiguity::Method);
        }
        if !facts.headers.iter().all(|(name, _)| is_token(name)) {
            return Err(Ambiguity::Header);
        }
        if matches!(facts.method, "GET" | "HEAD") && carries_body(facts) {
            return Err(Ambiguity::Body);
        }
        let (scheme, rest) = split_scheme(facts.url).ok_or(Ambiguity::Url)?;
        if rest.contains('#') {
            return Err(Ambiguity::Fragment);
        }
        let (authority, _) = rest.split_once('/').ok_or(Ambiguity::Url)?;
        if authority.is_empty() || authority.contains(['@', '?', '\\']) {
            return Err(Ambiguity::Url);
        }
        if facts
            .header("host")
            .is_some_and(|host| !names(host, scheme, authority))
        {
            return Err(Ambiguity::Host);
        }
        // Both begin where the authority ends.
        let length = facts.url.len() - rest.len() + authority.len();
        let (origin, target) = facts.url.split_at_checked(length).ok_or(Ambiguity::Url)?;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let (path, escapes) = spell(path)?;
        Ok(Self {
            method: facts.method.to_owned(),
            origin: origin.to_owned(),
            path,
            escapes,
            query,
            has_body: has_body(facts),
        })
    }

    /// Path and query, as a client would write them.
    pub fn target(&self) -> String {
        self.target_below(&self.path)
    }

    /// `path`, which an origin knows this one by, and the query.
    pub fn target_below(&self, path: &str) -> String {
        match &self.query {
            Some(query) => [path, "?", query].concat(),
            None => path.to_owned(),
        }
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        split_scheme(&self.origin).map_or("", |(_, authority)| authority)
    }

    /// Host, and port where it is not the scheme's own.
    pub fn host(&self) -> &str {
        let authority = self.authority();
        let bare = authority.strip_suffix(default_port(self.scheme()));
        bare.unwrap_or(authority)
    }

    /// The scheme.
    pub fn scheme(&self) -> &str {
        split_scheme(&self.origin).map_or("", |(scheme, _)| scheme)
    }
}

fn default_port(scheme: &str) -> &'static str {
    if scheme == "https" { ":443" } else { ":80" }
}

/// Whether `Host` names the authority of the URL that the runtime made of it, and nothing more:
/// what else it holds could have become part of the path.
fn names(host: &str, scheme: &str, authority: &str) -> bool {
    let bare = host.strip_suffix(default_port(scheme)).unwrap_or(host);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    host.bytes().all(is_plain)
        && (host.eq_ignore_ascii_case(authority) || bare.eq_ignore_ascii_case(authority))
}

/// Whether `text` is a token (RFC 9110, section 5.6.2).
pub fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// Whether anything announces a body (RFC 9112, section 6). Content on GET is what request
/// smuggling is made of.
fn carries_body(facts: &Facts<'_>) -> bool {
    has_body(facts)
        || facts.header("transfer-encoding").is_some()
        || facts
            .header("content-length")
            .is_some_and(|length| !is_zero(length))
}

/// Whether the runtime holds a body; it does so, too, where the client says that it is empty.
fn has_body(facts: &Facts<'_>) -> bool {
    facts.has_body && !facts.header("content-length").is_some_and(is_zero)
}

fn is_zero(length: &str) -> bool {
    !length.is_empty() && length.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
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
            let empty = Facts {
                method,
                url,
                has_body: true,
                headers: vec![("content-length", "00")],
            };
            assert!(!CanonicalRequest::parse(&empty).unwrap().has_body);
            let announced_by_nobody = Facts {
                has_body: true,
                headers: Vec::new(),
                ..empty
            };
            assert_eq!(
                CanonicalRequest::parse(&announced_by_nobody),
                Err(Ambiguity::Body)
            );
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

    #[test]
    fn a_method_that_some_runtime_would_change_is_refused() {
        for method in ["", "get", "Post", "GET ", "G\tET"] {
            let parsed = parse(method, "https://a.test/", &[]);
            assert_eq!(parsed, Err(Ambiguity::Method), "{method}");
        }
        assert!(parse("M-SEARCH", "https://a.test/", &[]).is_ok());
    }

    #[test]
    fn a_header_whose_name_is_no_token_is_refused() {
        for name in ["", "x-user-id ", "x\ty", "x:y", "x\u{e9}"] {
            let parsed = parse("GET", "https://a.test/", &[(name, "a")]);
            assert_eq!(parsed, Err(Ambiguity::Header), "{name}");
        }
    }

    #[test]
    fn a_host_is_the_same_with_and_without_the_usual_port() {
        for (url, host) in [
            ("http://App.test:80/", "App.test"),
            ("https://app.test:443/", "app.test"),
            ("https://app.test:80/", "app.test:80"),
            ("http://app.test:8080/", "app.test:8080"),
        ] {
            let facts = Facts {
                method: "GET",
                url,
                ..Facts::default()
            };
            assert_eq!(CanonicalRequest::parse(&facts).unwrap().host(), host);
        }
    }

    #[test]
    fn escapes_of_delimiters_are_told_apart() {
        let facts = Facts {
            method: "GET",
            url: "https://a.test/a%2fb%25",
            ..Facts::default()
        };
        let request = CanonicalRequest::parse(&facts).unwrap();
        assert_eq!(request.path, "/a%2Fb%25");
        let escape = |text| Escapes::parse(text).unwrap();
        assert_eq!(request.escapes, escape("%2F").and(escape("%25")));
        assert!(!request.escapes.within(escape("%2f")));
    }
}
