//! Where a link may lead on to.

use std::net::IpAddr;

use axum::http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{call::Call, config::Config};

/// What Go's `url.QueryEscape` leaves as it is, beside letters and digits.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The address a request names, by header, query or `Referer`. One that is not allowed is passed
/// over without an error.
pub(super) fn requested<'a>(config: &Config, call: &'a Call) -> Option<&'a str> {
    [
        call.header("redirect_to"),
        call.query("redirect_to"),
        call.header("referer"),
    ]
    .into_iter()
    .flatten()
    .find(|address| is_allowed(config, address))
}

/// Allowed are the site's origin, those in the configuration, and each loopback IP address.
pub(super) fn is_allowed(config: &Config, address: &str) -> bool {
    let Some(target) = Origin::of(address) else {
        return false;
    };
    let site = Origin::of(&config.site_url);
    let on_localhost = site.as_ref().is_some_and(|site| site.host == "localhost");
    target.is_loopback()
        || site.as_ref() == Some(&target)
        || (on_localhost && target.host == "localhost")
        || config
            .redirect_origins
            .iter()
            .any(|origin| Origin::of(origin).as_ref() == Some(&target))
}

#[derive(PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    fn of(address: &str) -> Option<Self> {
        let uri: Uri = address.parse().ok()?;
        Some(Self {
            scheme: uri.scheme_str()?.to_owned(),
            host: uri.host()?.to_owned(),
            port: uri.port_u16(),
        })
    }

    fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// Encodes a value for a query.
pub(super) fn encode(value: &str) -> String {
    utf8_percent_encode(value, QUERY)
        .to_string()
        .replace("%20", "+")
}

/// Fields as Go's `url.Values.Encode` writes them: sorted by name.
pub(super) fn encode_fields(fields: &[(String, String)]) -> String {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    fields.join("&")
}

#[cfg(test)]
pub(super) mod tests {
    use super::{super::Settings, *};

    pub(in super::super) fn config(site_url: &str) -> Config {
        Config::new(&Settings {
            url: "http://localhost:9999".to_owned(),
            site_url: site_url.to_owned(),
            gateway_url: "https://preview.example.test".to_owned(),
            anon_key: String::new(),
            service_key: String::new(),
            jwt_secret: String::new(),
            autoconfirm: false,
            postgres: None,
        })
    }

    #[track_caller]
    fn allows(address: &str, expected: bool) {
        assert_eq!(
            is_allowed(&config("https://app.example.test"), address),
            expected,
            "{address}"
        );
    }

    #[test]
    fn allows_what_the_recordings_allow() {
        allows("https://app.example.test/any/path", true);
        allows("https://preview.example.test/welcome?x=1", true);
        allows("http://127.0.0.1:3000/dev", true);
        allows("http://localhost:3000/dev", false);
        allows("https://app.example.test:8443/any", false);
        allows("http://app.example.test/any", false);
        allows("https://evil.example/x", false);
        allows("/welcome", false);
    }

    #[test]
    fn any_port_of_localhost_is_allowed_for_a_site_there() {
        assert!(is_allowed(
            &config("http://localhost:8001"),
            "http://localhost:3000/dev"
        ));
    }

    #[test]
    fn encodes_as_go_does() {
        assert_eq!(encode("a b/c?d=é~"), "a+b%2Fc%3Fd%3D%C3%A9~");
    }
}
