//! No origin sees our cookie or sets it, and everybody else's cookies stay as they are.
//!
//! The input is a header's value.
#![no_main]

use authflow_fuzz::cookies;
use authflow_shared::cookie::{Found, NAME, find, might_hold_ours, strip};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|header: &str| {
    finds_what_a_server_would(header);
    strips_ours_alone(header);
    notices_who_might_hold_ours(header);
});

fn ours(header: &str) -> Vec<&str> {
    cookies(header)
        .into_iter()
        .filter_map(|(name, value)| (name == NAME).then_some(value))
        .collect()
}

fn finds_what_a_server_would(header: &str) {
    match find(header) {
        Found::Nowhere => assert!(ours(header).is_empty()),
        Found::Once(value) => {
            assert_eq!(ours(header), [value]);
            assert_eq!(header.split(',').flat_map(ours).count(), 1, "{header:?}");
        }
        Found::Oddly => {
            assert!(ours(header).is_empty());
            assert!(header.contains(NAME));
        }
        Found::Twice => assert!(header.matches(NAME).count() > 1),
    }
}

fn strips_ours_alone(header: &str) {
    let stripped = strip(header).unwrap_or_default();
    assert!(ours(&stripped).is_empty(), "{stripped:?}");
    // Nor for a server that joins lines of `Cookie` by commas.
    for part in stripped.split(',') {
        assert!(ours(part).is_empty(), "{stripped:?}");
    }
    assert_eq!(strip(&stripped).unwrap_or_default(), stripped);

    let mut kept = stripped.split(';').map(str::trim);
    for pair in header.split(';').map(str::trim) {
        if !pair.is_empty() && !pair.contains(NAME) {
            assert!(kept.any(|kept| kept == pair), "{pair:?} of {header:?}");
        }
    }
    if !header.contains(NAME) {
        let nothing_is_added = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
        assert!(nothing_is_added(&stripped) <= nothing_is_added(header));
    }
}

/// Lines of `Set-Cookie` are joined by commas, which may also stand in a date or a value.
fn notices_who_might_hold_ours(set_cookie: &str) {
    let could_set = |line: &str| {
        let pair = line.split(';').next().unwrap_or_default();
        pair.split_once('=')
            .is_some_and(|(name, _)| name.trim_matches([' ', '\t']) == NAME)
    };
    if set_cookie.split(',').any(could_set) {
        assert!(might_hold_ours(set_cookie), "{set_cookie:?}");
    }
    if !set_cookie.contains(NAME) {
        assert!(!might_hold_ours(set_cookie), "{set_cookie:?}");
    }
}
