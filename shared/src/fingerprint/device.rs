//! What is compared of a device.

use crate::client_ip::ClientIp;

/// A property of the device that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    /// The client's network.
    Ip,
    /// `User-Agent`.
    UserAgent,
    /// `Accept-Language`.
    Language,
    /// `Sec-CH-UA-Platform` and `Sec-CH-UA-Mobile`.
    ClientHints,
}

impl Factor {
    /// All, in the order in which they are hashed.
    pub const ALL: [Self; 4] = [Self::Ip, Self::UserAgent, Self::Language, Self::ClientHints];

    /// The name in `FINGERPRINT_FACTORS`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::UserAgent => "user_agent",
            Self::Language => "language",
            Self::ClientHints => "client_hints",
        }
    }
}

/// What a request shows of its device. A header that is missing differs from an empty one.
#[derive(Clone, Copy, Debug)]
pub struct Device<'a> {
    /// The client's address.
    pub ip: ClientIp,
    /// `User-Agent`.
    pub user_agent: Option<&'a str>,
    /// `Accept-Language`.
    pub language: Option<&'a str>,
    /// `Sec-CH-UA-Platform`.
    pub platform: Option<&'a str>,
    /// `Sec-CH-UA-Mobile`.
    pub mobile: Option<&'a str>,
}

impl<'a> Device<'a> {
    /// The device at `ip` whose request has the headers that `header` finds by lower-case name.
    ///
    /// Both workers see a device through this: if they differed, nobody could stay signed in.
    pub fn of(ip: ClientIp, header: impl Fn(&'static str) -> Option<&'a str>) -> Self {
        Self {
            ip,
            user_agent: header("user-agent"),
            language: header("accept-language"),
            platform: header("sec-ch-ua-platform"),
            mobile: header("sec-ch-ua-mobile"),
        }
    }
}
