//! How what an isolate holds goes out: some seconds after the answer of a request, for all of them.

use core::time::Duration;
use std::rc::Rc;

use super::{Exports, MOST_SPANS, Telemetry, exposition, otlp, store, store::Batch};
use crate::{
    hex,
    host::Host,
    log::{Level, Line},
    redis::{self, Redis},
    timestamp::Timestamp,
};

/// The time beyond its own after which an export that was planned will not come: its request was cut off.
const GRACE: Duration = Duration::from_secs(5);
/// How often Redis is told before it is left to the next request: the platform ends what takes half a minute
/// after an answer.
const TRIES: u32 = 2;

impl Telemetry {
    /// Sees to it that what the isolate holds goes out soon, after the answer. To be called at the end of
    /// each request.
    pub fn plan_flush<H: Host>(self: &Rc<Self>, host: &H, exports: &Exports) {
        let is_full = self.spans.borrow().count() >= MOST_SPANS / 2;
        let is_planned = host.now() < self.planned_until.get();
        let is_empty = self.metrics.borrow().is_empty() && self.spans.borrow().count() == 0;
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
        if spans.count() == 0 {
            return;
        }
        self.exporting_until
            .set(host.now().after(otlp::TIMEOUT).after(GRACE));
        let version = env!("CARGO_PKG_VERSION");
        let count = spans.count();
        let taken = otlp::send(host, collector, self.service, version, spans).await;
        self.exporting_until.set(Timestamp::default());
        if !taken {
            self.dropped(count);
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
