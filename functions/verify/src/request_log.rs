//! What is told of each request: its log line, its counts, the end of its span, and `Server-Timing`.

use std::rc::Rc;

use authflow_shared::{
    fingerprint::Factor,
    host::Clock,
    log::{Level, Line, Log, REQUEST},
    redacted::redacted,
    telemetry::{Context, End, Telemetry},
    timestamp::Timestamp,
};

use crate::{config::SERVICE, facts::Facts};

/// The longest id of a client's own that stands in the log.
const LONGEST_CLIENT_ID: usize = 128;

/// Where a session was looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// In Redis.
    Redis,
    /// In the database, because Redis could not tell.
    Database,
    /// In the isolate's memory.
    Memory {
        /// How long ago Redis had said it, in milliseconds.
        age_ms: u64,
    },
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Database => "database",
            Self::Memory { .. } => "memory",
        }
    }

    const fn age_ms(self) -> Option<u64> {
        match self {
            Self::Redis | Self::Database => None,
            Self::Memory { age_ms } => Some(age_ms),
        }
    }
}

/// What the log says of a request.
#[derive(Debug)]
pub(crate) struct LogEntry {
    started: Timestamp,
    client_request_id: Option<String>,
    method: String,
    pub(crate) route: Option<Rc<str>>,
    pub(crate) path: Option<String>,
    pub(crate) outcome: &'static str,
    /// Why the request may pass, and how long it took to find out.
    granted: Option<(&'static str, u64)>,
    /// Whether nothing was to be decided: it is to a path of our own, or a preflight.
    pub(crate) is_undecided: bool,
    pub(crate) user_id: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) detail: Option<&'static str>,
    /// The factor in which the device differs from the session's, though it passes for the same.
    pub(crate) drift: Option<Factor>,
    /// Where the session was looked up, and the milliseconds that it took.
    pub(crate) session_source: Option<(Source, u64)>,
    /// Milliseconds until the head of the origin's answer.
    pub(crate) origin_ms: Option<u64>,
}

impl LogEntry {
    /// The entry of a request that began just now.
    pub(crate) fn begin(facts: &Facts<'_>, clock: &impl Clock) -> Self {
        let client_id = facts.header("x-request-id");
        Self {
            started: clock.now(),
            client_request_id: client_id
                .filter(|id| id.len() <= LONGEST_CLIENT_ID)
                .map(redacted),
            method: facts.method.to_owned(),
            route: None,
            path: None,
            outcome: "",
            granted: None,
            is_undecided: false,
            user_id: None,
            session: None,
            detail: None,
            drift: None,
            session_source: None,
            origin_ms: None,
        }
    }

    /// The request may pass, for `reason`.
    pub(crate) fn grant(&mut self, reason: &'static str, clock: &impl Clock) {
        self.granted = Some((reason, clock.now().since(self.started)));
    }

    /// `Server-Timing` (W3C): where the session came from, what was decided, and how long each took.
    pub(crate) fn server_timing(&self, clock: &impl Clock) -> String {
        let took = clock.now().since(self.started);
        let (reason, millis) = self.granted.unwrap_or((self.outcome, took));
        let decision = Some(format!("decision;desc=\"{reason}\";dur={millis}"));
        let session = self
            .session_source
            .map(|(source, millis)| format!("session;desc=\"{}\";dur={millis}", source.as_str()));
        let origin = self.origin_ms.map(|millis| format!("origin;dur={millis}"));
        let total = Some(format!("total;dur={took}"));
        let parts: Vec<_> = [session, decision, origin, total]
            .into_iter()
            .flatten()
            .collect();
        parts.join(", ")
    }

    /// Writes the line of a request that was answered with `status`.
    pub(crate) fn write(&self, status: u16, host: &impl Log, level: Level) {
        let source = self.session_source.map(|(source, _)| source);
        Line::new(Level::of_status(status), SERVICE, REQUEST)
            .maybe("client_request_id", self.client_request_id.as_deref())
            .maybe("route", self.route.as_deref())
            .field("method", self.method.as_str())
            .maybe("path", self.path.as_deref())
            .field("status", status)
            .field("duration_ms", host.now().since(self.started))
            .field("outcome", self.outcome)
            .maybe("user_id", self.user_id.as_deref())
            .maybe("session", self.session.as_deref())
            .maybe("session_source", source.map(Source::as_str))
            .maybe("session_age_ms", source.and_then(Source::age_ms))
            .maybe("origin_ms", self.origin_ms)
            .maybe("detail", self.detail)
            .maybe("drift", self.drift.map(Factor::as_str))
            .emit(host, level);
    }

    /// Counts the request, which was answered with `status`, and ends its span.
    pub(crate) fn conclude(
        &self,
        status: u16,
        telemetry: &Telemetry,
        context: &Context,
        now: Timestamp,
    ) {
        let (route, method) = (self.route.as_deref(), self.method.as_str());
        telemetry.request(route, method, status, now.since(self.started));
        if !self.is_undecided {
            let (decision, reason) = match (self.granted, status) {
                (Some((reason, _)), _) => ("forward", reason),
                (None, 500) => ("error", self.outcome),
                (None, 503) => ("unavailable", self.outcome),
                (None, _) => ("refuse", self.outcome),
            };
            telemetry.decision(decision, reason);
        }
        let end = End {
            started: self.started,
            method,
            route,
            status,
            outcome: self.outcome,
            path: self.path.as_deref(),
        };
        context.finish(&end, now);
    }
}
