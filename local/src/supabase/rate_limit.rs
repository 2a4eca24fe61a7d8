//! How often one address may ask.

use std::net::IpAddr;

use time::OffsetDateTime;

use super::{call::Call, config::Config, error::AuthError, state::State};

/// How many requests may come at once, whatever the limit is.
const BURST: f64 = 30.0;

/// What is left of an address's requests of one kind.
pub(super) struct Bucket {
    left: f64,
    filled_at: OffsetDateTime,
}

/// Counts a request, and refuses one too many. Without the header that names the address, nothing
/// is counted.
pub(super) fn check(state: &mut State, call: &Call) -> Result<(), AuthError> {
    let (Some(kind), Some(address)) = (kind(call), address(&state.config, call)) else {
        return Ok(());
    };
    let now = state.now();
    let seconds = f64::from(state.config.address_request_seconds.max(1));
    let full = Bucket {
        left: BURST,
        filled_at: now,
    };
    let bucket = state.buckets.entry((kind, address)).or_insert(full);
    let refill = (now - bucket.filled_at).as_seconds_f64() / seconds;
    bucket.left = (bucket.left + refill).min(BURST);
    bucket.filled_at = now;
    if bucket.left < 1.0 {
        let message = "Request rate limit reached";
        return Err(AuthError::new(429, "over_request_rate_limit", message));
    }
    bucket.left -= 1.0;
    Ok(())
}

/// The requests that are counted together.
fn kind(call: &Call) -> Option<&'static str> {
    let segments: Vec<_> = call.path.split('/').skip(1).collect();
    match (call.method.as_str(), segments.as_slice()) {
        ("POST", ["token"]) => Some("token"),
        ("POST", ["signup"]) => Some("signup"),
        ("POST", ["recover"]) => Some("recover"),
        ("POST", ["resend"]) => Some("resend"),
        ("POST", ["otp"]) => Some("otp"),
        ("POST", ["magiclink"]) => Some("magiclink"),
        (_, ["verify"]) => Some("verify"),
        ("PUT", ["user"]) => Some("user"),
        ("POST", ["factors", _, "challenge"]) => Some("challenge"),
        ("POST", ["factors", _, "verify"]) => Some("factor"),
        _ => None,
    }
}

/// Whom a request is counted for.
fn address(config: &Config, call: &Call) -> Option<String> {
    if config.address_header.is_empty() {
        return None;
    }
    if let Some(address) = call.sb_forwarded_for(config) {
        return Some(address.to_string());
    }
    let listed = call.header(&config.address_header)?;
    let first = listed.split(',').next()?.trim();
    (!first.is_empty()).then(|| first.to_owned())
}

impl Call {
    /// The client's address as one who may tell it does, if the server believes that.
    fn sb_forwarded_for(&self, config: &Config) -> Option<IpAddr> {
        let told = config
            .sb_forwarded_for
            .then(|| self.header("sb-forwarded-for"));
        told??.trim().parse().ok()
    }

    /// The client's IP address as a proxy names it; empty without one.
    pub(super) fn client_address(&self, config: &Config) -> String {
        let listed = self.header("x-forwarded-for").into_iter();
        let mut listed = listed.flat_map(|list| list.split(','));
        self.sb_forwarded_for(config)
            .or_else(|| listed.find_map(|address| address.trim().parse().ok()))
            .map(|address| address.to_string())
            .unwrap_or_default()
    }
}
