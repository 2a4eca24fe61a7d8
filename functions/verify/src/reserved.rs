//! Header names that a client must not bring to an origin.
//!
//! Origins fold names in their own ways: `X_User_Id`, `X.User.Id` and `x-user-id` can all become
//! the variable `HTTP_X_USER_ID`. So a name is compared in folded form: ASCII lower case, and each
//! character but letters and digits as `-`.

use std::borrow::Cow;

/// Names of the headers that the gateway alone sets.
const OURS: &[&str] = &[
    "traceparent",
    "x-auth-aal",
    "x-authflow-assertion",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
    "x-user-email",
    "x-user-id",
    "x-user-role",
];

/// Names that some origin, framework or proxy believes when a gateway is in front of it.
const TRUSTED_BY_ORIGINS: &[&str] = &[
    "forwarded",
    "front-end-https",
    "proxy",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-real-ip",
    "x-rewrite-url",
    "x-scheme",
    "x-url-scheme",
];

/// Beginnings of such names.
const TRUSTED_PREFIXES: &[&str] = &[
    "remote-",
    "x-auth-request-",
    "x-auth-user",
    "x-authenticated-",
    "x-authflow-",
    "x-client-cert",
    "x-forwarded-",
    "x-original-",
    "x-remote-",
    "x-ssl-",
    "x-user-",
    "x-webauth-",
];

/// Names that matter to HTTP itself: their own spelling passes, any other does not.
const FRAMING: &[&str] = &[
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "transfer-encoding",
];

/// Headers of one connection only (RFC 9110, section 7.6.1). `Upgrade` is not among them: see
/// [`crate::forward`].
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
];

/// The name as a lax origin would see it.
pub fn fold(name: &str) -> Cow<'_, str> {
    let is_folded = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if name.bytes().all(is_folded) {
        return Cow::Borrowed(name);
    }
    let fold = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    Cow::Owned(name.chars().map(fold).collect())
}

/// Whether a client's header must not reach an origin. `name` is in lower case.
pub fn is_reserved(name: &str) -> bool {
    if HOP_BY_HOP.contains(&name) {
        return true;
    }
    let folded = fold(name);
    let folded = &*folded;
    // What the edge sets passes in its own spelling alone.
    if folded.starts_with("cf-connecting-") {
        return name != folded;
    }
    // `X-User-Agent` is what some clients call their own version.
    if folded == "x-user-agent" {
        return name != "x-user-agent";
    }
    OURS.contains(&folded)
        || TRUSTED_BY_ORIGINS.contains(&folded)
        || TRUSTED_PREFIXES
            .iter()
            .any(|prefix| folded.starts_with(prefix))
        || (FRAMING.contains(&folded) && name != folded)
}

/// Whether a route may let a client's header pass though it is reserved: one that the gateway does
/// not set, in its own spelling. `name` is in lower case.
pub fn may_be_kept(name: &str) -> bool {
    let is_trusted = TRUSTED_BY_ORIGINS.contains(&name)
        || TRUSTED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix));
    is_trusted && fold(name) == name && !OURS.contains(&name) && !name.starts_with("x-authflow-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folding_of_a_reserved_name_is_reserved() {
        for name in [
            "x-user-id",
            "x_user_id",
            "x-user_id",
            "x.user.id",
            "x.user_id",
            "x~user!id",
            "x-user-email",
            "x-user-role",
            "x-user-anything",
            "x-authflow-assertion",
            "x-request-id",
            "x_request_id",
            "x-forwarded-for",
            "x_forwarded_host",
            "forwarded",
            "x-forwarded-tls-client-cert-info",
            "x-real-ip",
            "true-client-ip",
            "x-scheme",
            "front-end-https",
            "x-original-url",
            "x-original-uri",
            "x-rewrite-url",
            "x-http-method-override",
            "x-method-override",
            "remote-user",
            "remote_user",
            "x-remote-user",
            "x-auth-aal",
            "x-auth-request-user",
            "x-auth_request_user",
            "x-auth-username",
            "x-authenticated-user",
            "x-webauth-user",
            "x-ssl-client-dn",
            "x-client-cert",
            "x-client-cert-dn",
            "proxy",
            "x-client-ip",
            "x-cluster-client-ip",
            "x-url-scheme",
            "x-http-method",
            "traceparent",
            "x_user_agent",
            "cf_connecting_ip",
            "cf-connecting_ip",
        ] {
            assert!(is_reserved(name), "{name}");
        }
    }

    #[test]
    fn another_spelling_of_a_framing_header_is_reserved_and_its_own_is_not() {
        for name in [
            "content_length",
            "content.length",
            "transfer_encoding",
            "transfer.encoding",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["authorization", "content-length", "cookie", "host"] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn only_what_nobody_else_sets_may_be_kept() {
        for name in [
            "x-original-url",
            "x-forwarded-prefix",
            "x-user-name",
            "x-real-ip",
        ] {
            assert!(may_be_kept(name), "{name}");
        }
        for name in OURS.iter().chain(HOP_BY_HOP).chain(FRAMING) {
            assert!(!may_be_kept(name), "{name}");
        }
        for name in [
            "x-authflow-anything",
            "x_original_url",
            "cf_connecting_ip",
            "accept",
        ] {
            assert!(!may_be_kept(name), "{name}");
        }
    }

    #[test]
    fn headers_of_one_connection_are_reserved() {
        for name in HOP_BY_HOP {
            assert!(is_reserved(name), "{name}");
        }
    }

    #[test]
    fn every_other_name_passes() {
        for name in [
            "accept",
            "x-user-agent",
            "x-users",
            "x-api-key",
            "x_custom",
            "user-agent",
            "x-authorization",
            "x-requested-with",
            "remote",
            "cf-ray",
            "cf-connecting-ip",
            "x-request-id-2",
        ] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
