//! What an operator sees of a worker beside its log: counts for Prometheus, and spans for a collector.
//!
//! A request only adds to what its isolate holds. That goes out some seconds later, after the answer of
//! a request: the counts are added to Redis ([`store`]), where every isolate of the worker finds the totals
//! for `/metrics` ([`exposition`]), and the spans go to the collector ([`otlp`]). An isolate that ends takes with
//! it what it counted in these seconds, and nothing else.

mod context;
pub mod exposition;
mod histogram;
mod metrics;
pub mod otlp;
mod settings;
mod span;
mod store;

use core::{
    cell::{Cell, RefCell},
    fmt,
    time::Duration,
};
use std::rc::Rc;

use subtle::ConstantTimeEq;

pub use self::{
    context::{Call, Context, End},
    settings::{Collector, Exports, Settings},
};
use self::{
    metrics::{Metrics, method_label},
    store::Batch,
};
use crate::{
    breaker::Standing,
    hex,
    host::Host,
    log::{Level, Line},
    redis::{self, Redis},
    timestamp::Timestamp,
};

/// The most spans that wait to be exported; half of them are sent at once.
const MOST_SPANS: usize = 512;
/// How often Redis is told before it is left to the next request: the platform ends what takes half a minute
/// after an answer.
const TRIES: u32 = 2;
/// The time beyond its own after which an export that was planned will not come: its request was cut off.
const GRACE: Duration = Duration::from_secs(5);

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
    spans: RefCell<Vec<String>>,
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

    // What is counted.

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
    fn export(&self, span: String) {
        let mut spans = self.spans.borrow_mut();
        if spans.len() < MOST_SPANS {
            spans.push(span);
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

    // How it goes out.

    /// Sees to it that what the isolate holds goes out soon, after the answer. To be called at the end of
    /// each request.
    pub fn plan_flush<H: Host>(self: &Rc<Self>, host: &H, exports: &Exports) {
        let is_full = self.spans.borrow().len() >= MOST_SPANS / 2;
        let is_planned = host.now() < self.planned_until.get();
        let is_empty = self.metrics.borrow().is_empty() && self.spans.borrow().is_empty();
        if is_empty || is_planned && !is_full {
            return;
        }
        let plan = (!is_planned).then(|| self.plan(host.now()));
        let (telemetry, exports, host) = (self.clone(), exports.clone(), host.clone());
        let later = host.clone();
        // In a task of a task: what else the request left for after the answer comes first.
        host.spawn(async move {
            let host = later.clone();
            later.spawn(async move {
                // It is for all requests, and no part of this one's trace.
                host.leave();
                match plan {
                    Some(plan) => telemetry.carry_out(plan, &host, &exports).await,
                    // The counts can wait.
                    None => telemetry.flush_spans(&host, &exports).await,
                }
            });
        });
    }

    /// Makes a plan, in place of the one before: whoever carries that out sees that it is another's now.
    fn plan(&self, now: Timestamp) -> u64 {
        let plan = self.plan.get().wrapping_add(1);
        self.plan.set(plan);
        let patience = self.settings.delay.saturating_add(GRACE);
        self.planned_until.set(now.after(patience));
        plan
    }

    async fn carry_out<H: Host>(&self, mut plan: u64, host: &H, exports: &Exports) {
        for _ in 0..TRIES {
            host.sleep(self.settings.delay).await;
            if self.plan.get() != plan {
                return;
            }
            // What is counted from here on needs a plan of its own.
            self.planned_until.set(Timestamp::default());
            if self.flush(host, exports).await || self.plan.get() != plan {
                return;
            }
            plan = self.plan(host.now());
        }
        self.planned_until.set(Timestamp::default());
    }

    /// Sends out what the isolate holds; gives whether Redis has all counts.
    pub async fn flush<H: Host>(&self, host: &H, exports: &Exports) -> bool {
        let told = self.flush_metrics(host, &exports.redis).await;
        self.flush_spans(host, exports).await;
        told
    }

    /// One call at a time: what comes meanwhile waits, as far as there is room for it.
    async fn flush_spans<H: Host>(&self, host: &H, exports: &Exports) {
        let Some(collector) = &exports.otlp else {
            return;
        };
        if host.now() < self.exporting_until.get() {
            return;
        }
        let spans = self.spans.take();
        if spans.is_empty() {
            return;
        }
        self.exporting_until
            .set(host.now().after(otlp::TIMEOUT).after(GRACE));
        let version = env!("CARGO_PKG_VERSION");
        let taken = otlp::send(host, collector, self.service, version, &spans).await;
        self.exporting_until.set(Timestamp::default());
        if !taken {
            self.dropped(spans.len());
        }
    }

    /// Tells Redis what was counted: first what it may have missed before. Gives whether it has all.
    async fn flush_metrics<H: Host>(&self, host: &H, settings: &Rc<redis::Settings>) -> bool {
        if self.isolate.borrow().is_empty() {
            let mut name = [0; 8];
            if host.fill(&mut name).is_err() {
                return false;
            }
            self.isolate.replace(hex::encode(&name));
        }
        let isolate = self.isolate.borrow().clone();
        let redis = Redis::new(host.clone(), settings.clone());
        // One, and before it the one that Redis may have missed. Telling it is counted, too, but goes with
        // the next.
        let rounds = if self.batch.borrow().is_some() { 2 } else { 1 };
        for _ in 0..rounds {
            let Some(batch) = self.next_batch(host.now()) else {
                return true;
            };
            if let Err(reason) = store::add(&redis, self.service, &isolate, &batch).await {
                Line::new(Level::Warn, self.service, "metrics_not_kept")
                    .field("reason", reason.as_str())
                    .emit(host, self.threshold);
                return false;
            }
            let mut waiting = self.batch.borrow_mut();
            if waiting.as_ref().is_some_and(|it| it.number == batch.number) {
                *waiting = None;
            }
        }
        true
    }

    /// What Redis is to be told next, if anything.
    fn next_batch(&self, now: Timestamp) -> Option<Batch> {
        let mut waiting = self.batch.borrow_mut();
        if waiting.is_none() {
            let mut metrics = self.metrics.borrow_mut();
            if metrics.is_empty() {
                return None;
            }
            let number = self.batches.get().saturating_add(1);
            self.batches.set(number);
            let growth = metrics.take(now);
            *waiting = Some(Batch { number, growth });
        }
        waiting.clone()
    }

    /// The page for Prometheus, with what this isolate has counted so far. A Redis that takes no counts is as
    /// good as away: those that it has may be old.
    pub async fn page<H: Host>(&self, host: &H, exports: &Exports) -> String {
        let mut totals = None;
        if self.flush_metrics(host, &exports.redis).await {
            let redis = Redis::new(host.clone(), exports.redis.clone());
            totals = store::totals(&redis, self.service, host.now()).await.ok();
        }
        let metrics = self.metrics.borrow();
        let own = exposition::Own {
            service: self.service,
            version: env!("CARGO_PKG_VERSION"),
            standings: metrics.standings(host.now()),
        };
        exposition::page(&own, totals, host.now())
    }
}
