//! What the driver tells of a request.

/// A request as the runtime gives it: nothing in it has been checked.
///
/// It crosses into wasm as one text of lines: method, URL, `1` if there is a body, then a name
/// and a value for each header. None of these can hold a line break (RFC 9110, section 5.5).
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    /// The method as sent.
    pub method: &'a str,
    /// The absolute URL; scheme and host are the runtime's.
    pub url: &'a str,
    /// Whether the runtime holds a body.
    pub has_body: bool,
    /// Headers by lower-case name; lines of one name are joined by the runtime.
    pub headers: Vec<(&'a str, &'a str)>,
}

/// The most headers of a request; a browser sends some twenty.
const MOST_HEADERS: usize = 200;
/// The most bytes of all of them.
const MOST_BYTES: usize = 64 * 1024;
/// The most names in `Connection`; there is rarely more than one.
const MOST_CONNECTION_NAMES: usize = 32;

impl<'a> Facts<'a> {
    /// Whether the headers are more than any honest client's: each costs time and memory, of which
    /// a request without a session should get little.
    pub fn are_excessive(&self) -> bool {
        let bytes = |(name, value): &(&str, &str)| name.len().saturating_add(value.len());
        let connection = self.header("connection").unwrap_or_default();
        self.headers.len() > MOST_HEADERS
            || self.headers.iter().map(bytes).sum::<usize>() > MOST_BYTES
            || connection.split(',').count() > MOST_CONNECTION_NAMES
    }

    /// Reads the driver's text; `None` if it is cut off.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut lines = text.split('\n');
        let (method, url) = (lines.next()?, lines.next()?);
        let has_body = lines.next()? == "1";
        let mut headers = Vec::with_capacity(24);
        while let Some(name) = lines.next() {
            headers.push((name, lines.next()?));
        }
        Some(Self {
            method,
            url,
            has_body,
            headers,
        })
    }

    /// The value of the header `name`, given in lower case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }

    /// Whether the client asks for a WebSocket, which it can with GET alone (RFC 6455, section
    /// 4.1): the runtime would turn any other method into it.
    pub fn is_websocket(&self) -> bool {
        self.method == "GET"
            && self
                .header("upgrade")
                .is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_driver_writes() {
        let facts = Facts::parse("GET\nhttps://a.test/\n0\nhost\na.test\naccept\n").unwrap();
        assert_eq!(
            (facts.method, facts.url, facts.has_body),
            ("GET", "https://a.test/", false)
        );
        assert_eq!(facts.header("host"), Some("a.test"));
        assert_eq!(facts.header("accept"), Some(""));
        assert_eq!(facts.header("cookie"), None);
    }

    #[test]
    fn a_text_that_is_cut_off_is_refused() {
        for text in [
            "",
            "GET",
            "GET\nhttps://a.test/",
            "GET\nhttps://a.test/\n0\nhost",
        ] {
            assert!(Facts::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_post_is_no_websocket_whatever_it_asks_for() {
        let is_websocket = |method| {
            let headers = vec![("upgrade", "WebSocket")];
            let facts = Facts {
                method,
                headers,
                ..Facts::default()
            };
            facts.is_websocket()
        };
        assert!(is_websocket("GET"));
        assert!(!is_websocket("POST"));
    }
}
