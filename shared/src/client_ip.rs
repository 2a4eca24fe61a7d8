//! The client's address.
//!
//! Only the edge knows it: Cloudflare sets `CF-Connecting-IP` and lets no client set it; elsewhere
//! one's own load balancer sets a header that the configuration names. No other header is read.

use core::{fmt, net::IpAddr};
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address in its one canonical form: an IPv4-mapped IPv6 address is the IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientIp(IpAddr);

/// Where the address comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The header that the edge sets, in lower case.
    pub header: String,
    /// The address of a request without that header; for a developer's machine only.
    pub fallback: Option<ClientIp>,
}

impl ClientIp {
    /// Reads an address without port or brackets.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<IpAddr>()
            .ok()
            .map(|ip| Self(ip.to_canonical()))
    }

    /// What stands for one subscriber: an IPv4 address whole, the /64 of an IPv6 one.
    ///
    /// A subscriber can choose among 2^64 addresses of a /64, and browsers do.
    #[must_use]
    pub fn network(self) -> Network {
        match self.0 {
            IpAddr::V4(ip) => Network::V4(ip),
            IpAddr::V6(ip) => Network::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        }
    }
}

impl ClientIp {
    /// Enough of the address for its owner to recognise it: the /24 of an IPv4 address, the /48 of
    /// an IPv6 one.
    pub fn hint(self) -> String {
        match self.0 {
            IpAddr::V4(ip) => format!("{}/24", Ipv4Addr::from_bits(ip.to_bits() >> 8 << 8)),
            IpAddr::V6(ip) => format!("{}/48", Ipv6Addr::from_bits(ip.to_bits() >> 80 << 80)),
        }
    }
}

impl fmt::Display for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// See [`ClientIp::network`]. `Display` is one spelling for each network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Network {
    /// One address.
    V4(Ipv4Addr),
    /// The first 64 bits; the others are zero.
    V6(Ipv6Addr),
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(ip) => ip.fmt(f),
            Self::V6(prefix) => write!(f, "{prefix}/64"),
        }
    }
}

impl Source {
    /// The address, from the value of the header that [`Source::header`] names.
    ///
    /// `None` if there is none, or one that cannot be read: the request is refused then, because
    /// fingerprint and limits would stand on nothing.
    pub fn read(&self, header: Option<&str>) -> Option<ClientIp> {
        match header {
            Some(value) => ClientIp::parse(value.trim()),
            None => self.fallback,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> String {
        ClientIp::parse(text).unwrap().network().to_string()
    }

    #[test]
    fn every_spelling_of_an_address_is_one_network() {
        for text in [
            "2001:db8::1",
            "2001:DB8::1",
            "2001:0db8:0:0:0:0:0:1",
            "2001:db8:0::1",
        ] {
            assert_eq!(network(text), "2001:db8::/64", "{text}");
        }
        for text in [
            "192.0.2.1",
            "::ffff:192.0.2.1",
            "::FFFF:192.0.2.1",
            "::ffff:c000:0201",
        ] {
            assert_eq!(network(text), "192.0.2.1", "{text}");
        }
    }

    #[test]
    fn a_slash_64_is_one_subscriber_and_the_next_is_another() {
        let host = network("2001:db8:abcd:1234:1111:2222:3333:4444");
        assert_eq!(host, network("2001:db8:abcd:1234:ffff:ffff:ffff:ffff"));
        assert_ne!(
            network("2001:db8:abcd:1111::1"),
            network("2001:db8:abcd:2222::1")
        );
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "999.999.999.999",
            "192.0.2",
            "10.0.0.0/8",
            "[::1]",
            "1.2.3.4:5",
            "a, b",
        ] {
            assert_eq!(ClientIp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_unreadable_header_does_not_fall_back() {
        let source = Source {
            header: "cf-connecting-ip".into(),
            fallback: ClientIp::parse("127.0.0.1"),
        };
        assert_eq!(source.read(Some("garbage")), None);
        assert_eq!(source.read(Some("1.2.3.4, 5.6.7.8")), None);
        assert_eq!(source.read(None), ClientIp::parse("127.0.0.1"));
        assert_eq!(source.read(Some(" ::1 ")), ClientIp::parse("::1"));
    }
}
