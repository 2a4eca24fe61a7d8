//! How an origin's answer goes to the client.

use authflow_shared::{cookie, host::origin::OriginHead};

/// What speaks to shared caches past `Cache-Control` (RFC 9213, and its forerunner).
const FOR_SHARED_CACHES: [&str; 3] = [
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "surrogate-control",
];
/// What speaks of cross-origin use (Fetch standard, section 3.2.3).
const CORS: [&str; 6] = [
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-expose-headers",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
];

/// What changes in an origin's answer on its way to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The origin's status, which stays.
    pub status: u16,
    /// Headers to remove.
    pub remove: Vec<&'static str>,
    /// Headers to set, in place of the origin's.
    pub set: Vec<(&'static str, String)>,
    /// Headers to add to the origin's of the same name.
    pub add: Vec<(&'static str, String)>,
    /// Values of `Set-Cookie` that hold this name are dropped: no origin may touch our cookie.
    pub drop_cookie: Option<&'static str>,
}

/// Plans how the origin's answer goes to the client; `is_personal` where it depends on a session.
pub fn relay(head: &OriginHead, is_personal: bool, request_id: &str) -> Relay {
    let mut relay = Relay {
        status: head.status,
        remove: Vec::new(),
        set: vec![("x-request-id", request_id.to_owned())],
        add: Vec::new(),
        drop_cookie: cookie::might_hold_ours(&head.set_cookie).then_some(cookie::NAME),
    };
    if is_personal {
        let private = private_caching(&head.cache_control);
        relay
            .set
            .extend(private.map(|value| ("cache-control", value)));
        relay.remove.extend(FOR_SHARED_CACHES);
        relay.add.push(("vary", "Authorization, Cookie".to_owned()));
    }
    relay
}

impl Relay {
    /// Lets the route say who may read the answer across origins, in place of the origin.
    pub fn replace_cors(&mut self, words: Vec<(&'static str, String)>) {
        self.remove.extend(CORS);
        self.set.extend(words);
        self.add.push(("vary", "Origin".to_owned()));
    }
}

/// `Cache-Control` without what would let a shared cache keep one person's answer for another;
/// `None` if it says no such thing.
fn private_caching(cache_control: &str) -> Option<String> {
    let directives = || cache_control.split(',').map(str::trim);
    let name = |directive: &str| {
        directive
            .split('=')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    };
    if !directives().any(|directive| matches!(name(directive).as_str(), "public" | "s-maxage")) {
        return None;
    }
    let kept = directives()
        .filter(|directive| !matches!(name(directive).as_str(), "public" | "private" | "s-maxage"));
    Some(
        core::iter::once("private")
            .chain(kept)
            .collect::<Vec<_>>()
            .join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_origin_sets_our_cookie() {
        let drops = |set_cookie: &str| {
            let head = OriginHead {
                set_cookie: set_cookie.to_owned(),
                ..OriginHead::default()
            };
            relay(&head, false, "r1").drop_cookie
        };
        assert_eq!(
            drops("a=1, __Host-authflow=evil; Path=/"),
            Some(cookie::NAME)
        );
        assert_eq!(drops("a=1; Path=/"), None);
    }

    #[test]
    fn an_answer_that_calls_itself_public_becomes_private() {
        let caching = |is_personal: bool, value: &str| {
            let head = OriginHead {
                status: 200,
                cache_control: value.to_owned(),
                ..OriginHead::default()
            };
            let Relay {
                set, drop_cookie, ..
            } = relay(&head, is_personal, "r1");
            assert_eq!(drop_cookie, None);
            assert_eq!(set[0], ("x-request-id", "r1".to_owned()));
            set.into_iter()
                .find(|(name, _)| *name == "cache-control")
                .map(|(_, value)| value)
        };
        for (given, expected) in [
            ("public, max-age=60", "private, max-age=60"),
            ("max-age=60, PUBLIC", "private, max-age=60"),
            ("s-maxage=60", "private"),
        ] {
            assert_eq!(caching(true, given).as_deref(), Some(expected), "{given}");
            assert_eq!(caching(false, given), None, "a public route stays as it is");
        }
        for given in [
            "",
            "no-store",
            "private, max-age=1",
            "max-age=60",
            "publicity",
        ] {
            assert_eq!(caching(true, given), None, "{given}");
        }
    }

    #[test]
    fn nothing_of_the_origins_words_on_cross_origin_use_stays() {
        let mut relay = relay(&OriginHead::default(), false, "r1");
        relay.replace_cors(vec![(
            "access-control-allow-origin",
            "https://a.test".into(),
        )]);
        for name in CORS {
            assert!(relay.remove.contains(&name), "{name}");
        }
    }
}
