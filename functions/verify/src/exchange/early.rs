//! What is answered before anybody asks who it is.

use authflow_shared::{host::gateway::GatewayHost, problem::Problem, session::Presented};

use super::Exchange;
use crate::{
    answer::Answer,
    canonical::CanonicalRequest,
    outcome::Outcome,
    problems,
    request_log::LogEntry,
    routes::{Cors, Route},
};

/// Methods that no origin behind a gateway has a use for: they speak of the connection itself.
const REFUSED_METHODS: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];
/// What is allowed in their stead (RFC 9110, section 15.5.6).
const USUAL_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

impl<H: GatewayHost> Exchange<'_, H> {
    /// Reads the target and the session token.
    ///
    /// # Errors
    /// The [`Problem`] of a request that is too large to read, or that two could read differently.
    pub(super) fn read(&self) -> Result<(CanonicalRequest, Presented), Problem> {
        if self.facts.are_excessive() {
            return Err(problems::headers_too_large());
        }
        let request = CanonicalRequest::parse(self.facts)
            .map_err(|ambiguity| problems::ambiguous(ambiguity.to_string()))?;
        let header = |name| self.facts.header(name);
        match Presented::read(header("cookie"), header("authorization")) {
            Presented::Ambiguous => {
                let detail = "The request holds two session tokens. Send one, once.";
                Err(problems::ambiguous(detail))
            }
            presented => Ok((request, presented)),
        }
    }

    /// Refuses what is meant for another server, or for none.
    pub(super) fn misdirected(
        &self,
        request: &CanonicalRequest,
        entry: &mut LogEntry,
    ) -> Option<Outcome> {
        if !self.gateway.config.serves(request) {
            return Some(self.respond(entry, &problems::misdirected()));
        }
        if REFUSED_METHODS.contains(&request.method.as_str()) {
            let mut outcome = self.respond(entry, &problems::method_not_allowed());
            outcome.set("allow", USUAL_METHODS);
            return Some(outcome);
        }
        None
    }

    /// Lets on whatever is not answered by what `route` says of preflights, methods and sizes.
    ///
    /// A preflight is answered where the route speaks of cross-origin use: it carries no session,
    /// and asks for none.
    ///
    /// # Errors
    /// The answer.
    pub(super) fn answered_early(
        &self,
        route: &Route,
        request: &CanonicalRequest,
        entry: &mut LogEntry,
    ) -> Result<(), Outcome> {
        if route.cors.is_some() && Cors::is_preflight(self.facts) {
            entry.outcome = "preflight";
            entry.is_undecided = true;
            return Err(Answer::empty(204, self.request_id.as_str()).into());
        }
        if !route.takes(&request.method) {
            let mut outcome = self.respond(entry, &problems::method_not_allowed());
            outcome.set("allow", route.methods.join(", "));
            return Err(outcome);
        }
        if self.is_too_large(route) {
            return Err(self.respond(entry, &problems::payload_too_large()));
        }
        Ok(())
    }

    /// Whether the client announces a longer body than the route takes.
    fn is_too_large(&self, route: &Route) -> bool {
        let announced = self.facts.header("content-length");
        let is_longer =
            |limit| move |length: &str| length.parse().map_or(true, |length: u64| length > limit);
        route
            .max_body_bytes
            .is_some_and(|limit| announced.is_some_and(is_longer(limit)))
    }
}
