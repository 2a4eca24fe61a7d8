//! A request that is taken has one reading, and others share it.
//!
//! The input is what the driver writes for [`Facts::parse`].
#![no_main]

use authflow_verify::{
    canonical::{CanonicalRequest, canonical_path},
    facts::Facts,
};
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;
use url::Url;

/// Escapes of delimiters: the parser tells of them, and a route may allow them.
const DELIMITERS: [&str; 6] = ["%2F", "%5C", "%3B", "%25", "%23", "%3F"];

fuzz_target!(|text: &str| {
    let Some(facts) = Facts::parse(text) else {
        return;
    };
    check(&facts);
    // And as the runtime gives it, which has parsed the URL by the WHATWG's rules.
    if let Ok(url) = Url::parse(facts.url) {
        let url = url.as_str();
        check(&Facts {
            url,
            ..facts.clone()
        });
    }
});

fn check(facts: &Facts<'_>) {
    let Ok(request) = CanonicalRequest::parse(facts) else {
        return;
    };
    says_what_was_sent(&request, facts);
    has_no_body_where_none_belongs(&request, facts);
    path_has_one_spelling(&request.path);
    let is_plain = !DELIMITERS
        .iter()
        .any(|escape| request.path.contains(escape));
    assert_eq!(request.escapes.is_empty(), is_plain, "{}", request.path);
    assert_eq!(canonical_path(&request.path).is_ok(), is_plain);
    if is_plain {
        decoded_path_has_the_same_segments(&request.path);
    }
    let url = format!("{}{}", request.origin, request.target());
    let again = CanonicalRequest::parse(&Facts {
        url: &url,
        ..facts.clone()
    });
    assert_eq!(again.as_ref(), Ok(&request), "it is its own reading");
    runtime_reads_the_same(&request, facts, &url);
}

fn says_what_was_sent(request: &CanonicalRequest, facts: &Facts<'_>) {
    assert_eq!(request.method, facts.method);
    assert_eq!(facts.method, facts.method.to_ascii_uppercase());
    let target = facts.url.strip_prefix(request.origin.as_str());
    let target = target.expect("the URL begins with the origin");
    assert!(target.starts_with('/'), "nothing between origin and path");
    assert_eq!(
        request.origin,
        format!("{}://{}", request.scheme(), request.authority())
    );
    assert!(!request.authority().contains(['/', '@', '?', '#', '\\']));
    let query = target.split_once('?').map(|(_, query)| query);
    assert_eq!(request.query.as_deref(), query);
}

fn has_no_body_where_none_belongs(request: &CanonicalRequest, facts: &Facts<'_>) {
    if !["GET", "HEAD"].contains(&facts.method) {
        return;
    }
    assert!(!request.has_body);
    assert_eq!(facts.header("transfer-encoding"), None);
    let length = facts.header("content-length").unwrap_or_default();
    assert!(length.trim_matches('0').is_empty());
}

fn path_has_one_spelling(path: &str) {
    assert!(path.starts_with('/'), "{path}");
    assert!(!path.contains("//"), "{path}");
    assert!(path.is_ascii(), "{path}");
    assert!(!path.contains(|c: char| c.is_control()), "{path}");
    assert!(!path.contains([';', '\\', '#', '?']), "{path}");
    assert!(!has_dot_segment(path), "{path}");
    for escape in path.split('%').skip(1) {
        let digits = escape.get(..2).expect("two digits behind each %");
        let value = u8::from_str_radix(digits, 16).expect("two hexadecimal digits");
        assert_eq!(digits, format!("{value:02X}"), "in capitals");
        let is_unreserved = value.is_ascii_alphanumeric() || b"-._~".contains(&value);
        assert!(!is_unreserved, "%{digits} stands for itself");
    }
    let decoded = percent_decode_str(path).decode_utf8().expect("UTF-8");
    assert!(!decoded.contains(char::is_control), "{decoded:?}");
}

/// A path without escapes of delimiters means the same to an origin that decodes it.
fn decoded_path_has_the_same_segments(path: &str) {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let slashes = |text: &str| text.matches('/').count();
    assert_eq!(slashes(&decoded), slashes(path), "{path}");
    assert!(!decoded.contains([';', '\\', '#', '?', '%']), "{path}");
    assert!(!has_dot_segment(&decoded), "{path}");
}

fn has_dot_segment(path: &str) -> bool {
    path.split('/')
        .any(|segment| [".", ".."].contains(&segment))
}

/// The runtime that sends the request on, and `Host`, name the same place.
fn runtime_reads_the_same(request: &CanonicalRequest, facts: &Facts<'_>, url: &str) {
    if !["http", "https"].contains(&request.scheme()) {
        return;
    }
    if Url::parse(facts.url).is_ok_and(|parsed| parsed.as_str() == facts.url) {
        let parsed = Url::parse(url).expect("a URL");
        assert_eq!(parsed.as_str(), url);
        assert_eq!(parsed.path(), request.path);
    }
    if let Some(host) = facts.header("host") {
        let origin = |authority: &str| {
            let url = Url::parse(&format!("{}://{authority}/", request.scheme())).ok()?;
            Some(url.origin())
        };
        assert_eq!(origin(host), origin(request.authority()), "{host}");
    }
}
