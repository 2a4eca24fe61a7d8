//! Where Redis is.

use std::{fmt, str::FromStr};

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// What is asked for the Redis that takes writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One server, always the same.
    Server(Address),
    /// Whichever these Sentinels say.
    Sentinels {
        /// All that are known; it is enough if most of them answer.
        addresses: Vec<Address>,
        /// The name under which they watch it.
        master: String,
    },
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(formatter, "[{host}]:{port}")
        } else {
            write!(formatter, "{host}:{port}")
        }
    }
}

impl FromStr for Address {
    type Err = &'static str;

    /// What is wrong is told without the text, which may hold a password.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || "it is not host:port";
        let (host, port) = text.rsplit_once(':').ok_or_else(fault)?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        // Without brackets nobody knows where an IPv6 address ends.
        let host = match bare {
            Some(host) => host,
            None if host.contains(':') => return Err(fault()),
            None => host,
        };
        let is_plain = !host.is_empty() && !host.contains(['/', '@', '[', ']', ' ', '?', '#']);
        match port.parse() {
            Ok(port) if is_plain && port != 0 => Ok(Self {
                host: host.to_owned(),
                port,
            }),
            _ => Err(fault()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(address) => address.fmt(formatter),
            Self::Sentinels { master, .. } => write!(formatter, "{master}, by its Sentinels"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_addresses_and_writes_them_the_same() {
        for text in ["redis:6379", "127.0.0.1:1", "[::1]:65535"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_names_no_place() {
        for text in [
            "",
            "redis",
            "redis:",
            ":6379",
            "redis:0",
            "redis:65536",
            "::1:6379",
            "a@b:1",
            "redis://a:1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
