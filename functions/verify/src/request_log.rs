//! The log line of each request.

use authflow_shared::{
    host::{Clock, LogSink},
    log::{Level, Line},
    timestamp::Timestamp,
};

use crate::facts::Facts;

/// The name in log lines.
pub(crate) const SERVICE: &str = "verify";
/// The longest id of a client's own that stands in the log.
const LONGEST_CLIENT_ID: usize = 128;

/// Where a session was looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// In Redis.
    Redis,
    /// In the isolate's memory.
    Memory,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Memory => "memory",
        }
    }
}

/// What the log says of a request.
#[derive(Debug, Default)]
pub(crate) struct LogEntry {
    started: Timestamp,
    request_id: String,
    pub(crate) trace_id: Option<String>,
    client_request_id: Option<String>,
    method: String,
    pub(crate) route: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) outcome: &'static str,
    pub(crate) user_id: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) detail: Option<&'static str>,
    /// Where the session was looked up, and the milliseconds that it took.
    pub(crate) session_source: Option<(Source, u64)>,
    /// Milliseconds until the head of the origin's answer.
    pub(crate) origin_ms: Option<u64>,
}

impl LogEntry {
    /// The entry of a request that began just now.
    pub(crate) fn begin(facts: &Facts<'_>, request_id: &str, clock: &impl Clock) -> Self {
        let client_id = facts.header("x-request-id");
        Self {
            started: clock.now(),
            request_id: request_id.to_owned(),
            client_request_id: client_id
                .filter(|id| id.len() <= LONGEST_CLIENT_ID)
                .map(str::to_owned),
            method: facts.method.to_owned(),
            ..Self::default()
        }
    }

    /// `Server-Timing` (W3C): where the session came from, and how long each part took.
    pub(crate) fn server_timing(&self, clock: &impl Clock) -> String {
        let session = self
            .session_source
            .map(|(source, millis)| format!("session;desc=\"{}\";dur={millis}", source.as_str()));
        let origin = self.origin_ms.map(|millis| format!("origin;dur={millis}"));
        let total = Some(format!("total;dur={}", clock.now().since(self.started)));
        let parts: Vec<_> = [session, origin, total].into_iter().flatten().collect();
        parts.join(", ")
    }

    /// Writes the line of a request that was answered with `status`.
    pub(crate) fn write(self, status: u16, host: &(impl Clock + LogSink), level: Level) {
        Line::new(Level::of_status(status), SERVICE, "request")
            .field("request_id", self.request_id)
            .maybe("trace_id", self.trace_id)
            .maybe("client_request_id", self.client_request_id)
            .maybe("route", self.route)
            .field("method", self.method)
            .maybe("path", self.path)
            .field("status", status)
            .field("duration_ms", host.now().since(self.started))
            .field("outcome", self.outcome)
            .maybe("user_id", self.user_id)
            .maybe("session", self.session)
            .maybe("detail", self.detail)
            .emit(host, level);
    }
}
