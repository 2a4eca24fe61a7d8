//! What an operator sees of a worker beside its log: counts for Prometheus, and spans for a collector.
//!
//! A request only adds to what its isolate holds. That goes out some seconds later, after the answer of
//! a request: the counts are added to Redis ([`store`]), where every isolate of the worker finds the totals
//! for `/metrics` ([`exposition`]), and the spans go to the collector ([`otlp`]). An isolate that ends takes with
//! it what it counted in these seconds, and nothing else.

mod context;
pub mod exposition;
mod flush;
mod histogram;
mod metrics;
pub mod otlp;
mod settings;
mod span;
mod store;

use core::{
    cell::{Cell, RefCell},
    fmt,
};
use std::rc::Rc;

use subtle::ConstantTimeEq;

pub use self::{
    context::{Call, Context, End},
    settings::{Collector, Exports, Settings},
};
use self::{
    metrics::{Metrics, method_label},
    span::Span,
    store::Batch,
};
use crate::{breaker::Standing, log::Level, timestamp::Timestamp};

/// The most spans that wait to be exported; half of them are sent at once.
const MOST_SPANS: usize = 512;

/// See the module. It lives as long as its isolate.
pub struct Telemetry {
    /// The worker's name in log lines.
    pub service: &'static str,
    /// What is logged at all.
    pub threshold: Level,
    settings: Settings,
    metrics: RefCell<Metrics>,
    /// What Redis is to be told, until it is certain that it was.
    batch: RefCell<Option<Batch>>,
    batches: Cell<u64>,
    /// The isolate's name, once it has one.
    isolate: RefCell<String>,
    spans: RefCell<otlp::Outgoing>,
    /// The plan by which all goes out, and until when somebody will carry it out.
    plan: Cell<u64>,
    planned_until: Cell<Timestamp>,
    /// Until when spans are on their way.
    exporting_until: Cell<Timestamp>,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Telemetry({})", self.service)
    }
}

impl Telemetry {
    /// That of the worker `service`, which logs what is not below `threshold`.
    pub fn new(service: &'static str, threshold: Level, settings: Settings) -> Rc<Self> {
        Rc::new(Self {
            service,
            threshold,
            settings,
            metrics: RefCell::default(),
            batch: RefCell::default(),
            batches: Cell::default(),
            isolate: RefCell::default(),
            spans: RefCell::default(),
            plan: Cell::default(),
            planned_until: Cell::default(),
            exporting_until: Cell::default(),
        })
    }

    /// One trace of so many is sampled.
    pub const fn trace_one_in(&self) -> u64 {
        self.settings.trace_one_in
    }

    /// The binding of the dataset that events of the audit go to, if there is one.
    pub const fn audit_dataset(&self) -> Option<&Rc<str>> {
        self.settings.audit_dataset.as_ref()
    }

    /// Whether spans go anywhere.
    pub const fn exports_spans(&self) -> bool {
        self.settings.exports_spans
    }

    /// Whether anybody may read what is counted. If not, nothing is.
    const fn is_counting(&self) -> bool {
        self.settings.metrics_token.is_some()
    }

    /// Whether whoever sends this `Authorization` may read `/metrics`.
    pub fn may_read(&self, authorization: Option<&str>) -> bool {
        let (Some(token), Some(sent)) = (&self.settings.metrics_token, authorization) else {
            return false;
        };
        let Some((scheme, sent)) = sent.split_once(' ') else {
            return false;
        };
        scheme.eq_ignore_ascii_case("bearer")
            && bool::from(sent.trim().as_bytes().ct_eq(token.expose().as_bytes()))
    }

    /// Counts a request that took `millis`; `route` is none where no route was found.
    pub fn request(&self, route: Option<&str>, method: &str, status: u16, millis: u64) {
        if !self.is_counting() {
            return;
        }
        let (service, route) = (self.service, route.unwrap_or("none"));
        let labels = ["{service=\"", service, "\",route=\"", route, "\""].concat();
        let (method, status) = (method_label(method), status.to_string());
        let parts = [
            "authflow_requests_total",
            &labels,
            ",method=\"",
            method,
            "\",status=\"",
            &status,
            "\"}",
        ];
        let mut metrics = self.metrics.borrow_mut();
        metrics.count(parts.concat());
        let series = ["authflow_request_duration_seconds", &labels, "}"].concat();
        metrics.observe(series, millis);
    }

    /// Counts what the gateway decided, and why.
    pub fn decision(&self, outcome: &str, reason: &str) {
        self.count(&[
            "authflow_decisions_total{outcome=\"",
            outcome,
            "\",reason=\"",
            reason,
            "\"}",
        ]);
    }

    /// Counts an attempt to sign in that came to `result`.
    pub fn sign_in(&self, result: &str) {
        self.count(&["authflow_signins_total{result=\"", result, "\"}"]);
    }

    /// Counts a call of `dependency`, and how long it took where it was made.
    pub fn call(&self, dependency: &str, result: &str, millis: Option<u64>) {
        self.count(&[
            "authflow_dependency_requests_total{dependency=\"",
            dependency,
            "\",result=\"",
            result,
            "\"}",
        ]);
        if let Some(millis) = millis.filter(|_| self.is_counting()) {
            let series = [
                "authflow_dependency_duration_seconds{dependency=\"",
                dependency,
                "\"}",
            ]
            .concat();
            self.metrics.borrow_mut().observe(series, millis);
        }
    }

    /// Notes that `dependency` is there, and its breaker closed.
    pub fn introduce(&self, dependency: &str) {
        self.metrics
            .borrow_mut()
            .stand(dependency, Standing::Closed, Timestamp::default());
    }

    /// Notes that the breaker of `dependency` came to stand elsewhere, until `until` if nobody asks.
    pub fn transition(&self, dependency: &str, to: Standing, until: Timestamp) {
        self.metrics.borrow_mut().stand(dependency, to, until);
        self.count(&[
            "authflow_breaker_transitions_total{dependency=\"",
            dependency,
            "\",to=\"",
            to.as_str(),
            "\"}",
        ]);
    }

    fn count(&self, series: &[&str]) {
        if self.is_counting() {
            self.metrics.borrow_mut().count(series.concat());
        }
    }

    /// Takes a span that is to be exported.
    fn export(&self, span: &Span<'_>) {
        let mut spans = self.spans.borrow_mut();
        if spans.count() < MOST_SPANS {
            spans.add(span);
        } else {
            drop(spans);
            self.dropped(1);
        }
    }

    fn dropped(&self, spans: usize) {
        for _ in 0..spans {
            self.count(&["authflow_spans_dropped_total{}"]);
        }
    }
}
