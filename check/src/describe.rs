//! Rules and addresses, in words.

use authflow_shared::redirect::split_origin;
use authflow_verify::routes::Policy;

/// Who may use a route, as in `session, role admin or root, aal2`.
pub(crate) fn rules(policy: &Policy) -> String {
    let demands = demands(policy);
    if demands.is_empty() {
        access(policy).to_owned()
    } else {
        format!("{}, {demands}", access(policy))
    }
}

/// `public` or `session`.
pub(crate) fn access(policy: &Policy) -> &'static str {
    match policy {
        Policy::Public => "public",
        Policy::Session { .. } => "session",
    }
}

/// What a session must have, as in `role admin or root, aal2`; nothing if any will do.
pub(crate) fn demands(policy: &Policy) -> String {
    let Policy::Session {
        roles,
        second_factor,
    } = policy
    else {
        return String::new();
    };
    let roles = (!roles.is_empty()).then(|| format!("role {}", roles.join(" or ")));
    let factor = second_factor.then(|| "aal2".to_owned());
    let demands: Vec<_> = roles.into_iter().chain(factor).collect();
    demands.join(", ")
}

/// Whether what goes to `url` is read and changed on its way by whoever likes to.
pub(crate) fn is_plain_http(url: &str) -> bool {
    split_origin(url).is_some_and(|(origin, _)| {
        origin.as_str().starts_with("http:") && !is_loopback(host(origin.as_str()))
    })
}

/// Host and port of an origin.
pub(crate) fn authority(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, rest)| rest)
}

/// The host of an origin.
pub(crate) fn host(origin: &str) -> &str {
    let authority = authority(origin);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Whether a host is this very machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']');
    let ip: Result<std::net::IpAddr, _> = ip.parse();
    host == "localhost" || host.ends_with(".localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_told_from_its_port() {
        for (origin, expected) in [
            ("https://a.test", "a.test"),
            ("https://a.test:8443", "a.test"),
            ("http://[::1]:80", "[::1]"),
            ("http://[::1]", "[::1]"),
        ] {
            assert_eq!(host(origin), expected);
        }
    }

    #[test]
    fn loopback_alone_may_go_without_encryption() {
        for url in [
            "http://a.test",
            "HTTP://A.test/x",
            "http://192.168.0.1:80",
            "http://a.internal",
        ] {
            assert!(is_plain_http(url), "{url}");
        }
        for url in [
            "https://a.test",
            "http://localhost:9000/x",
            "http://app.localhost",
            "http://127.8.0.1",
            "http://[::1]:9000",
            "nonsense",
        ] {
            assert!(!is_plain_http(url), "{url}");
        }
    }
}
