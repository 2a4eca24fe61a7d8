//! What goes to the origin: a filtered copy of the request, and who asks.

use core::time::Duration;
use std::{borrow::Cow, rc::Rc};

use authflow_shared::{client_ip::ClientIp, cookie, host::origin::ForwardPlan};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::{
    canonical::CanonicalRequest,
    decide::Grant,
    facts::Facts,
    reserved::is_reserved,
    routes::{Route, Upstream},
};

/// The most headers that are set: nine of ours, and `Cookie`.
const MOST_SET: usize = 10;
/// Bytes of a body that a slow client sends in a second.
const SLOW: u64 = 64 * 1024;
/// The most that is added to a route's time for a body.
const LONGEST_SENDING: Duration = Duration::from_mins(10);

/// What the gateway knows of a request beside what the client sent.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Our id of the request.
    pub request_id: &'a str,
    /// The place in its trace that the upstream is told.
    pub traceparent: &'a str,
    /// Whether the client's trace goes on.
    pub is_continued: bool,
    /// The client's address.
    pub client_ip: ClientIp,
    /// Whether `Authorization` carries our token.
    pub token_in_authorization: bool,
}

/// The request as any of the route's upstreams gets it.
#[derive(Clone, Debug)]
pub struct Template {
    /// Path and query.
    target: String,
    remove: Rc<[String]>,
    set: Rc<[(&'static str, String)]>,
    may_use_caches: bool,
    timeout: Duration,
    is_safe: bool,
    has_body: bool,
    body_limit: Option<u64>,
}

/// Plans the request. A [`Grant`] is the only way here.
///
/// The client's headers are filtered first, by what they are called and by what `Connection`
/// names, and ours are set last, so that nothing the client sends can remove or double them.
pub fn template(
    grant: &Grant,
    route: &Route,
    request: &CanonicalRequest,
    facts: &Facts<'_>,
    context: &Context<'_>,
) -> Template {
    let target = request.target_below(route.upstream_path(&request.path));
    let connection = Connection::of(facts);
    let mut remove: Vec<_> = facts
        .headers
        .iter()
        .filter(|(name, _)| must_go(name, route, facts, context, &connection))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let mut set = ours(grant, request, context);
    if let Some(cookies) = facts
        .header("cookie")
        .filter(|_| !connection.names("cookie"))
        && cookie::might_hold_ours(cookies)
    {
        match cookie::strip(cookies) {
            Some(others) => set.push(("cookie", others)),
            None => remove.push("cookie".to_owned()),
        }
    }
    let has_body = request.has_body;
    let has_length = facts.header("content-length").is_some();
    Template {
        target,
        remove: remove.into(),
        set: set.into(),
        may_use_caches: grant.record().is_none(),
        timeout: route.timeout.saturating_add(sending(has_body, facts)),
        is_safe: matches!(facts.method, "GET" | "HEAD" | "OPTIONS"),
        has_body,
        body_limit: route.max_body_bytes.filter(|_| has_body && !has_length),
    }
}

impl Template {
    /// Whether the request may be sent again: it is safe, and has no body that is gone once sent.
    pub fn may_repeat(&self) -> bool {
        self.is_safe && !self.has_body
    }

    /// Whether the request has a body.
    pub fn has_body(&self) -> bool {
        self.has_body
    }

    /// The time that all tries have together.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The request to `upstream`, of whose time `spent` is gone.
    pub fn to(
        &self,
        upstream: &Upstream,
        spent: Duration,
        assertion: Option<String>,
    ) -> ForwardPlan {
        ForwardPlan {
            url: [&upstream.base, self.target.as_str()].concat(),
            remove: self.remove.clone(),
            set: self.set.clone(),
            assertion,
            may_use_caches: self.may_use_caches,
            timeout: self.timeout.saturating_sub(spent),
            has_body: self.has_body,
            body_limit: self.body_limit,
        }
    }
}

/// The names in `Connection`, whose headers are of this connection only.
struct Connection<'a>(Vec<&'a str>);

impl<'a> Connection<'a> {
    fn of(facts: &Facts<'a>) -> Self {
        let names = facts.header("connection").unwrap_or_default();
        Self(names.split(',').map(str::trim).collect())
    }

    fn names(&self, name: &str) -> bool {
        self.0.iter().any(|named| named.eq_ignore_ascii_case(name))
    }
}

fn must_go(
    name: &str,
    route: &Route,
    facts: &Facts<'_>,
    context: &Context<'_>,
    connection: &Connection<'_>,
) -> bool {
    match name {
        // Without it the runtime would not open a WebSocket; it speaks for one connection all the
        // same, so no other protocol passes.
        "upgrade" => !facts.is_websocket(),
        "authorization" => context.token_in_authorization || connection.names(name),
        // The runtime writes it from the URL.
        "host" => true,
        // It speaks of the client's place in a trace that went on (W3C Trace Context, 3.3).
        "tracestate" => !context.is_continued || connection.names(name),
        _ => is_reserved(name) && !route.keeps(name) || connection.names(name),
    }
}

/// What the gateway says of the request and of who asks.
fn ours(
    grant: &Grant,
    request: &CanonicalRequest,
    context: &Context<'_>,
) -> Vec<(&'static str, String)> {
    let mut set = Vec::with_capacity(MOST_SET);
    set.extend([
        ("x-request-id", context.request_id.to_owned()),
        ("x-forwarded-for", context.client_ip.to_string()),
        ("x-forwarded-host", request.authority().to_owned()),
        ("x-forwarded-proto", request.scheme().to_owned()),
        ("traceparent", context.traceparent.to_owned()),
    ]);
    if let Some(record) = grant.record() {
        set.extend([
            ("x-user-id", header_value(&record.user_id)),
            ("x-user-email", header_value(&record.email)),
            ("x-user-role", header_value(&record.role)),
            ("x-auth-aal", header_value(&record.aal)),
        ]);
    }
    set
}

/// The time that a slow client needs to send the body. The runtime does not tell when it has been
/// sent, and an origin may answer no earlier.
fn sending(has_body: bool, facts: &Facts<'_>) -> Duration {
    if !has_body {
        return Duration::ZERO;
    }
    let length = facts
        .header("content-length")
        .and_then(|text| text.parse::<u64>().ok());
    length.map_or(LONGEST_SENDING, |length| {
        Duration::from_secs(length / SLOW).min(LONGEST_SENDING)
    })
}

/// What cannot stand in a header as it is, and `%`, so that an origin can decode it.
const UNPRINTABLE: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// `text` as a header can carry it: what is not printable ASCII is percent-encoded.
fn header_value(text: &str) -> String {
    Cow::from(utf8_percent_encode(text, UNPRINTABLE)).into_owned()
}

#[cfg(test)]
mod tests {
    use authflow_shared::{
        fingerprint::Likeness,
        host::fake::FakeHost,
        session::{SessionRecord, store::SessionLookup},
        timestamp::Timestamp,
        trace::Trace,
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
        let lookup = SessionLookup::Found(Rc::new(record));
        let credential = Credential::Session {
            lookup,
            device: Likeness::Same,
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
        let trace = Trace::enter(None, 1, &host).unwrap();
        let context = Context {
            request_id: "r1",
            traceparent: trace.traceparent(),
            is_continued: false,
            client_ip: ClientIp::parse("192.0.2.1").unwrap(),
            token_in_authorization,
        };
        template(grant, route, &request, &facts, &context).to(
            &route.upstreams[0],
            Duration::ZERO,
            None,
        )
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
            let facts = Facts {
                headers: headers.to_vec(),
                ..Facts::default()
            };
            sending(true, &facts)
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
        assert_eq!(sending(false, &Facts::default()), seconds(0));
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
        let plan = plan_with(&[("cookie", "a=1; __Host-authflow-oauth-0123abcd=x")]);
        assert_eq!(set(&plan, "cookie"), Some("a=1"));
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
}
