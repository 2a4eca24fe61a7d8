//! Whatever is accepted leads a browser to an allowed origin, decoded or not.
//!
//! The input is what stands in `next`; `url` is the browser.
#![no_main]

use std::sync::LazyLock;

use authflow_shared::redirect::{Origin, Targets};
use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;
use url::Url;

struct Site {
    targets: Targets,
    base: Url,
    allowed: Vec<url::Origin>,
}

static SITES: LazyLock<[Site; 3]> = LazyLock::new(|| {
    [
        site(&["https://app.example.com", "https://docs.example.com:8443"]),
        site(&["http://localhost:8000"]),
        site(&["http://[::1]:8000", "https://a.test", "http://127.0.0.1"]),
    ]
});

/// The first is the base.
fn site(origins: &[&str]) -> Site {
    let url = |origin: &&str| Url::parse(origin).expect("a URL");
    let allowed: Vec<_> = origins
        .iter()
        .map(|origin| Origin::parse(origin).expect("an origin"))
        .collect();
    Site {
        targets: Targets {
            base: allowed[0].clone(),
            allowed,
        },
        base: url(&origins[0]),
        allowed: origins.iter().map(|origin| url(origin).origin()).collect(),
    }
}

fuzz_target!(|next: &str| {
    for site in &*SITES {
        check(site, next);
    }
    origin_has_the_browsers_meaning(next);
});

fn check(site: &Site, next: &str) {
    let Some(location) = site.targets.accept(next) else {
        assert_eq!(site.targets.resolve(next), site.base.as_str());
        return;
    };
    assert_eq!(site.targets.resolve(next), location);
    assert!(
        location.bytes().all(|byte| byte.is_ascii_graphic()),
        "{location:?}"
    );
    assert!(!location.contains('\\'), "{location}");
    let landing = Url::parse(&location).expect("an absolute URL");
    stays(site, &landing);
    assert_eq!((landing.username(), landing.password()), ("", None));

    let followed = site.base.join(next).expect("a reference");
    stays(site, &followed);
    if !has_drive_letter(next) {
        assert_eq!(meaning(&followed), meaning(&landing), "{next:?}");
    }
    for text in [next, &location] {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        if let Ok(url) = site.base.join(&decoded) {
            stays(site, &url);
        }
    }
}

fn stays(site: &Site, url: &Url) {
    assert!(site.allowed.contains(&url.origin()), "{url}");
}

/// `url` takes `C:` for a drive before `..` in each scheme; browsers do in `file:` alone.
fn has_drive_letter(reference: &str) -> bool {
    reference.split(['/', '\\', '?', '#']).any(|segment| {
        let mut letters = segment.chars();
        letters.next().is_some_and(|c| c.is_ascii_alphabetic())
            && matches!(letters.as_str(), ":" | "|")
    })
}

/// What is the same however a URL's characters are escaped.
fn meaning(url: &Url) -> (url::Origin, Vec<u8>, Option<Vec<u8>>) {
    let decoded = |text: &str| percent_decode_str(text).collect();
    (url.origin(), decoded(url.path()), url.query().map(decoded))
}

fn origin_has_the_browsers_meaning(text: &str) {
    let Some(origin) = Origin::parse(text) else {
        return;
    };
    // A host of digits may be no address, and a label of punycode no name.
    if let (Ok(given), Ok(read)) = (Url::parse(text), Url::parse(origin.as_str())) {
        assert_eq!(given.origin(), read.origin(), "{text:?}");
        assert_eq!(
            (read.path(), read.query(), read.fragment()),
            ("/", None, None)
        );
        assert_eq!((read.username(), read.password()), ("", None));
    }
}
