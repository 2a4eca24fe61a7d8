//! Spans on their way out: OTLP over HTTP, in JSON (OpenTelemetry Protocol, section "OTLP/HTTP").

use core::time::Duration;
use std::rc::Rc;

use super::span::attribute;
use crate::{
    dependency::{Dependency, Manner},
    host::{Host, HttpCall},
    json::{Writer, write},
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

/// Sends `spans`, which are OTLP already, of the worker `service`; gives whether they were taken.
pub(super) async fn send<H: Host>(
    host: &H,
    settings: &Settings,
    service: &str,
    version: &str,
    spans: Vec<String>,
) -> bool {
    let headers = settings.headers.iter();
    let headers = headers.map(|(name, value)| (*name, value.expose().to_owned()));
    let json = ("content-type", "application/json".to_owned());
    let call = HttpCall {
        method: "POST",
        url: settings.url.clone(),
        headers: headers.chain([json]).collect(),
        body: Some(body(service, version, spans)),
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

fn body(service: &str, version: &str, spans: Vec<String>) -> String {
    let attributes = [
        attribute(
            "service.name",
            "stringValue",
            &["authflow-", service].concat(),
        ),
        attribute("service.version", "stringValue", version),
    ];
    let resource = Writer::object()
        .json("attributes", &write::list(attributes.into_iter()))
        .end();
    let scope = Writer::object().text("name", "authflow").end();
    let scoped = Writer::object()
        .json("scope", &scope)
        .json("spans", &write::list(spans.into_iter()))
        .end();
    let of_resource = Writer::object()
        .json("resource", &resource)
        .json("scopeSpans", &write::list([scoped].into_iter()))
        .end();
    Writer::object()
        .json("resourceSpans", &write::list([of_resource].into_iter()))
        .end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_with_the_worker_they_are_of() {
        let spans = ["{\"a\":1}".to_owned(), "{\"b\":2}".to_owned()];
        insta::assert_snapshot!(body("verify", "1.2.3", spans.to_vec()), @r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"authflow-verify"}},{"key":"service.version","value":{"stringValue":"1.2.3"}}]},"scopeSpans":[{"scope":{"name":"authflow"},"spans":[{"a":1},{"b":2}]}]}]}"#);
    }
}
