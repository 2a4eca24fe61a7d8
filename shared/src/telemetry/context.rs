//! What belongs to one request while it is on its way: its names, and the spans of its trace.
//!
//! The environment carries it ([`InRequest`](crate::host::InRequest)), so that every log line and
//! every call of the request, and of what it left for after the response, has them.

use core::cell::RefCell;
use std::rc::Rc;

use super::{
    Telemetry,
    span::{Kind, Span},
};
use crate::{
    host::{Clock, Random},
    json::Writer,
    request_id::RequestId,
    timestamp::Timestamp,
    trace::Trace,
};

/// The most spans that are kept of one request.
const MOST_OF_REQUEST: usize = 64;

/// See the module.
#[derive(Debug)]
pub struct Context {
    /// The fields that name the request in each of its log lines, as JSON without braces.
    fields: String,
    request_id: RequestId,
    trace: Option<Trace>,
    telemetry: Option<Rc<Telemetry>>,
    spans: RefCell<Spans>,
}

/// What became of the spans so far.
#[derive(Debug)]
enum Spans {
    /// Nobody wants any.
    Dropped,
    /// It is not known yet whether they are wanted.
    Held(Vec<Made>),
    /// The request is answered, and each goes out as it ends.
    Exported,
}

/// What a request came to.
#[derive(Debug)]
pub struct End<'a> {
    /// When it began.
    pub started: Timestamp,
    /// Its method.
    pub method: &'a str,
    /// The name of its route or endpoint.
    pub route: Option<&'a str>,
    /// The status that it was answered with.
    pub status: u16,
    /// What became of it, in snake case.
    pub outcome: &'static str,
    /// The path, as logs show it, where it could be read.
    pub path: Option<&'a str>,
}

/// A call that is about to be made.
#[derive(Debug)]
pub struct Call {
    place: Trace,
    name: Rc<str>,
    /// None if nobody wants to know.
    since: Option<Timestamp>,
}

/// A call that was made.
#[derive(Debug)]
struct Made {
    place: Trace,
    name: Rc<str>,
    started: Timestamp,
    ended: Timestamp,
    status: Option<u16>,
    error: Option<&'static str>,
}

impl Made {
    fn span(&self) -> Span<'_> {
        Span {
            place: &self.place,
            kind: Kind::Client,
            name: &self.name,
            started: self.started,
            ended: self.ended,
            status: self.status,
            error: self.error,
            attributes: &[],
        }
    }
}

impl Call {
    /// The `traceparent` that goes with it.
    pub fn traceparent(&self) -> &str {
        self.place.traceparent()
    }
}

impl Context {
    /// The context of the request `request_id` in `trace`; its spans are recorded where `telemetry`
    /// exports any.
    pub fn new(
        request_id: &RequestId,
        trace: Option<Trace>,
        telemetry: Option<Rc<Telemetry>>,
    ) -> Rc<Self> {
        let fields = Writer::object()
            .text("request_id", request_id.as_str())
            .maybe_text("trace_id", trace.as_ref().map(Trace::trace_id))
            .fields();
        let records = telemetry.as_ref().is_some_and(|it| it.exports_spans());
        let spans = match &trace {
            Some(_) if records => Spans::Held(Vec::new()),
            _ => Spans::Dropped,
        };
        Rc::new(Self {
            fields,
            request_id: request_id.clone(),
            trace,
            telemetry,
            spans: RefCell::new(spans),
        })
    }

    /// The fields that name the request.
    pub fn fields(&self) -> &str {
        &self.fields
    }

    /// The id of the request.
    pub fn request_id(&self) -> &str {
        self.request_id.as_str()
    }

    /// Its trace; none where there was no randomness to make one.
    pub const fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// Begins a call of `name`; `None` if the request has no trace. It has a place of its own in the trace
    /// where somebody wants to know.
    pub fn call(&self, name: &Rc<str>, host: &(impl Clock + Random)) -> Option<Call> {
        let trace = self.trace.as_ref()?;
        let is_wanted = !matches!(*self.spans.borrow(), Spans::Dropped);
        let child = if is_wanted { trace.child(host) } else { None };
        let since = child.as_ref().map(|_| host.now());
        Some(Call {
            place: child.unwrap_or_else(|| trace.clone()),
            name: name.clone(),
            since,
        })
    }

    /// Ends `call`, which came to `status` or failed for `error`.
    pub fn called(
        &self,
        call: Option<Call>,
        status: Option<u16>,
        error: Option<&'static str>,
        clock: &impl Clock,
    ) {
        let Some(Call {
            place,
            name,
            since: Some(started),
        }) = call
        else {
            return;
        };
        let made = Made {
            place,
            name,
            started,
            ended: clock.now(),
            status,
            error,
        };
        match &mut *self.spans.borrow_mut() {
            // As it is: most requests are not wanted in the end.
            Spans::Held(calls) if calls.len() < MOST_OF_REQUEST => calls.push(made),
            Spans::Held(_) => {
                if let Some(telemetry) = &self.telemetry {
                    telemetry.dropped(1);
                }
            }
            Spans::Exported => self.export(&made.span()),
            Spans::Dropped => {}
        }
    }

    /// Ends the request's own span, and exports all that were recorded if the trace is sampled or the
    /// request failed for a reason that is not the client's; forgets them otherwise.
    pub fn finish(&self, end: &End<'_>, now: Timestamp) {
        let Spans::Held(below) = self.spans.replace(Spans::Dropped) else {
            return;
        };
        let Some(trace) = &self.trace else { return };
        let has_failed = end.status >= 500;
        if !has_failed && !trace.is_sampled() {
            return;
        }
        self.spans.replace(Spans::Exported);
        let own = Span {
            place: trace,
            kind: Kind::Server,
            name: &[end.method, " ", end.route.unwrap_or("none")].concat(),
            started: end.started,
            ended: now,
            status: Some(end.status),
            error: has_failed.then_some(end.outcome),
            attributes: &[
                ("authflow.request_id", Some(self.request_id())),
                ("http.request.method", Some(end.method)),
                ("http.route", end.route),
                ("url.path", end.path),
                ("authflow.outcome", Some(end.outcome)),
            ],
        };
        self.export(&own);
        for call in below {
            self.export(&call.span());
        }
    }

    fn export(&self, span: &Span<'_>) {
        if let Some(telemetry) = &self.telemetry {
            telemetry.export(span);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{host::fake::FakeHost, log::Level, telemetry::Settings};

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

    /// The spans that go out of a request with the trace flags `flags` that is answered with `status`, with one
    /// call before and one after the answer.
    fn exported(flags: &str, status: u16) -> Vec<Value> {
        let host = FakeHost::answering("{}");
        let settings = Settings {
            exports_spans: true,
            ..Settings::default()
        };
        let telemetry = Telemetry::new("verify", Level::Info, settings);
        let trace = Trace::enter(Some(&format!("{GIVEN}-{flags}")), 1, &host).ok();
        let context = Context::new(&RequestId::random(&host), trace, Some(telemetry.clone()));
        let call = || {
            let call = context.call(&"redis".into(), &host);
            let traceparent = call.as_ref().unwrap().traceparent().to_owned();
            context.called(call, Some(200), None, &host);
            traceparent
        };
        assert_ne!(call(), call(), "each has a place of its own");
        let end = End {
            started: host.now(),
            method: "GET",
            route: Some("app"),
            status,
            outcome: "forwarded",
            path: Some("/app"),
        };
        context.finish(&end, host.now());
        call();
        let spans = telemetry.spans.take().json;
        serde_json::from_str(&format!("[{spans}]")).unwrap()
    }

    #[test]
    fn a_sampled_request_is_told_with_all_its_calls_those_after_the_answer_too() {
        let spans = exported("01", 200);
        let names: Vec<_> = spans
            .iter()
            .map(|span| span["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["GET app", "redis", "redis", "redis"]);
        assert_eq!(spans[0]["parentSpanId"], "00f067aa0ba902b7");
        for call in &spans[1..] {
            assert_eq!(call["parentSpanId"], spans[0]["spanId"]);
        }
    }

    #[test]
    fn one_that_is_not_sampled_is_told_only_if_it_failed_for_us() {
        assert_eq!(exported("00", 200), [] as [Value; 0]);
        assert_eq!(exported("00", 404), [] as [Value; 0]);
        assert_eq!(exported("00", 502).len(), 4);
    }

    #[test]
    fn where_nobody_wants_to_know_a_call_has_the_place_of_its_request() {
        let host = FakeHost::answering("");
        let trace = Trace::enter(None, 1, &host).unwrap();
        let context = Context::new(&RequestId::random(&host), Some(trace.clone()), None);
        let call = context.call(&"redis".into(), &host).unwrap();
        assert_eq!(call.traceparent(), trace.traceparent());
        let untraced = Context::new(&RequestId::random(&host), None, None);
        assert!(untraced.call(&"redis".into(), &host).is_none());
    }

    #[test]
    fn a_request_holds_no_more_spans_than_there_is_room_for() {
        let host = FakeHost::answering("");
        let settings = Settings {
            exports_spans: true,
            ..Settings::default()
        };
        let telemetry = Telemetry::new("verify", Level::Info, settings);
        let trace = Trace::enter(None, 1, &host).ok();
        let context = Context::new(&RequestId::random(&host), trace, Some(telemetry));
        for _ in 0..MOST_OF_REQUEST + 10 {
            let call = context.call(&"redis".into(), &host);
            context.called(call, Some(200), None, &host);
        }
        assert!(
            matches!(&*context.spans.borrow(), Spans::Held(spans) if spans.len() == MOST_OF_REQUEST)
        );
    }
}
