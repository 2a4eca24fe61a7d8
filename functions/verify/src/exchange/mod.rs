//! The way of one request through the gateway.

mod limit;
mod origin;
mod own_paths;
mod session;

use std::rc::Rc;

use authflow_shared::{
    client_ip::ClientIp,
    host::{Host, edge::Edge},
    log::{Level, Line},
    problem::Problem,
    request_id::RequestId,
    session::{Presented, SessionId},
    trace::Trace,
};

use crate::{
    account::{Account, SERVICE, Subject},
    answer::{Answer, Client},
    canonical::CanonicalRequest,
    decide::{Decision, decide},
    facts::Facts,
    forward,
    gateway::Gateway,
    limits::Limited,
    outcome::Outcome,
    problems,
    routes::{Cors, Route},
};

/// Methods that no origin behind a gateway has a use for: they speak of the connection itself.
const REFUSED_METHODS: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];
/// What is allowed in their stead (RFC 9110, section 15.5.6).
const USUAL_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// A request, and what every answer to it needs.
struct Exchange<'a, H> {
    host: &'a H,
    gateway: &'a Rc<Gateway>,
    facts: &'a Facts<'a>,
    request_id: RequestId,
    trace: Trace,
    client: Client,
}

/// Answers one request and writes its log line.
pub async fn handle<H: Edge>(gateway: Rc<Gateway>, host: H, facts: &Facts<'_>) -> Outcome {
    let started = host.now();
    let (request_id, client) = (RequestId::random(&host), Client::of(facts));
    // Without randomness no id is unpredictable; nobody is let through then.
    let Ok(trace) = Trace::enter(facts.header("traceparent"), &host) else {
        let problem = problems::internal_error();
        return Outcome::Respond(Answer::problem(&problem, client, request_id.as_str()));
    };
    let exchange = Exchange {
        host: &host,
        gateway: &gateway,
        facts,
        request_id,
        trace,
        client,
    };
    let mut account = Account::default();
    let mut outcome = exchange.run(&mut account).await;
    if gateway.config.server_timing {
        let timing = account.server_timing(host.now().since(started));
        outcome.add("server-timing", timing);
    }
    let subject = Subject {
        facts,
        request_id: &exchange.request_id,
        trace: &exchange.trace,
        started,
    };
    account.write(
        &subject,
        outcome.status(),
        &host,
        gateway.config.common.log_level,
    );
    match outcome {
        Outcome::Respond(answer) => Outcome::Respond(answer.for_method(facts.method)),
        relay @ Outcome::Relay(_) => relay,
    }
}

/// Answers a request while the configuration has faults: nobody is let through.
pub fn misconfigured(host: &impl Host, facts: &Facts<'_>) -> Outcome {
    let request_id = RequestId::random(host);
    let problem = problems::config_invalid();
    Line::new(Level::Error, SERVICE, "request")
        .field("request_id", request_id.as_str())
        .field("method", facts.method)
        .field("status", problem.status)
        .field("outcome", problem.code)
        .emit(host, Level::Error);
    let answer = Answer::problem(&problem, Client::of(facts), request_id.as_str());
    Outcome::Respond(answer.for_method(facts.method))
}

impl<H: Edge> Exchange<'_, H> {
    /// 1. The edge must have told the client's address: fingerprint and limits stand on it.
    /// 2. The target must have one reading, and the request one session token at most. This comes
    ///    before all else, so that no answer depends on how an ambiguous request is read.
    /// 3. The host must be one of ours, where the configuration names them.
    /// 4. The gateway's own paths.
    /// 5. The route, which may find the target ambiguous for what it asks.
    /// 6. The limit that every address has; only then is it said that nothing is found.
    /// 7. What the route itself demands.
    async fn run(&self, account: &mut Account) -> Outcome {
        let config = &self.gateway.config;
        // (1)
        let source = &config.common.client_ip;
        let Some(client_ip) = source.read(self.facts.header(&source.header)) else {
            account.detail = Some("the client's address is missing or unreadable");
            return self.respond(account, &problems::config_invalid());
        };
        // (2)
        let request = match CanonicalRequest::parse(self.facts) {
            Ok(request) => request,
            Err(ambiguity) => {
                return self.respond(account, &problems::ambiguous(ambiguity.to_string()));
            }
        };
        account.path = Some(request.path.clone());
        let presented = Presented::read(
            self.facts.header("cookie"),
            self.facts.header("authorization"),
        );
        if matches!(presented, Presented::Ambiguous) {
            let detail = "The request holds two session tokens. Send one, once.";
            return self.respond(account, &problems::ambiguous(detail));
        }
        // (3)
        if !config.serves(&request) {
            return self.respond(account, &problems::misdirected());
        }
        if REFUSED_METHODS.contains(&request.method.as_str()) {
            let outcome = self.respond(account, &problems::method_not_allowed());
            return outcome.with("allow", USUAL_METHODS);
        }
        // (4)
        if request.escapes.is_empty()
            && let Some(answer) = self.own_path(&request, account).await
        {
            return answer;
        }
        // (5)
        let route = match config.routes.find(&request) {
            Ok(route) => route,
            Err(ambiguity) => {
                return self.respond(account, &problems::ambiguous(ambiguity.to_string()));
            }
        };
        account.route = route.map(|route| route.id.clone());
        // (6)
        if let Some(limited) = self.address_limit(client_ip).await {
            let answer = self.respond(account, &problems::rate_limited(limited.seconds()));
            return self.with_words_of_route(answer, route, Some(limited));
        }
        let Some(route) = route else {
            return self.respond(account, &problems::not_found());
        };
        // (7)
        let (outcome, limited) = self
            .on_route(route, &request, &presented, client_ip, account)
            .await;
        self.with_words_of_route(outcome, Some(route), limited)
    }

    /// 1. A preflight is answered where the route speaks of cross-origin use: it carries no
    ///    session, and asks for none.
    /// 2. The method and the size of the body.
    /// 3. The route's limit, if it can tell without asking Redis.
    /// 4. The session, and the limit that Redis counts, in one round trip.
    /// 5. The decision, which alone lets the request through.
    async fn on_route(
        &self,
        route: &Route,
        request: &CanonicalRequest,
        presented: &Presented,
        client_ip: ClientIp,
        account: &mut Account,
    ) -> (Outcome, Option<Limited>) {
        let config = &self.gateway.config;
        // (1)
        if let Some(cors) = route
            .cors
            .as_ref()
            .filter(|_| Cors::is_preflight(self.facts))
        {
            account.outcome = "preflight";
            let headers = cors.on_preflight(self.facts);
            let answer = Answer::empty(204, headers, self.request_id.as_str());
            return (answer.into(), None);
        }
        // (2)
        if !route.takes(&request.method) {
            let outcome = self.respond(account, &problems::method_not_allowed());
            return (outcome.with("allow", route.methods.join(", ")), None);
        }
        if self.is_too_large(route) {
            return (self.respond(account, &problems::payload_too_large()), None);
        }
        // (3)
        let session_id = self.session_id(&route.policy, presented);
        let mut limited = self
            .isolate_limit(route, session_id.as_ref().ok(), client_ip)
            .await;
        if let Some(over) = limited.filter(Limited::is_over) {
            let answer = self.respond(account, &problems::rate_limited(over.seconds()));
            return (answer, limited);
        }
        // (4)
        let asked = self.host.now();
        let (credential, counted) = self.credential(route, session_id.as_ref(), client_ip).await;
        if session_id.is_ok() {
            account.session_ms = Some(self.host.now().since(asked));
        }
        limited = limited.or(counted);
        account.session = session_id.as_ref().ok().map(SessionId::log_name);
        // (5)
        let grant = match decide(&route.policy, credential, self.host.now()) {
            Decision::Forward(grant) => grant,
            Decision::Refuse(refusal) => {
                account.outcome = refusal.code();
                let answer = Answer::refusal(
                    refusal,
                    self.client,
                    request,
                    &config.common.auth_url,
                    self.request_id.as_str(),
                );
                return (answer.into(), limited);
            }
        };
        if let Some(over) = limited.filter(Limited::is_over) {
            let answer = self.respond(account, &problems::rate_limited(over.seconds()));
            return (answer, limited);
        }
        if let (Ok(id), Some(record)) = (&session_id, grant.record()) {
            account.user_id = Some(record.user_id.clone());
            self.renew(id, record);
        }
        let context = forward::Context {
            request_id: self.request_id.as_str(),
            trace: &self.trace,
            client_ip,
            token_in_authorization: presented.is_in_authorization(),
        };
        let (session_id, sent) = (session_id.as_ref().ok(), self.host.now());
        let outcome = self
            .forward(&grant, route, request, session_id, &context, account)
            .await;
        account.origin_ms = Some(self.host.now().since(sent));
        (outcome, limited)
    }

    /// Adds what each answer on `route` says: who may read it across origins, and its limit.
    fn with_words_of_route(
        &self,
        mut outcome: Outcome,
        route: Option<&Route>,
        limited: Option<Limited>,
    ) -> Outcome {
        if let Some(cors) = route.and_then(|route| route.cors.as_ref()) {
            match &mut outcome {
                Outcome::Relay(relay) => relay.replace_cors(cors.on_answer(self.facts)),
                Outcome::Respond(answer) => {
                    if !Cors::is_preflight(self.facts) {
                        answer.headers.extend(cors.on_answer(self.facts));
                    }
                    answer.headers.push(("vary", "Origin".to_owned()));
                }
            }
        }
        let words = limited.map(|limited| limited.headers());
        words
            .into_iter()
            .flatten()
            .fold(outcome, |outcome, (name, value)| outcome.with(name, value))
    }

    fn respond(&self, account: &mut Account, problem: &Problem) -> Outcome {
        account.outcome = problem.code;
        Answer::problem(problem, self.client, self.request_id.as_str()).into()
    }
}
