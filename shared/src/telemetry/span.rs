//! One stretch of a trace, as OTLP has it (opentelemetry-proto 1.x, `trace/v1`, in its JSON form).

use core::mem;

use crate::{
    json::{
        Writer,
        write::{write_list, write_number},
        write_text,
    },
    timestamp::Timestamp,
    trace::Trace,
};

/// The longest text of an attribute, in bytes.
const LONGEST: usize = 512;

/// What a span is to the one above it; the numbers are OTLP's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// We answer.
    Server = 2,
    /// We ask.
    Client = 3,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Span<'a> {
    pub(super) place: &'a Trace,
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    pub(super) started: Timestamp,
    pub(super) ended: Timestamp,
    /// The HTTP status that it came to.
    pub(super) status: Option<u16>,
    /// Why it failed.
    pub(super) error: Option<&'static str>,
    /// What else is known, by the names of OpenTelemetry's semantic conventions.
    pub(super) attributes: &'a [(&'static str, Option<&'a str>)],
}

impl Span<'_> {
    /// Adds it to `json`, as OTLP has it.
    pub(super) fn write(&self, json: &mut String) {
        let status = self.status.map(|status| status.to_string());
        let more = [
            ("http.response.status_code", status.as_deref(), "intValue"),
            ("error.type", self.error, "stringValue"),
        ];
        let known = self.attributes.iter();
        let known = known.map(|(name, value)| (*name, value.map(cut), "stringValue"));
        let told = known
            .chain(more)
            .filter_map(|(name, value, kind)| value.map(|value| (name, kind, value)));
        let mut span = Writer::after(mem::take(json))
            .text("traceId", self.place.trace_id())
            .text("spanId", self.place.span_id())
            .maybe_text("parentSpanId", self.place.parent_id())
            .text("name", self.name)
            .number("kind", self.kind as u64)
            .value("startTimeUnixNano", |json| write_nanos(self.started, json))
            .value("endTimeUnixNano", |json| write_nanos(self.ended, json))
            .value("attributes", |json| write_list(told, json, write_attribute));
        if let Some(error) = self.error {
            let status = Writer::object().number("code", 2).text("message", error);
            span = span.json("status", &status.end());
        }
        *json = span.end();
    }
}

/// Adds an attribute; `kind` is the name of its value's type. Only the value may be others'.
pub(super) fn write_attribute((name, kind, value): (&str, &str, &str), json: &mut String) {
    for part in ["{\"key\":\"", name, "\",\"value\":{\"", kind, "\":"] {
        json.push_str(part);
    }
    write_text(value, json);
    json.push_str("}}");
}

/// As much of a text as a stranger may have kept here.
fn cut(value: &str) -> &str {
    value
        .get(..value.floor_char_boundary(LONGEST))
        .unwrap_or_default()
}

/// 64-bit numbers are texts in the JSON form of protocol buffers.
fn write_nanos(moment: Timestamp, json: &mut String) {
    json.push('"');
    write_number(moment.millis(), json);
    json.push_str("000000\"");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    #[test]
    fn a_span_is_told_as_otlp_has_it() {
        let host = FakeHost::answering("");
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let at = Timestamp::from_millis(1_800_000_000_123);
        let span = Span {
            place: &Trace::enter(Some(given), 1, &host).unwrap(),
            kind: Kind::Server,
            name: "GET \"app\"",
            started: at,
            ended: at,
            status: Some(502),
            error: Some("upstream_unreachable"),
            attributes: &[("http.route", Some("app")), ("url.path", None)],
        };
        let mut json = String::new();
        span.write(&mut json);
        insta::assert_snapshot!(json, @r#"{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"0001020304050607","parentSpanId":"00f067aa0ba902b7","name":"GET \"app\"","kind":2,"startTimeUnixNano":"1800000000123000000","endTimeUnixNano":"1800000000123000000","attributes":[{"key":"http.route","value":{"stringValue":"app"}},{"key":"http.response.status_code","value":{"intValue":"502"}},{"key":"error.type","value":{"stringValue":"upstream_unreachable"}}],"status":{"code":2,"message":"upstream_unreachable"}}"#);
    }

    #[test]
    fn a_long_text_is_cut_between_two_characters() {
        assert_eq!(cut("/short"), "/short");
        let long = format!("{}\u{e4}{}", "a".repeat(511), "b".repeat(1000));
        assert_eq!(cut(&long), "a".repeat(511));
        assert_eq!(cut(&"a".repeat(512)).len(), 512);
    }
}
