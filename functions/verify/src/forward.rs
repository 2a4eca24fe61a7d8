//! What goes to the origin: a filtered copy of the request, and who asks.

use core::time::Duration;
use std::fmt::Write;

use authflow_shared::{
    client_ip::ClientIp,
    cookie,
    host::origin::{ForwardPlan, OriginHead},
    trace::Trace,
};

use crate::{
    canonical::{Ambiguity, CanonicalRequest},
    decide::Grant,
    facts::Facts,
    reserved::is_reserved,
    routes::{Route, Upstream},
};

/// Bytes of a body that a slow client sends in a second.
const SLOW: u64 = 64 * 1024;
/// The most that is added to a route's time for a body.
const LONGEST_SENDING: Duration = Duration::from_mins(10);

/// What the gateway knows of a request beside what the client sent.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Our id of the request.
    pub request_id: &'a str,
    /// Its trace.
    pub trace: &'a Trace,
    /// The client's address.
    pub client_ip: ClientIp,
    /// Whether `Authorization` carries our token.
    pub token_in_authorization: bool,
}

/// Plans the request to `upstream`. A [`Grant`] is the only way here.
///
/// The client's headers are filtered first, by what they are called and by what `Connection`
/// names, and ours are set last, so that nothing the client sends can remove or double them.
///
/// # Errors
/// [`Ambiguity`] if what remains of the path has more than one reading.
pub fn plan(
    grant: &Grant,
    route: &Route,
    upstream: &Upstream,
    request: &CanonicalRequest,
    facts: &Facts<'_>,
    context: &Context<'_>,
) -> Result<ForwardPlan, Ambiguity> {
    let mut url = format!("{}{}", upstream.base, route.upstream_path(&request.path)?);
    if let Some(query) = &request.query {
        // Writing to a string cannot fail.
        let _ = write!(url, "?{query}");
    }

    let connection = facts.header("connection").unwrap_or_default();
    let named = |name: &str| {
        connection
            .split(',')
            .any(|item| item.trim().eq_ignore_ascii_case(name))
    };
    let is_websocket = facts.is_websocket();
    let must_go = |name: &str| match name {
        // Without it the runtime would not open a WebSocket; it speaks for one connection all the
        // same, so no other protocol passes.
        "upgrade" => !is_websocket,
        "authorization" => context.token_in_authorization || named(name),
        // The runtime writes it from the URL.
        "host" => true,
        // It speaks of the client's place in a trace that went on (W3C Trace Context, 3.3).
        "tracestate" => !context.trace.continued || named(name),
        _ => is_reserved(name) && !route.keeps(name) || named(name),
    };
    let mut remove: Vec<_> = facts
        .headers
        .iter()
        .filter(|(name, _)| must_go(name))
        .map(|(name, _)| (*name).to_owned())
        .collect();

    let mut set = vec![
        ("x-request-id", context.request_id.to_owned()),
        ("x-forwarded-for", context.client_ip.to_string()),
        ("x-forwarded-host", request.authority().to_owned()),
        ("x-forwarded-proto", request.scheme().to_owned()),
        ("traceparent", context.trace.traceparent()),
    ];
    if let Some(cookies) = facts.header("cookie").filter(|_| !named("cookie")) {
        match cookie::strip(cookies) {
            Some(others) if others != cookies => set.push(("cookie", others)),
            Some(_) => {}
            None => remove.push("cookie".to_owned()),
        }
    }
    if let Some(record) = grant.record() {
        set.extend([
            ("x-user-id", header_value(&record.user_id)),
            ("x-user-email", header_value(&record.email)),
            ("x-user-role", header_value(&record.role)),
            ("x-auth-aal", header_value(&record.aal)),
        ]);
    }
    let has_length = facts.header("content-length").is_some();
    Ok(ForwardPlan {
        url,
        remove,
        set,
        may_use_caches: grant.record().is_none(),
        timeout: route.timeout.saturating_add(sending(facts)),
        body_limit: route
            .max_body_bytes
            .filter(|_| facts.has_body && !has_length),
    })
}

/// The time that a slow client needs to send the body. The runtime does not tell when it has been
/// sent, and an origin may answer no earlier.
fn sending(facts: &Facts<'_>) -> Duration {
    if !facts.has_body {
        return Duration::ZERO;
    }
    let length = facts
        .header("content-length")
        .and_then(|text| text.parse::<u64>().ok());
    length.map_or(LONGEST_SENDING, |length| {
        Duration::from_secs(length / SLOW).min(LONGEST_SENDING)
    })
}

/// `text` as a header can carry it: what is not printable ASCII is percent-encoded, and `%` too,
/// so that an origin can decode it.
fn header_value(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut value, byte| {
            if byte.is_ascii_graphic() && byte != b'%' {
                value.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(value, "%{byte:02X}");
            }
            value
        })
}

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

/// Plans how the origin's answer goes to the client.
pub fn relay(head: &OriginHead, grant: &Grant, request_id: &str) -> Relay {
    let mut relay = Relay {
        status: head.status,
        remove: Vec::new(),
        set: vec![("x-request-id", request_id.to_owned())],
        add: Vec::new(),
        drop_cookie: cookie::sets_ours(&head.set_cookie).then_some(cookie::NAME),
    };
    if grant.record().is_some() {
        let private = private_caching(&head.cache_control);
        relay
            .set
            .extend(private.map(|value| ("cache-control", value)));
        relay.remove.extend(FOR_SHARED_CACHES);
        relay.add.push(("vary", "Authorization, Cookie".to_owned()));
    }
    relay
}

/// What speaks to shared caches past `Cache-Control` (RFC 9213, and its forerunner).
const FOR_SHARED_CACHES: [&str; 2] = ["cdn-cache-control", "surrogate-control"];

impl Relay {
    /// Lets the route say who may read the answer across origins, in place of the origin.
    pub fn replace_cors(&mut self, words: Vec<(&'static str, String)>) {
        if words.is_empty() {
            self.remove.extend([
                "access-control-allow-origin",
                "access-control-allow-credentials",
            ]);
        }
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
    use authflow_shared::{
        host::fake::FakeHost,
        session::{SessionRecord, store::SessionLookup},
        timestamp::Timestamp,
    };

    use super::*;
    use crate::{
        decide::{Credential, Decision, decide},
        routes,
    };

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn grant(email: &str, public: bool) -> (Grant, Route) {
        let access = if public { "public" } else { "session" };
        let json = format!(
            r#"[{{"id":"a","path":"/app/*","upstream":"http://o.test/base","access":"{access}"}}]"#
        );
        let route = routes::parse(&json).unwrap().routes()[0].clone();
        let mut record = SessionRecord::example(NOW);
        record.email = email.into();
        let lookup = SessionLookup::Found(Box::new(record));
        let credential = Credential::Session {
            lookup,
            same_device: true,
        };
        match decide(&route.policy, credential, NOW) {
            Decision::Forward(grant) => (grant, route),
            Decision::Refuse(refusal) => panic!("{refusal:?}"),
        }
    }

    /// Plans a request with `headers`, on a protected route.
    fn plan_with(headers: &[(&str, &str)]) -> ForwardPlan {
        plan_as(&grant("ada@example.test", false), headers, false)
    }

    fn plan_as(
        (grant, route): &(Grant, Route),
        headers: &[(&str, &str)],
        token_in_authorization: bool,
    ) -> ForwardPlan {
        let url = "https://app.test:8443/app/%61?x=%2f";
        let facts = Facts {
            method: "GET",
            url,
            has_body: false,
            headers: headers.to_vec(),
        };
        let request = CanonicalRequest::parse(&facts).unwrap();
        let host = FakeHost::answering("");
        let context = Context {
            request_id: "r1",
            trace: &Trace::enter(None, &host).unwrap(),
            client_ip: ClientIp::parse("192.0.2.1").unwrap(),
            token_in_authorization,
        };
        plan(
            grant,
            route,
            &route.upstreams[0],
            &request,
            &facts,
            &context,
        )
        .unwrap()
    }

    fn set<'a>(plan: &'a ForwardPlan, name: &str) -> Option<&'a str> {
        plan.set
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    fn removes(plan: &ForwardPlan, name: &str) -> bool {
        plan.remove.iter().any(|removed| removed == name)
    }

    #[test]
    fn the_origin_gets_the_canonical_url_and_who_asks() {
        let plan = plan_with(&[]);
        assert_eq!(plan.url, "http://o.test/base/app/a?x=%2f");
        assert_eq!(
            set(&plan, "x-user-id"),
            Some("5f6b7c8d-0000-4000-8000-000000000001")
        );
        assert_eq!(set(&plan, "x-user-email"), Some("ada@example.test"));
        assert_eq!(set(&plan, "x-user-role"), Some("authenticated"));
        assert_eq!(set(&plan, "x-auth-aal"), Some("aal1"));
        assert_eq!(set(&plan, "x-forwarded-for"), Some("192.0.2.1"));
        assert_eq!(set(&plan, "x-forwarded-host"), Some("app.test:8443"));
        assert_eq!(set(&plan, "x-forwarded-proto"), Some("https"));
        assert_eq!(set(&plan, "x-request-id"), Some("r1"));
        assert!(!plan.may_use_caches);
    }

    #[test]
    fn a_public_route_says_nothing_of_the_person_and_lets_nobody_claim_to_be_one() {
        let plan = plan_as(
            &grant("ada@example.test", true),
            &[("x-user-id", "evil")],
            false,
        );
        assert!(removes(&plan, "x-user-id"));
        assert!(
            plan.set.iter().all(|(name, _)| !name.starts_with("x-user")),
            "{plan:?}"
        );
    }

    #[test]
    fn a_body_gets_the_time_that_a_slow_client_needs_to_send_it() {
        let with_body = |headers: &[(&'static str, &'static str)]| {
            sending(&Facts {
                has_body: true,
                headers: headers.to_vec(),
                ..Facts::default()
            })
        };
        let seconds = Duration::from_secs;
        assert_eq!(with_body(&[("content-length", "1000")]), seconds(0));
        assert_eq!(with_body(&[("content-length", "6553600")]), seconds(100));
        assert_eq!(
            with_body(&[("content-length", "99999999999")]),
            LONGEST_SENDING
        );
        assert_eq!(
            with_body(&[("transfer-encoding", "chunked")]),
            LONGEST_SENDING
        );
        assert_eq!(sending(&Facts::default()), seconds(0));
    }

    #[test]
    fn what_connection_names_goes_but_ours_stays() {
        let plan = plan_with(&[
            ("connection", "close, X-Custom, x-user-id"),
            ("x-custom", "1"),
        ]);
        assert!(removes(&plan, "x-custom"));
        assert!(removes(&plan, "connection"));
        assert_eq!(
            set(&plan, "x-user-id"),
            Some("5f6b7c8d-0000-4000-8000-000000000001")
        );
    }

    #[test]
    fn only_a_websocket_upgrade_passes() {
        let upgrade =
            |value| plan_with(&[("connection", "keep-alive, Upgrade"), ("upgrade", value)]);
        assert!(!removes(&upgrade("WebSocket"), "upgrade"));
        assert!(removes(&upgrade("h2c"), "upgrade"));
    }

    #[test]
    fn no_origin_sets_our_cookie() {
        let (grant, _) = grant("ada@example.test", true);
        let drops = |set_cookie: &str| {
            let head = OriginHead {
                set_cookie: set_cookie.to_owned(),
                ..OriginHead::default()
            };
            relay(&head, &grant, "r1").drop_cookie
        };
        assert_eq!(
            drops("a=1, __Host-authflow=evil; Path=/"),
            Some(cookie::NAME)
        );
        assert_eq!(drops("a=1; Path=/"), None);
    }

    #[test]
    fn what_connection_names_goes_even_if_it_is_a_cookie_or_authorization() {
        let headers = [
            ("connection", "Cookie, Authorization"),
            ("cookie", "a=1; __Host-authflow=t"),
            ("authorization", "Basic YTpi"),
        ];
        let plan = plan_with(&headers);
        assert!(removes(&plan, "cookie") && removes(&plan, "authorization"));
        assert_eq!(set(&plan, "cookie"), None);
    }

    #[test]
    fn our_cookie_stays_here_and_others_pass() {
        let plan = plan_with(&[("cookie", "a=1; __Host-authflow=t; b=2")]);
        assert_eq!(set(&plan, "cookie"), Some("a=1; b=2"));
        let plan = plan_with(&[("cookie", "__Host-authflow=t")]);
        assert!(removes(&plan, "cookie"));
        let plan = plan_with(&[("cookie", "a=1")]);
        assert!(!removes(&plan, "cookie"));
    }

    #[test]
    fn only_an_authorization_that_carried_our_token_goes() {
        let with = grant("ada@example.test", false);
        let headers = [("authorization", "Bearer x")];
        assert!(removes(&plan_as(&with, &headers, true), "authorization"));
        assert!(!removes(&plan_as(&with, &headers, false), "authorization"));
    }

    #[test]
    fn an_address_that_is_not_ascii_cannot_break_the_header() {
        let plan = plan_as(&grant("ä\r\nx-user-role: admin%@b.test", false), &[], false);
        assert_eq!(
            set(&plan, "x-user-email"),
            Some("%C3%A4%0D%0Ax-user-role:%20admin%25@b.test")
        );
    }

    #[test]
    fn an_answer_that_calls_itself_public_becomes_private() {
        let (with_session, _) = grant("ada@example.test", false);
        let (public, _) = grant("ada@example.test", true);
        let caching = |grant: &Grant, value: &str| {
            let head = OriginHead {
                status: 200,
                cache_control: value.to_owned(),
                ..OriginHead::default()
            };
            let Relay {
                set, drop_cookie, ..
            } = relay(&head, grant, "r1");
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
            assert_eq!(
                caching(&with_session, given).as_deref(),
                Some(expected),
                "{given}"
            );
            assert_eq!(
                caching(&public, given),
                None,
                "a public route stays as it is"
            );
        }
        for given in [
            "",
            "no-store",
            "private, max-age=1",
            "max-age=60",
            "publicity",
        ] {
            assert_eq!(caching(&with_session, given), None, "{given}");
        }
    }
}
