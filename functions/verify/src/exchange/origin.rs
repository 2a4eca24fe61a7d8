//! The way to an origin and back.

use core::time::Duration;

use authflow_shared::{
    host::{CallError, edge::Edge, origin::OriginHead},
    log::{Level, Line},
    retry::backoff,
    session::SessionId,
};

use super::Exchange;
use crate::{
    account::{Account, SERVICE},
    assertion::Subject,
    canonical::CanonicalRequest,
    decide::Grant,
    facts::Facts,
    forward,
    outcome::Outcome,
    problems,
    routes::{Route, Upstream},
};

/// Why there is no answer of an origin.
enum Failure {
    /// The request could not be sent, or got no answer.
    Call(CallError),
    /// What remains of the path could be read in two ways.
    Ambiguous(String),
    /// No assertion could be signed, and without one the origin could not tell who asks.
    Unsigned,
}

impl<H: Edge> Exchange<'_, H> {
    /// Whether the client announces a longer body than the route takes.
    pub(super) fn is_too_large(&self, route: &Route) -> bool {
        let announced = self.facts.header("content-length");
        route.max_body_bytes.is_some_and(|limit| {
            announced
                .is_some_and(|length| length.parse().map_or(true, |length: u64| length > limit))
        })
    }

    /// Sends the request, and hands the answer on.
    pub(super) async fn forward(
        &self,
        grant: &Grant,
        route: &Route,
        request: &CanonicalRequest,
        session_id: Option<&SessionId>,
        context: &forward::Context<'_>,
        account: &mut Account,
    ) -> Outcome {
        let answer = self.send(grant, route, request, session_id, context).await;
        match answer {
            // Any other status is none, and the runtime could not hand it on.
            Ok(head) if matches!(head.status, 200..=599) || is_switch(&head, self.facts) => {
                account.outcome = "forwarded";
                Outcome::Relay(forward::relay(&head, grant, self.request_id.as_str()))
            }
            Ok(_) => self.respond(account, &problems::upstream_invalid()),
            Err(Failure::Ambiguous(detail)) => self.respond(account, &problems::ambiguous(detail)),
            Err(Failure::Unsigned) => {
                account.detail = Some("ASSERTION_KEYS has a key that the platform cannot use");
                self.respond(account, &problems::config_invalid())
            }
            Err(Failure::Call(error)) => self.respond(
                account,
                &match error {
                    CallError::Connection => problems::upstream_unreachable(),
                    CallError::Timeout => problems::upstream_timeout(),
                    CallError::TooLarge => problems::payload_too_large(),
                },
            ),
        }
    }

    /// Sends the request to one of the route's origins after the other until one answers.
    ///
    /// Only a request that is safe (RFC 9110, section 9.2.1) and has no body is sent again, and
    /// only if no answer began: any other might take effect twice, and a body is gone once sent.
    async fn send(
        &self,
        grant: &Grant,
        route: &Route,
        request: &CanonicalRequest,
        session_id: Option<&SessionId>,
        context: &forward::Context<'_>,
    ) -> Result<OriginHead, Failure> {
        let started = self.host.now();
        let may_repeat =
            matches!(self.facts.method, "GET" | "HEAD" | "OPTIONS") && !self.facts.has_body;
        let first = self.turn(route);
        for attempt in 0.. {
            let spent = Duration::from_millis(self.host.now().since(started));
            let at = first.wrapping_add(attempt as usize) % route.upstreams.len().max(1);
            let Some(upstream) = route.upstreams.get(at) else {
                break;
            };
            let mut plan = forward::plan(grant, route, upstream, request, self.facts, context)
                .map_err(|ambiguity| Failure::Ambiguous(ambiguity.to_string()))?;
            plan.timeout = plan.timeout.saturating_sub(spent);
            if let Some(id) = session_id {
                plan.set
                    .extend(self.assertion(grant, route, upstream, id).await?);
            }
            let error = match self.host.forward(plan).await {
                Ok(head) => return Ok(head),
                Err(error) => error,
            };
            if error != CallError::Connection || !may_repeat {
                return Err(Failure::Call(error));
            }
            let spent = Duration::from_millis(self.host.now().since(started));
            let Some(wait) = backoff(attempt, route.timeout.saturating_sub(spent), self.host)
            else {
                return Err(Failure::Call(error));
            };
            self.tell_retry(upstream);
            // Another origin need not be waited for.
            if route.upstreams.len() == 1 {
                self.host.sleep(wait).await;
            }
        }
        Err(Failure::Call(CallError::Connection))
    }

    /// The place of the origin whose turn it is.
    fn turn(&self, route: &Route) -> usize {
        if route.upstreams.len() < 2 {
            return 0;
        }
        let turn = &self.gateway.turn;
        turn.replace(turn.get().wrapping_add(1))
    }

    /// The assertion of who asks; none where there is no key, or no person.
    async fn assertion(
        &self,
        grant: &Grant,
        route: &Route,
        upstream: &Upstream,
        session: &SessionId,
    ) -> Result<Option<(&'static str, String)>, Failure> {
        let config = &self.gateway.config;
        let (Some(keys), Some(record)) = (&config.assertion, grant.record()) else {
            return Ok(None);
        };
        let subject = Subject {
            issuer: &config.common.targets.base,
            audience: &upstream.origin,
            session,
            record,
            route: &route.id,
        };
        let found = self
            .gateway
            .assertions
            .borrow()
            .find(&subject, self.host.now());
        let assertion = match found {
            Ok(assertion) => assertion,
            Err(draft) => {
                let assertion = draft.sign(keys, self.host).await.ok_or(Failure::Unsigned)?;
                let mut assertions = self.gateway.assertions.borrow_mut();
                assertions.keep(draft, assertion.clone());
                assertion
            }
        };
        Ok(Some(("x-authflow-assertion", assertion)))
    }

    fn tell_retry(&self, upstream: &Upstream) {
        Line::new(Level::Warn, SERVICE, "origin_retried")
            .field("request_id", self.request_id.as_str())
            .field("origin", upstream.origin.as_str())
            .emit(self.host, self.gateway.config.common.log_level);
    }
}

/// Whether the origin switches to the protocol that the client asked for.
fn is_switch(head: &OriginHead, facts: &Facts<'_>) -> bool {
    head.status == 101 && facts.is_websocket()
}
