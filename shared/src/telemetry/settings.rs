//! What a worker is told of its telemetry.

use core::time::Duration;
use std::rc::Rc;

use super::otlp;
use crate::{config::Reader, dependency::Dependency, redis, secret::Secret};

/// Where the spans of a collector go, below its address.
const TRACES: &str = "/v1/traces";

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `METRICS_TOKEN`: who sends it may read `/metrics`. Without it nothing is counted.
    pub metrics_token: Option<Secret>,
    /// `TRACE_ONE_IN`: one trace of so many is sampled.
    pub trace_one_in: u64,
    /// Whether there is an `OTLP_URL`.
    pub exports_spans: bool,
    /// `AUDIT_DATASET`: the binding of a dataset of Workers Analytics Engine.
    pub audit_dataset: Option<Rc<str>>,
    /// `TELEMETRY_DELAY_MS`: how long what is counted stays in an isolate.
    pub delay: Duration,
}

/// Where what is held goes.
#[derive(Clone, Debug)]
pub struct Exports {
    /// Where counts are added up.
    pub redis: Rc<redis::Settings>,
    /// `OTLP_URL`, `OTLP_HEADERS`: where spans go.
    pub otlp: Option<Rc<otlp::Settings>>,
}

impl Settings {
    /// Reads everything.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            metrics_token: reader.word("METRICS_TOKEN").map(Secret::new),
            trace_one_in: reader.number("TRACE_ONE_IN", 1, 0..=1_000_000),
            exports_spans: reader.optional("OTLP_URL").is_some(),
            audit_dataset: reader.word("AUDIT_DATASET").map(Rc::from),
            delay: Duration::from_millis(reader.number("TELEMETRY_DELAY_MS", 10_000, 100..=20_000)),
        }
    }
}

/// What is read of `OTLP_URL` and `OTLP_HEADERS`; the rest is known later.
#[derive(Debug)]
pub struct Collector {
    url: String,
    headers: Vec<(&'static str, Secret)>,
}

impl Collector {
    /// Reads it, if spans go anywhere.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.optional("OTLP_URL")?;
        let mut headers = Vec::new();
        for pair in reader.list("OTLP_HEADERS") {
            let pair = pair.split_once('=');
            let pair = pair.map(|(name, value)| (name.trim(), value.trim()));
            match pair.filter(|(name, value)| is_name(name) && is_value(value)) {
                // Once in the life of an isolate.
                Some((name, value)) => {
                    let name: &'static str = name.to_ascii_lowercase().leak();
                    headers.push((name, Secret::new(value)));
                }
                // The value may be a secret, so nothing of it is shown.
                None => reader.fault(
                    "OTLP_HEADERS",
                    "must be name=value, several separated by commas",
                ),
            }
        }
        let base = reader.base_url("OTLP_URL")?;
        let end = if base.ends_with(TRACES) { "" } else { TRACES };
        Some(Self {
            url: [&base, end].concat(),
            headers,
        })
    }

    /// The settings, with what this isolate knows of the collector.
    pub fn settings(self, dependency: Rc<Dependency>) -> Rc<otlp::Settings> {
        let Self { url, headers } = self;
        Rc::new(otlp::Settings {
            url,
            headers,
            dependency,
        })
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}
