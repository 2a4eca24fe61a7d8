//! Spans on their way out: OTLP over HTTP, in JSON (OpenTelemetry Protocol, section "OTLP/HTTP").

use core::time::Duration;
use std::rc::Rc;

use super::span::{Span, write_attribute};
use crate::{
    dependency::{Dependency, Manner},
    host::{Host, HttpCall},
    secret::Secret,
};

/// How long a collector may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// Where spans go.
#[derive(Debug)]
pub struct Settings {
    /// `OTLP_URL`, to the end of the path.
    pub url: String,
    /// `OTLP_HEADERS`: what the collector asks to be sent, credentials among it.
    pub headers: Vec<(&'static str, Secret)>,
    /// What this isolate knows of the collector.
    pub dependency: Rc<Dependency>,
}

/// Spans that wait to be sent. They are written at once, one behind the other, because most of what a span costs
/// is memory of its own.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) json: String,
    count: usize,
}

impl Outgoing {
    pub(super) fn add(&mut self, span: &Span<'_>) {
        if self.count > 0 {
            self.json.push(',');
        }
        span.write(&mut self.json);
        self.count += 1;
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }
}

/// Sends `spans` of the worker `service`; gives whether they were taken.
pub(super) async fn send<H: Host>(
    host: &H,
    settings: &Settings,
    service: &str,
    version: &str,
    spans: Outgoing,
) -> bool {
    let headers = settings.headers.iter();
    let headers = headers.map(|(name, value)| (*name, value.expose().to_owned()));
    let json = ("content-type", "application/json".to_owned());
    let call = HttpCall {
        method: "POST",
        url: settings.url.clone(),
        headers: headers.chain([json]).collect(),
        body: Some(body(service, version, &spans)),
        timeout: TIMEOUT,
    };
    let answered = settings
        .dependency
        .call(host, call, Manner::Once, |status| !is_taken(status))
        .await;
    answered.is_ok_and(|answered| is_taken(answered.judge(host, true).status))
}

const fn is_taken(status: u16) -> bool {
    matches!(status, 200..=299)
}

fn body(service: &str, version: &str, spans: &Outgoing) -> String {
    let mut json = r#"{"resourceSpans":[{"resource":{"attributes":["#.to_owned();
    let service = ["authflow-", service].concat();
    write_attribute(("service.name", "stringValue", &service), &mut json);
    json.push(',');
    write_attribute(("service.version", "stringValue", version), &mut json);
    json.push_str(r#"]},"scopeSpans":[{"scope":{"name":"authflow"},"spans":["#);
    json.push_str(&spans.json);
    json.push_str("]}]}]}");
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_with_the_worker_they_are_of() {
        let spans = Outgoing {
            json: r#"{"a":1},{"b":2}"#.to_owned(),
            count: 2,
        };
        insta::assert_snapshot!(body("verify", "1.2.3", &spans), @r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"authflow-verify"}},{"key":"service.version","value":{"stringValue":"1.2.3"}}]},"scopeSpans":[{"scope":{"name":"authflow"},"spans":[{"a":1},{"b":2}]}]}]}"#);
    }
}
