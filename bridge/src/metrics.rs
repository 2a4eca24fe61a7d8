//! What the bridge counts, for Prometheus.

use std::time::Duration;

use axum::http::StatusCode;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// The upper ends of a request's duration, in seconds.
const BUCKETS: [f64; 14] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// The kind under which a request is counted.
pub fn kind(path: &str) -> &'static str {
    match path {
        "/" => "single",
        "/pipeline" => "pipeline",
        "/multi-exec" => "multi-exec",
        _ => "path",
    }
}

/// The counters of a process.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    pub(crate) refused: IntCounterVec,
    pub(crate) commands: IntCounter,
    pub(crate) in_flight: IntGauge,
    pub(crate) connections: IntGauge,
    duration: Histogram,
    pub(crate) redis_connections: IntGauge,
    pub(crate) reconnects: IntCounter,
    pub(crate) connect_failures: IntCounter,
    pub(crate) late: IntCounter,
}

impl Metrics {
    /// Counters at zero.
    ///
    /// # Errors
    /// If two of them had one name.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new_custom(Some("authflow_bridge".to_owned()), None)?;
        let counter = |name, help| registered(&registry, IntCounter::new(name, help)?);
        let gauge = |name, help| registered(&registry, IntGauge::new(name, help)?);
        let family = |name, help, label| {
            registered(
                &registry,
                IntCounterVec::new(Opts::new(name, help), &[label])?,
            )
        };
        let info = Opts::new("info", "The version of this process.")
            .const_label("version", env!("CARGO_PKG_VERSION"));
        registered(&registry, IntGauge::with_opts(info)?)?.set(1);
        let requests = family(
            "requests_total",
            "Requests, by what came of them.",
            "result",
        )?;
        let refused = family(
            "refused_total",
            "What was refused for load, by what there was too much of.",
            "reason",
        )?;
        // What has not happened yet is zero, and not unknown.
        for status in [200, 400, 401, 500, 503] {
            requests.with_label_values(&[result(StatusCode::from_u16(status).unwrap_or_default())]);
        }
        for reason in ["in_flight", "bytes", "connections"] {
            refused.with_label_values(&[reason]);
        }
        let duration = HistogramOpts::new(
            "request_duration_seconds",
            "How long requests took, from their head to their answer.",
        )
        .buckets(BUCKETS.to_vec());
        Ok(Self {
            requests,
            refused,
            commands: counter("commands_total", "Commands that requests held.")?,
            in_flight: gauge("in_flight", "Requests that are being answered.")?,
            connections: gauge("connections", "Connections of clients that are open.")?,
            duration: registered(&registry, Histogram::with_opts(duration)?)?,
            redis_connections: gauge("redis_connections", "Connections to Redis that are open.")?,
            reconnects: counter(
                "redis_reconnects_total",
                "Connections to Redis that were opened after another had ended.",
            )?,
            connect_failures: counter(
                "redis_connect_failures_total",
                "Connections to Redis that could not be opened.",
            )?,
            late: counter(
                "redis_timeouts_total",
                "Requests that Redis did not answer in time.",
            )?,
            registry,
        })
    }

    /// Counts a request that was answered.
    pub(crate) fn answered(&self, status: StatusCode, duration: Duration) {
        self.requests.with_label_values(&[result(status)]).inc();
        self.duration.observe(duration.as_secs_f64());
    }

    /// What `/metrics` answers.
    pub(crate) fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

fn registered<C: prometheus::core::Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

/// What came of a request, in a word.
pub(crate) fn result(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200 => "ok",
        401 => "unauthorized",
        503 => "overloaded",
        500.. => "unavailable",
        _ => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_every_series_from_the_start_and_counts() {
        let metrics = Metrics::new().unwrap();
        let text = metrics.text().unwrap();
        for series in [
            r#"authflow_bridge_requests_total{result="overloaded"} 0"#,
            r#"authflow_bridge_refused_total{reason="bytes"} 0"#,
            "authflow_bridge_redis_reconnects_total 0",
        ] {
            assert!(text.contains(series), "{series} is not in {text}");
        }
        metrics.answered(StatusCode::OK, Duration::from_millis(2));
        metrics.answered(StatusCode::PAYLOAD_TOO_LARGE, Duration::ZERO);
        let text = metrics.text().unwrap();
        for series in [
            r#"authflow_bridge_requests_total{result="ok"} 1"#,
            r#"authflow_bridge_requests_total{result="refused"} 1"#,
            r#"authflow_bridge_request_duration_seconds_bucket{le="0.0025"} 2"#,
        ] {
            assert!(text.contains(series), "{series} is not in {text}");
        }
    }
}
