//! The gateway's own paths: exact ones, which grant nothing.

use authflow_shared::{client_ip::ClientIp, host::gateway::GatewayHost};

use super::Exchange;
use crate::{
    answer::Answer, canonical::CanonicalRequest, health, outcome::Outcome, own_paths::is_own_path,
    problems, request_log::LogEntry,
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
            "/health" | "/health/" | "/.well-known/authflow/jwks.json" if !only_reads => {
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
                let (redis, store) = (self.redis(), self.store());
                let id = self.request_id.as_str();
                let answer = health::answer(&redis, &store, self.host, request, id);
                Some(answer.await.into())
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
