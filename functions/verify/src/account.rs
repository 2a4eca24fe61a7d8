//! The log line of each request.

use authflow_shared::{
    host::{Clock, LogSink},
    log::{Level, Line},
    request_id::RequestId,
    timestamp::Timestamp,
    trace::Trace,
};

use crate::facts::Facts;

/// The name in log lines.
pub(crate) const SERVICE: &str = "verify";

/// What the log says of a request beside what it brought.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) route: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) outcome: &'static str,
    pub(crate) user_id: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) detail: Option<&'static str>,
    /// Milliseconds that the look-up of the session took.
    pub(crate) session_ms: Option<u64>,
    /// Milliseconds until the head of the origin's answer.
    pub(crate) origin_ms: Option<u64>,
}

/// A request as the log names it.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) facts: &'a Facts<'a>,
    pub(crate) request_id: &'a RequestId,
    pub(crate) trace: &'a Trace,
    pub(crate) started: Timestamp,
}

impl Account {
    /// `Server-Timing` (W3C): where the session came from, and how long each part took.
    pub(crate) fn server_timing(&self, total_ms: u64) -> String {
        let session = self
            .session_ms
            .map(|millis| format!("session;desc=\"redis\";dur={millis}"));
        let origin = self.origin_ms.map(|millis| format!("origin;dur={millis}"));
        let total = Some(format!("total;dur={total_ms}"));
        let parts: Vec<_> = [session, origin, total].into_iter().flatten().collect();
        parts.join(", ")
    }

    /// Writes the line of a request that was answered with `status`.
    pub(crate) fn write(
        self,
        subject: &Subject<'_>,
        status: u16,
        host: &(impl Clock + LogSink),
        level: Level,
    ) {
        let Subject {
            facts,
            request_id,
            trace,
            started,
        } = subject;
        let client_request_id = facts.header("x-request-id").filter(is_short);
        Line::new(Level::of_status(status), SERVICE, "request")
            .field("request_id", request_id.as_str())
            .field("trace_id", trace.trace_id.as_str())
            .maybe("client_request_id", client_request_id)
            .maybe("route", self.route)
            .field("method", facts.method)
            .maybe("path", self.path)
            .field("status", status)
            .field("duration_ms", host.now().since(*started))
            .field("outcome", self.outcome)
            .maybe("user_id", self.user_id)
            .maybe("session", self.session)
            .maybe("detail", self.detail)
            .emit(host, level);
    }
}

/// Whether an id that a client chose may stand in the log.
fn is_short(id: &&str) -> bool {
    id.len() <= 128
}
