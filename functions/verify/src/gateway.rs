//! The gateway of an isolate, and the log line of each request.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use authflow_shared::{
    host::{Host, edge::Edge},
    log::{Level, Line},
    rate_limit::Counter,
    request_id::RequestId,
    trace::Trace,
};

use crate::{
    answer::{Answer, Client},
    assertion::Assertions,
    config::Config,
    exchange::Exchange,
    facts::Facts,
    forward::Relay,
    limits::Limits,
    problems,
    renewal::Renewals,
};

/// Paths that belong to the gateway and the auth worker; no route may claim them.
const OWN_PATHS: [&str; 5] = [
    "/auth",
    "/api/v1/simple_auth",
    "/health",
    "/metrics",
    "/.well-known/authflow",
];

/// The name in log lines.
pub const SERVICE: &str = "verify";

/// The gateway of an isolate: its configuration, and what it remembers from request to request.
#[derive(Debug)]
pub struct Gateway {
    /// Its configuration.
    pub config: Config,
    pub(crate) renewals: RefCell<Renewals>,
    pub(crate) limits: RefCell<Limits>,
    pub(crate) counter: Counter,
    pub(crate) assertions: RefCell<Assertions>,
    /// How many requests went to a route of several origins; they take turns.
    pub(crate) turn: Cell<usize>,
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
pub(crate) struct Account {
    pub(crate) route: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) outcome: &'static str,
    pub(crate) user_id: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) detail: Option<&'static str>,
}

impl Gateway {
    /// A gateway under `config`.
    pub fn new(config: Config) -> Self {
        let renewals = RefCell::new(Renewals::new(config.common.lifetimes.session));
        Self {
            config,
            renewals,
            limits: RefCell::default(),
            counter: Counter::default(),
            assertions: RefCell::default(),
            turn: Cell::default(),
        }
    }

    /// Answers one request and writes its log line.
    pub async fn handle<H: Edge>(self: Rc<Self>, host: H, facts: &Facts<'_>) -> Outcome {
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

/// Whether `path` belongs to the gateway or the auth worker.
pub fn is_own_path(path: &str) -> bool {
    OWN_PATHS.iter().any(|own| {
        path.strip_prefix(own)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
