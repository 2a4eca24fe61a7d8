//! The way to an origin and back.

use core::time::Duration;
use std::rc::Rc;

use authflow_shared::{
    host::{CallError, gateway::GatewayHost, origin::OriginHead},
    log::{Level, Line},
    problem::Problem,
    request_id::RequestId,
    retry::backoff,
    session::SessionId,
    telemetry::{Call, Context},
};

use super::respond;
use crate::{
    answer::Client, assertion::Subject, config::SERVICE, decide::Grant, forward::Template,
    gateway::Gateway, outcome::Outcome, problems, relay::relay, request_log::LogEntry,
    routes::Upstream,
};

/// A request on its way to an origin: all that is still needed of it.
pub(super) struct Errand<H> {
    pub(super) host: H,
    pub(super) gateway: Rc<Gateway>,
    /// The route's id.
    pub(super) route: Rc<str>,
    pub(super) upstreams: Rc<[Upstream]>,
    pub(super) template: Template,
    pub(super) context: Rc<Context>,
    /// The call itself, in the trace.
    pub(super) call: Option<Call>,
    pub(super) grant: Grant,
    pub(super) session: Option<SessionId>,
    pub(super) request_id: RequestId,
    pub(super) client: Client,
    pub(super) is_websocket: bool,
}

/// Why there is no answer of an origin.
enum Failure {
    /// The request could not be sent, or got no answer.
    Call(CallError),
    /// No assertion could be signed, and without one the origin could not tell who asks.
    Unsigned,
}

impl<H: GatewayHost> Errand<H> {
    /// Sends the request, and hands the answer on.
    pub(super) async fn run(mut self, entry: &mut LogEntry) -> Outcome {
        let sent = self.host.now();
        let head = self.send().await;
        let status = head.as_ref().ok().map(|head| head.status);
        let error = head.as_ref().err().map(|failure| match failure {
            Failure::Call(error) => error.as_str(),
            Failure::Unsigned => "unsigned",
        });
        self.context
            .called(self.call.take(), status, error, &self.host);
        entry.origin_ms = Some(self.host.now().since(sent));
        match head {
            // Any other status is none, and the runtime could not hand it on.
            Ok(head) if matches!(head.status, 200..=599) || self.is_switch(&head) => {
                entry.outcome = "forwarded";
                let is_personal = self.grant.record().is_some();
                Outcome::Relay(relay(&head, is_personal, self.request_id.as_str()))
            }
            Ok(_) => self.respond(entry, &problems::upstream_invalid()),
            Err(Failure::Unsigned) => {
                entry.detail = Some("ASSERTION_KEYS has a key that the platform cannot use");
                self.respond(entry, &problems::config_invalid())
            }
            Err(Failure::Call(error)) => {
                let problem = match error {
                    CallError::BreakerOpen => {
                        entry.detail = Some("its breaker is open");
                        problems::upstream_unreachable()
                    }
                    CallError::Connection | CallError::Overloaded => {
                        problems::upstream_unreachable()
                    }
                    CallError::Timeout => problems::upstream_timeout(),
                    CallError::TooLarge => problems::payload_too_large(),
                };
                self.respond(entry, &problem)
            }
        }
    }

    /// Sends the request to one of the route's origins after the other until one answers.
    ///
    /// Only a request that is safe (RFC 9110, section 9.2.1) and has no body is sent again, and
    /// only if no answer began: any other might take effect twice, and a body is gone once sent.
    async fn send(&self) -> Result<OriginHead, Failure> {
        let started = self.host.now();
        let spent = || Duration::from_millis(self.host.now().since(started));
        let upstreams = &self.upstreams;
        let (mut attempt, mut refused) = (0, 0);
        for upstream in upstreams.iter().cycle().skip(self.turn()) {
            let assertion = self.assertion(upstream).await?;
            let dependency = self.gateway.origin(&upstream.origin);
            let permit = match dependency.ask(&self.host, self.template.timeout()) {
                Ok(permit) => permit,
                // Another one may be well.
                Err(error) => {
                    refused += 1;
                    if refused >= upstreams.len() {
                        return Err(Failure::Call(error));
                    }
                    continue;
                }
            };
            let plan = self.template.to(upstream, spent(), assertion);
            let error = match self.host.forward(plan).await {
                Ok(head) => {
                    permit.succeeded(&self.host);
                    return Ok(head);
                }
                Err(error) => error,
            };
            let left = self.template.timeout().saturating_sub(spent());
            let repeats = error == CallError::Connection && self.template.may_repeat();
            let wait = backoff(attempt, left, &self.host).filter(|_| repeats);
            // Nobody is to cut others off: a request fails once, and a body that is late, or breaks off, may
            // be its client's doing.
            if !self.template.has_body() && (wait.is_none() || upstreams.len() > 1) {
                permit.failed(&self.host, error.as_str());
            } else {
                permit.abandoned(&self.host, error.as_str());
            }
            let Some(wait) = wait else {
                return Err(Failure::Call(error));
            };
            attempt += 1;
            self.tell_retry(upstream);
            // Another origin need not be waited for.
            if upstreams.len() == 1 {
                self.host.sleep(wait).await;
            }
        }
        Err(Failure::Call(CallError::Connection))
    }

    /// The place of the origin whose turn it is.
    fn turn(&self) -> usize {
        let count = self.upstreams.len();
        if count < 2 {
            return 0;
        }
        let turn = &self.gateway.turn;
        turn.replace(turn.get().wrapping_add(1)) % count
    }

    /// The assertion of who asks; none where there is no key, or no person.
    async fn assertion(&self, upstream: &Upstream) -> Result<Option<String>, Failure> {
        let config = &self.gateway.config;
        let (Some(keys), Some(session), Some(record)) =
            (&config.assertion, &self.session, self.grant.record())
        else {
            return Ok(None);
        };
        let subject = Subject {
            issuer: &config.common.targets.base,
            audience: &upstream.origin,
            session,
            record,
            route: &self.route,
        };
        let now = self.host.now();
        let found = self.gateway.assertions.borrow().find(&subject, now);
        match found {
            Ok(assertion) => Ok(Some(assertion)),
            Err(draft) => {
                let signed = draft.sign(keys, &self.host).await;
                let assertion = signed.ok_or(Failure::Unsigned)?;
                let mut assertions = self.gateway.assertions.borrow_mut();
                assertions.keep(draft, assertion.clone());
                Ok(Some(assertion))
            }
        }
    }

    /// Whether the origin switches to the protocol that the client asked for.
    fn is_switch(&self, head: &OriginHead) -> bool {
        head.status == 101 && self.is_websocket
    }

    fn respond(&self, entry: &mut LogEntry, problem: &Problem) -> Outcome {
        respond(entry, problem, self.client, &self.request_id)
    }

    fn tell_retry(&self, upstream: &Upstream) {
        Line::new(Level::Warn, SERVICE, "origin_retried")
            .field("origin", upstream.origin.as_str())
            .emit(&self.host, self.gateway.config.common.log_level);
    }
}
