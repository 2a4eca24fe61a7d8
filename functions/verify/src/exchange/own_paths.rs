//! The gateway's own paths: exact ones, which grant nothing.

use authflow_shared::{
    client_ip::ClientIp, host::gateway::GatewayHost, readiness::Health, telemetry::exposition,
};

use super::Exchange;
use crate::{
    answer::{Answer, RETRY_AFTER},
    canonical::CanonicalRequest,
    health,
    outcome::Outcome,
    own_paths::is_own_path,
    problems,
    request_log::LogEntry,
};

/// Seconds that the set of keys may be remembered.
const KEYS_MAX_AGE: &str = "public, max-age=300";

impl<H: GatewayHost> Exchange<'_, H> {
    /// Answers a request to one of our own paths; `None` if it is to none of them.
    pub(super) async fn own_path(
        &self,
        request: &CanonicalRequest,
        client_ip: ClientIp,
        entry: &mut LogEntry,
    ) -> Option<Outcome> {
        let (path, only_reads) = (
            request.path.as_str(),
            matches!(request.method.as_str(), "GET" | "HEAD"),
        );
        match path {
            // Whoever may not read it learns nothing, not even that it is there.
            "/metrics" if !self.may_read_metrics() => {
                Some(self.respond(entry, &problems::not_found()))
            }
            "/health" | "/health/" | "/.well-known/authflow/jwks.json" | "/metrics"
                if !only_reads =>
            {
                let mut outcome = self.respond(entry, &problems::method_not_allowed());
                outcome.set("allow", "GET, HEAD");
                Some(outcome)
            }
            "/health" | "/health/" => {
                entry.route = Some("health".into());
                // It costs the dependencies, as a request to a route does.
                if health::asks_dependencies(request)
                    && let Some(tally) = self.address_limit(client_ip).await
                {
                    return Some(self.over_the_limit(entry, tally));
                }
                entry.outcome = "health";
                Some(self.health(request).await.into())
            }
            "/metrics" => {
                entry.route = Some("metrics".into());
                entry.outcome = "metrics";
                Some(self.metrics().await.into())
            }
            "/.well-known/authflow/jwks.json" => {
                entry.route = Some("jwks".into());
                entry.outcome = "jwks";
                Some(self.keys().into())
            }
            path if path == "/auth" || path.starts_with("/auth/") => {
                entry.route = Some("auth".into());
                let auth_url = &self.gateway.config.common.auth_url;
                if auth_url.as_str() == request.origin {
                    return Some(self.respond(entry, &problems::auth_not_routed()));
                }
                entry.outcome = "redirect";
                let location = format!("{auth_url}{}", request.target());
                Some(Answer::redirect(location, &request.method, self.request_id.as_str()).into())
            }
            path if is_own_path(path) => Some(self.respond(entry, &problems::not_found())),
            _ => None,
        }
    }

    async fn health(&self, request: &CanonicalRequest) -> Answer {
        let readiness = &self.gateway.config.readiness;
        let mut checks = Vec::new();
        if health::asks_dependencies(request) {
            let ask = health::ask(self.redis(), self.store());
            checks = readiness.checks(self.host, ask).await;
        }
        let Health { status, body, .. } = readiness.health(&checks);
        let mut answer = Answer::json(status, body, self.request_id.as_str());
        if status == 503 {
            answer.headers.push(("retry-after", RETRY_AFTER.to_owned()));
        }
        answer
    }

    fn may_read_metrics(&self) -> bool {
        let telemetry = &self.gateway.config.common.telemetry;
        telemetry.may_read(self.facts.header("authorization"))
    }

    async fn metrics(&self) -> Answer {
        let common = &self.gateway.config.common;
        let page = common.telemetry.page(self.host, &common.exports).await;
        Answer::text(page, exposition::CONTENT_TYPE, self.request_id.as_str())
    }

    /// The public keys of the assertion; an empty set where there are none.
    fn keys(&self) -> Answer {
        let assertion = self.gateway.config.assertion.as_ref();
        let published = assertion.map_or(r#"{"keys":[]}"#, |keys| keys.published.as_str());
        let headers = vec![
            ("content-type", "application/jwk-set+json".to_owned()),
            ("cache-control", KEYS_MAX_AGE.to_owned()),
        ];
        Answer::public(published.to_owned(), headers, self.request_id.as_str())
    }
}
