//! The way of a request through the gateway.

use core::cell::RefCell;
use std::rc::Rc;

use authflow_shared::{
    client_ip::ClientIp,
    fingerprint::Device,
    host::{
        CallError, Host,
        origin::{OriginClient, OriginHead},
    },
    log::{Level, Line},
    problem::Problem,
    redis::Redis,
    request_id::RequestId,
    session::{Presented, SessionId, SessionRecord, SessionStore},
    timestamp::Timestamp,
    trace::Trace,
};

use crate::{
    answer::{Answer, Client},
    canonical::CanonicalRequest,
    config::Config,
    decide::{Credential, Decision, Grant, decide},
    facts::Facts,
    forward::{self, Relay, is_websocket},
    health, problems,
    renewal::Renewals,
    routes::{Policy, Route},
};

/// Paths that belong to the gateway and the auth worker; no route may claim them.
const OWN_PATHS: [&str; 5] = [
    "/auth",
    "/api/v1/simple_auth",
    "/health",
    "/metrics",
    "/.well-known/authflow",
];

/// Methods that no origin behind a gateway has a use for: they speak of the connection itself.
const REFUSED_METHODS: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

/// The name in log lines.
pub const SERVICE: &str = "verify";

/// The gateway of an isolate.
#[derive(Debug)]
pub struct Gateway {
    /// Its configuration.
    pub config: Config,
    renewals: RefCell<Renewals>,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The gateway answers itself.
    Respond(Answer),
    /// The origin's answer goes to the client.
    Relay(Relay),
}

/// What the log says of a request.
#[derive(Debug, Default)]
struct Account {
    route: Option<String>,
    path: Option<String>,
    outcome: &'static str,
    user_id: Option<String>,
    session: Option<String>,
    detail: Option<&'static str>,
}

/// What every answer of a request needs.
struct Exchange<'a, H> {
    host: &'a H,
    gateway: &'a Rc<Gateway>,
    facts: &'a Facts<'a>,
    request_id: RequestId,
    trace: Trace,
    client: Client,
}

impl Gateway {
    /// A gateway under `config`.
    pub fn new(config: Config) -> Self {
        let renewals = RefCell::new(Renewals::new(config.common.lifetimes.session));
        Self { config, renewals }
    }

    /// Answers one request and writes its log line.
    pub async fn handle<H: Host + OriginClient>(
        self: Rc<Self>,
        host: H,
        facts: &Facts<'_>,
    ) -> Outcome {
        let started = host.now();
        let (request_id, client) = (RequestId::random(&host), Client::of(facts));
        // Without randomness no id is unpredictable; nobody is let through then.
        let Ok(trace) = Trace::enter(facts.header("traceparent"), &host) else {
            let problem = problems::internal_error();
            return Outcome::Respond(Answer::problem(&problem, client, request_id.as_str()));
        };
        let exchange = Exchange {
            host: &host,
            gateway: &self,
            facts,
            request_id,
            trace,
            client,
        };
        let mut account = Account::default();
        let (outcome, status) = exchange.run(&mut account).await;
        exchange.log(account, status, started);
        match outcome {
            Outcome::Respond(answer) => Outcome::Respond(answer.for_method(facts.method)),
            relay @ Outcome::Relay(_) => relay,
        }
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

impl<H: Host + OriginClient> Exchange<'_, H> {
    /// 1. The edge must have told the client's address: fingerprint and limits stand on it.
    /// 2. The target must have one reading, and the request one session token at most. This comes
    ///    before all else, so that no answer depends on how an ambiguous request is read.
    /// 3. The host must be one of ours, where the configuration names them.
    /// 4. The gateway's own paths.
    /// 5. The route, and whether it takes the method.
    /// 6. The decision, which alone lets the request through.
    async fn run(&self, account: &mut Account) -> (Outcome, u16) {
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
        let authority = request.authority().to_ascii_lowercase();
        if !config.public_hosts.is_empty() && !config.public_hosts.contains(&authority) {
            return self.respond(account, &problems::misdirected());
        }
        if REFUSED_METHODS.contains(&request.method.as_str()) {
            return self.respond(account, &problems::method_not_allowed());
        }
        // (4)
        if let Some(answer) = self.own_path(&request, account).await {
            return answer;
        }
        // (5)
        let Some(route) = config.routes.find(&request.path) else {
            return self.respond(account, &problems::not_found());
        };
        account.route = Some(route.id.clone());
        if !route.takes(&request.method) {
            let (outcome, status) = self.respond(account, &problems::method_not_allowed());
            return (
                with_header(outcome, "allow", route.methods.join(", ")),
                status,
            );
        }
        // (6)
        let (session_id, credential) = self.credential(&route.policy, &presented, client_ip).await;
        account.session = session_id.as_ref().map(SessionId::log_name);
        match decide(&route.policy, credential, self.host.now()) {
            Decision::Refuse(refusal) => {
                account.outcome = refusal.code();
                let auth_url = &config.common.auth_url;
                let answer = Answer::refusal(
                    refusal,
                    self.client,
                    &request,
                    auth_url,
                    self.request_id.as_str(),
                );
                let status = answer.status;
                (Outcome::Respond(answer), status)
            }
            Decision::Forward(grant) => {
                if let (Some(id), Some(record)) = (session_id, grant.record()) {
                    account.user_id = Some(record.user_id.clone());
                    self.renew(id, record);
                }
                let in_authorization = matches!(
                    presented,
                    Presented::Token {
                        in_authorization: true,
                        ..
                    }
                );
                let context = forward::Context {
                    request_id: self.request_id.as_str(),
                    trace: &self.trace,
                    client_ip,
                    token_in_authorization: in_authorization,
                };
                self.forward(&grant, route, &request, &context, account)
                    .await
            }
        }
    }

    /// Answers a request to one of our own paths; `None` if it is to none of them.
    async fn own_path(
        &self,
        request: &CanonicalRequest,
        account: &mut Account,
    ) -> Option<(Outcome, u16)> {
        let config = &self.gateway.config;
        match request.path.as_str() {
            "/health" | "/health/" => {
                account.route = Some("health".to_owned());
                if !matches!(request.method.as_str(), "GET" | "HEAD") {
                    let (outcome, status) = self.respond(account, &problems::method_not_allowed());
                    return Some((
                        with_header(outcome, "allow", "GET, HEAD".to_owned()),
                        status,
                    ));
                }
                let redis = Redis::new(self.host.clone(), config.common.redis.clone());
                let answer =
                    health::answer(&redis, self.host, request, self.request_id.as_str()).await;
                account.outcome = "health";
                let status = answer.status;
                Some((Outcome::Respond(answer), status))
            }
            path if path == "/auth" || path.starts_with("/auth/") => {
                account.route = Some("auth".to_owned());
                let auth_url = &config.common.auth_url;
                if auth_url.as_str() == request.origin {
                    return Some(self.respond(account, &problems::auth_not_routed()));
                }
                account.outcome = "redirect";
                let location = format!("{auth_url}{}", request.target());
                let answer = Answer::redirect(location, &request.method, self.request_id.as_str());
                let status = answer.status;
                Some((Outcome::Respond(answer), status))
            }
            path if is_own_path(path) => Some(self.respond(account, &problems::not_found())),
            _ => None,
        }
    }

    /// Looks up the session that the request presents; asks the store only for a token of ours,
    /// and only where the policy wants to know.
    async fn credential(
        &self,
        policy: &Policy,
        presented: &Presented,
        client_ip: ClientIp,
    ) -> (Option<SessionId>, Credential) {
        let Presented::Token { token, .. } = presented else {
            return (None, Credential::None);
        };
        if matches!(policy, Policy::Public) {
            return (None, Credential::None);
        }
        let common = &self.gateway.config.common;
        let Ok(id) = common.token_keys.open(token.expose()) else {
            return (None, Credential::Forged);
        };
        let lookup = self.store().find(&id, self.host.now()).await;
        let device = Device::of(client_ip, |name| self.facts.header(name));
        let same_device = lookup.record().is_some_and(|record| {
            let fingerprinter = &common.fingerprinter;
            // Browsers send no client hints with a WebSocket's handshake.
            if is_websocket(self.facts) && device.platform.is_none() && device.mobile.is_none() {
                fingerprinter.matches_without_hints(&device, &record.factors)
            } else {
                fingerprinter.matches(&device, &record.device_fingerprint)
            }
        });
        (
            Some(id),
            Credential::Session {
                lookup,
                same_device,
            },
        )
    }

    async fn forward(
        &self,
        grant: &Grant,
        route: &Route,
        request: &CanonicalRequest,
        context: &forward::Context<'_>,
        account: &mut Account,
    ) -> (Outcome, u16) {
        let plan = forward::plan(grant, route, request, self.facts, context);
        match self.host.forward(plan).await {
            // Any other status is none, and the runtime could not hand it on.
            Ok(head) if matches!(head.status, 200..=599) || is_switch(&head, self.facts) => {
                account.outcome = "forwarded";
                let relay = forward::relay(&head, grant, self.request_id.as_str());
                (Outcome::Relay(relay), head.status)
            }
            Ok(_) => self.respond(account, &problems::upstream_invalid()),
            Err(CallError::Connection) => self.respond(account, &problems::upstream_unreachable()),
            Err(CallError::Timeout) => self.respond(account, &problems::upstream_timeout()),
        }
    }

    /// Lets the session live on, after the response.
    fn renew(&self, id: SessionId, record: &SessionRecord) {
        let now = self.host.now();
        if !self.gateway.renewals.borrow_mut().take(&id, record, now) {
            return;
        }
        let (gateway, host, store) = (self.gateway.clone(), self.host.clone(), self.store());
        let (record, request_id) = (record.clone(), self.request_id.to_string());
        self.host.spawn(async move {
            if let Err(reason) = store.renew(&id, &record, now).await {
                gateway.renewals.borrow_mut().failed(&id);
                Line::new(Level::Warn, SERVICE, "renewal_failed")
                    .field("request_id", request_id)
                    .field("session", id.log_name())
                    .field("reason", reason.as_str())
                    .emit(&host, gateway.config.common.log_level);
            }
        });
    }

    fn store(&self) -> SessionStore<H> {
        let common = &self.gateway.config.common;
        let redis = Redis::new(self.host.clone(), common.redis.clone());
        SessionStore::new(redis, common.lifetimes)
    }

    fn respond(&self, account: &mut Account, problem: &Problem) -> (Outcome, u16) {
        account.outcome = problem.code;
        let answer = Answer::problem(problem, self.client, self.request_id.as_str());
        (Outcome::Respond(answer), problem.status)
    }

    fn log(&self, account: Account, status: u16, started: Timestamp) {
        Line::new(Level::of_status(status), SERVICE, "request")
            .field("request_id", self.request_id.as_str())
            .field("trace_id", self.trace.trace_id.as_str())
            .maybe(
                "client_request_id",
                self.facts.header("x-request-id").filter(is_short),
            )
            .maybe("route", account.route)
            .field("method", self.facts.method)
            .maybe("path", account.path)
            .field("status", status)
            .field("duration_ms", self.host.now().since(started))
            .field("outcome", account.outcome)
            .maybe("user_id", account.user_id)
            .maybe("session", account.session)
            .maybe("detail", account.detail)
            .emit(self.host, self.gateway.config.common.log_level);
    }
}

/// Whether the origin switches to the protocol that the client asked for.
fn is_switch(head: &OriginHead, facts: &Facts<'_>) -> bool {
    head.status == 101 && is_websocket(facts)
}

/// Whether an id that a client chose may stand in the log.
fn is_short(id: &&str) -> bool {
    id.len() <= 128
}

/// Whether `path` belongs to the gateway or the auth worker.
pub fn is_own_path(path: &str) -> bool {
    OWN_PATHS.iter().any(|own| {
        path.strip_prefix(own)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

fn with_header(outcome: Outcome, name: &'static str, value: String) -> Outcome {
    match outcome {
        Outcome::Respond(mut answer) => {
            answer.headers.push((name, value));
            Outcome::Respond(answer)
        }
        relay @ Outcome::Relay(_) => relay,
    }
}
