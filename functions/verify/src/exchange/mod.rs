//! The way of one request through the gateway.

mod drift;
mod early;
mod errand;
mod limit;
mod own_paths;
mod session;
mod signin_page;
mod words;

use std::rc::Rc;

use authflow_shared::{
    client_ip::ClientIp,
    host::{Host, gateway::GatewayHost},
    log::{Level, Line, REQUEST},
    problem::Problem,
    redacted::redacted,
    request_id::RequestId,
    session::{Presented, SessionId},
    telemetry::{Call, Context},
    trace::Trace,
};

use self::{errand::Errand, words::Words};
use crate::{
    answer::{Answer, Client},
    canonical::CanonicalRequest,
    config::SERVICE,
    decide::{Decision, decide},
    facts::Facts,
    forward,
    gateway::Gateway,
    limits::Tally,
    outcome::Outcome,
    problems,
    request_log::LogEntry,
    routes::Route,
};

/// A request, and what every answer to it needs.
struct Exchange<'a, H> {
    host: &'a H,
    gateway: &'a Rc<Gateway>,
    facts: &'a Facts<'a>,
    request_id: RequestId,
    context: Rc<Context>,
    client: Client,
}

/// What comes next for a request.
enum Next<H> {
    /// It is answered.
    Answer(Outcome),
    /// It goes to an origin, and these words with the answer.
    Send(Box<Errand<H>>, Words),
}

/// Answers the request that `text` describes (see [`Facts`]), and writes its log line.
pub async fn handle<H: GatewayHost>(gateway: Rc<Gateway>, host: H, text: String) -> Outcome {
    // A text that is cut off could only come from another driver; it names no route.
    let facts = Facts::parse(&text).unwrap_or_default();
    let (request_id, client) = (RequestId::random(&host), Client::of(&facts));
    let is_head = facts.method == "HEAD";
    let mut entry = LogEntry::begin(&facts, &host);
    let telemetry = &gateway.config.common.telemetry;
    let traceparent = facts.header("traceparent");
    let trace = Trace::enter(traceparent, telemetry.trace_one_in(), &host).ok();
    let is_traced = trace.is_some();
    let context = Context::new(&request_id, trace, Some(telemetry.clone()));
    host.enter(context.clone());
    let next = if is_traced {
        let exchange = Exchange {
            host: &host,
            gateway: &gateway,
            facts: &facts,
            request_id,
            context: context.clone(),
            client,
        };
        match exchange.run(&mut entry).await {
            // Every redirect of ours leads to the auth worker. In a box, so that no other request
            // waits with room for this.
            Next::Answer(outcome) if matches!(outcome.status(), 302 | 303) => {
                Next::Answer(Box::pin(exchange.unless_away(outcome, &mut entry)).await)
            }
            next => next,
        }
    } else {
        // Without randomness no id is unpredictable; nobody is let through then.
        let problem = problems::internal_error();
        Next::Answer(respond(&mut entry, &problem, client, &request_id))
    };
    // While it waits for an origin, a request holds no more than that needs: the client may be
    // gone, and nobody tells.
    drop(facts);
    drop(text);
    let mut outcome = match next {
        Next::Answer(outcome) => outcome,
        Next::Send(errand, words) => words.on(errand.run(&mut entry).await),
    };
    if gateway.config.server_timing {
        outcome.append("server-timing", entry.server_timing(&host));
    }
    let status = outcome.status();
    entry.write(status, &host, gateway.config.common.log_level);
    entry.conclude(status, telemetry, &context, host.now());
    telemetry.plan_flush(&host, &gateway.config.common.exports);
    match outcome {
        Outcome::Respond(answer) if is_head => Outcome::Respond(answer.without_body()),
        outcome => outcome,
    }
}

/// Answers a request that is not looked at: the configuration has faults, and there is no gateway, or there is
/// no room for more.
pub fn refused(
    gateway: Option<&Gateway>,
    host: &impl Host,
    text: &str,
    problem: &Problem,
) -> Outcome {
    let facts = Facts::parse(text).unwrap_or_default();
    let request_id = RequestId::random(host);
    let trace = Trace::enter(facts.header("traceparent"), 1, host).ok();
    host.enter(Context::new(&request_id, trace, None));
    if let Some(gateway) = gateway {
        let telemetry = &gateway.config.common.telemetry;
        telemetry.request(None, facts.method, problem.status, 0);
        telemetry.decision("unavailable", problem.code);
    }
    Line::new(Level::of_status(problem.status), SERVICE, REQUEST)
        .field("method", facts.method)
        .field("status", problem.status)
        .field("duration_ms", 0_u64)
        .field("outcome", problem.code)
        .emit(host, Level::Warn);
    let answer = Answer::problem(problem, Client::of(&facts), request_id.as_str());
    Outcome::Respond(if facts.method == "HEAD" {
        answer.without_body()
    } else {
        answer
    })
}

impl<H: GatewayHost> Exchange<'_, H> {
    /// 1. The edge must have told the client's address: fingerprint and limits stand on it.
    /// 2. The headers must not be excessive, the target must have one reading, and the request
    ///    one session token at most. This comes before all else, so that no answer depends on how
    ///    an ambiguous request is read.
    /// 3. The host must be one of ours, where the configuration names them, and the method one
    ///    that an origin has a use for.
    /// 4. The gateway's own paths.
    /// 5. The route, which may find the target ambiguous for what it asks.
    /// 6. The limit that every address has; only then is it said that nothing is found.
    /// 7. What the route itself demands.
    async fn run(&self, entry: &mut LogEntry) -> Next<H> {
        // (1)
        let source = &self.gateway.config.common.client_ip;
        let Some(client_ip) = source.read(self.facts.header(&source.header)) else {
            entry.detail = Some("the client's address is missing or unreadable");
            return Next::Answer(self.respond(entry, &problems::config_invalid()));
        };
        // (2)
        let (request, presented) = match self.read() {
            Ok(read) => read,
            Err(problem) => return Next::Answer(self.respond(entry, &problem)),
        };
        entry.path = Some(redacted(&request.path));
        // (3)
        if let Some(outcome) = self.misdirected(&request, entry) {
            return Next::Answer(outcome);
        }
        // (4)
        if request.escapes.is_empty()
            && let Some(outcome) = self.own_path(&request, client_ip, entry).await
        {
            entry.is_undecided = true;
            return Next::Answer(outcome);
        }
        // (5)
        let route = match self.gateway.config.routes.find(&request) {
            Ok(route) => route,
            Err(ambiguity) => {
                let problem = problems::ambiguous(ambiguity.to_string());
                return Next::Answer(self.respond(entry, &problem));
            }
        };
        entry.route = route.map(|route| route.id.clone());
        let mut words = Words::of(route, self.facts);
        // (6)
        if let Some(tally) = self.address_limit(client_ip).await {
            words.tally = Some(tally);
            return Next::Answer(words.on(self.over_the_limit(entry, tally)));
        }
        let Some(route) = route else {
            return Next::Answer(self.respond(entry, &problems::not_found()));
        };
        // (7)
        match self
            .admit(route, &request, &presented, client_ip, &mut words, entry)
            .await
        {
            Ok(errand) => Next::Send(errand, words),
            Err(outcome) => Next::Answer(words.on(outcome)),
        }
    }

    /// 1. What is answered without asking who it is: preflights, methods, sizes.
    /// 2. The route's limit, if it can tell without asking Redis.
    /// 3. The session, and the limit that Redis counts, in one round trip.
    /// 4. The decision, which alone lets the request through.
    /// 5. The limit that Redis counted: whoever may not pass learns that first.
    ///
    /// # Errors
    /// The answer to a request that does not pass.
    async fn admit(
        &self,
        route: &Route,
        request: &CanonicalRequest,
        presented: &Presented,
        client_ip: ClientIp,
        words: &mut Words,
        entry: &mut LogEntry,
    ) -> Result<Box<Errand<H>>, Outcome> {
        // (1)
        self.answered_early(route, request, entry)?;
        // (2)
        let named = self.named(&route.policy, presented);
        let seen = self.seen(client_ip);
        words.tally = self
            .limit_without_redis(route, named.session(), &seen)
            .await;
        self.within(words.tally, entry)?;
        // (3)
        let asked = self.host.now();
        let (credential, source, tally) = self.credential(route, &named, &seen).await;
        entry.session = named.session().map(SessionId::log_name);
        entry.session_source = source.map(|source| (source, self.host.now().since(asked)));
        words.tally = words.tally.or(tally);
        entry.drift = credential.drift();
        // (4)
        let grant = match decide(&route.policy, credential, self.host.now()) {
            Decision::Forward(grant) => grant,
            Decision::Refuse(refusal) => {
                entry.outcome = refusal.code();
                let auth_url = &self.gateway.config.common.auth_url;
                let id = self.request_id.as_str();
                return Err(Answer::refusal(refusal, self.client, request, auth_url, id).into());
            }
        };
        // (5)
        self.within(words.tally, entry)?;
        let is_personal = grant.record().is_some();
        entry.grant(if is_personal { "session" } else { "public" }, self.host);
        if let (Some(id), Some(record)) = (named.session(), grant.record()) {
            entry.user_id = Some(record.user_id.clone());
            let renewals = &self.gateway.config.common.renewals;
            self.store().renew_behind(renewals, id, record);
            if let Some(factor) = entry.drift {
                self.follow(factor, id, record, &seen.device);
            }
        }
        let call = self.context.call(&"origin".into(), self.host);
        let trace = self.context.trace();
        let context = forward::Context {
            request_id: self.request_id.as_str(),
            traceparent: call.as_ref().map_or("", Call::traceparent),
            is_continued: trace.is_some_and(Trace::is_continued),
            client_ip,
            token_in_authorization: presented.is_in_authorization(),
        };
        let template = forward::template(&grant, route, request, self.facts, &context);
        Ok(Box::new(Errand {
            host: self.host.clone(),
            gateway: self.gateway.clone(),
            route: route.id.clone(),
            upstreams: route.upstreams.clone(),
            template,
            context: self.context.clone(),
            call,
            grant,
            session: named.into_session(),
            request_id: self.request_id.clone(),
            client: self.client,
            is_websocket: self.facts.is_websocket(),
        }))
    }

    /// # Errors
    /// The refusal of a request over its limit.
    fn within(&self, tally: Option<Tally>, entry: &mut LogEntry) -> Result<(), Outcome> {
        match tally.filter(Tally::is_exceeded) {
            Some(tally) => Err(self.over_the_limit(entry, tally)),
            None => Ok(()),
        }
    }

    fn over_the_limit(&self, entry: &mut LogEntry, tally: Tally) -> Outcome {
        let mut outcome = self.respond(entry, &problems::rate_limited(tally.seconds()));
        outcome.set("retry-after", tally.seconds().to_string());
        outcome
    }

    fn respond(&self, entry: &mut LogEntry, problem: &Problem) -> Outcome {
        respond(entry, problem, self.client, &self.request_id)
    }
}

/// Answers with `problem`, and notes it.
fn respond(
    entry: &mut LogEntry,
    problem: &Problem,
    client: Client,
    request_id: &RequestId,
) -> Outcome {
    entry.outcome = problem.code;
    Answer::problem(problem, client, request_id.as_str()).into()
}
