//! Log lines: one JSON object each.
//!
//! A field is a number, a flag or a string that the caller has in clear. What must not be logged
//! is a [`Secret`](crate::secret::Secret), which cannot become any of these. A line of a request has the
//! request's names, whoever writes it.
//!
//! docs/LOGGING.md lists every event.

use core::{cell::RefCell, str::FromStr, time::Duration};

use crate::{
    host::{Clock, InRequest, LogSink},
    json::{write::write_number, write_text},
    timestamp::Timestamp,
};

/// What a line is written to.
pub trait Log: Clock + LogSink + InRequest {}

impl<T: Clock + LogSink + InRequest> Log for T {}

/// How much a line matters. A logger drops what is below its level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only of use while looking for a fault.
    Debug,
    /// What normally happens.
    #[default]
    Info,
    /// Something is wrong, and we could cope.
    Warn,
    /// Somebody has to act.
    Error,
}

impl Level {
    /// How much a request matters that was answered with `status`: a 500 is ours to mend, the rest
    /// of its kind somebody else's trouble that we told honestly.
    pub const fn of_status(status: u16) -> Self {
        match status {
            500 => Self::Error,
            501.. => Self::Warn,
            _ => Self::Info,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl FromStr for Level {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        [Self::Debug, Self::Info, Self::Warn, Self::Error]
            .into_iter()
            .find(|level| level.as_str() == name)
            .ok_or(())
    }
}

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A text; it is escaped.
    Text(&'a str),
    /// A whole number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
}

/// What the fields of a request's line take.
const USUAL_BYTES: usize = 512;

/// One line in the making. Fields stand in the order in which they were added.
#[derive(Clone, Debug)]
pub struct Line {
    level: Level,
    msg: &'static str,
    fields: String,
}

// === impl Value ===

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<u16> for Value<'_> {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

// === impl Line ===

impl Line {
    /// The event `msg`, in snake case, of the worker `service`.
    pub fn new(level: Level, service: &'static str, msg: &'static str) -> Self {
        let line = Self {
            level,
            msg,
            fields: String::with_capacity(USUAL_BYTES),
        };
        line.field("level", level.as_str())
            .field("msg", msg)
            .field("service", service)
    }

    /// Adds a field; its name is one of ours and needs no escaping.
    #[must_use]
    pub fn field<'a>(mut self, name: &'static str, value: impl Into<Value<'a>>) -> Self {
        self.add(name, value.into());
        self
    }

    fn add(&mut self, name: &'static str, value: Value<'_>) {
        for text in [",\"", name, "\":"] {
            self.fields.push_str(text);
        }
        match value {
            Value::Text(text) => write_text(text, &mut self.fields),
            Value::Number(number) => write_number(number, &mut self.fields),
            Value::Flag(flag) => self.fields.push_str(if flag { "true" } else { "false" }),
        }
    }

    /// Adds a field if there is a value for it.
    #[must_use]
    pub fn maybe<'a>(self, name: &'static str, value: Option<impl Into<Value<'a>>>) -> Self {
        match value {
            Some(value) => self.field(name, value),
            None => self,
        }
    }

    /// Writes the line to `host`, unless it is below `threshold`, or a warning or error that was given too often.
    pub fn emit(mut self, host: &impl Log, threshold: Level) {
        if self.level < threshold {
            return;
        }
        let now = host.now();
        if self.level >= Level::Warn && !NEVER_LEFT_OUT.contains(&self.msg) {
            match WARNINGS.with_borrow_mut(|warnings| warnings.allow(self.msg, now)) {
                None => return,
                Some(0) => {}
                Some(suppressed) => self.add("suppressed", Value::Number(suppressed)),
            }
        }
        let (ts, context) = (now.to_rfc_3339(), host.context());
        let names = context.as_ref().map_or("", |context| context.fields());
        let comma = if names.is_empty() { "" } else { "," };
        host.emit(["{\"ts\":\"", &ts, "\"", &self.fields, comma, names, "}"].concat());
    }
}

/// The event of a request that was answered.
pub const REQUEST: &str = "request";
/// The event of a fault of the configuration.
pub const CONFIG_INVALID: &str = "config_invalid";
/// What is said however often: each line of it tells something else.
const NEVER_LEFT_OUT: [&str; 3] = [REQUEST, CONFIG_INVALID, "breaker"];
/// The most warnings of a kind that an isolate gives in [`INTERVAL`].
const MOST_WARNINGS: u64 = 20;
const INTERVAL: Duration = Duration::from_mins(1);

thread_local! {
    static WARNINGS: RefCell<Warnings> = const { RefCell::new(Warnings(Vec::new())) };
}

/// How often each warning was given of late. An outage repeats one with every request; what is left out is
/// counted in the next that is not.
#[derive(Debug)]
struct Warnings(Vec<Repeated>);

#[derive(Debug)]
struct Repeated {
    msg: &'static str,
    until: Timestamp,
    count: u64,
}

impl Warnings {
    /// Whether the warning `msg` may be given at `now`, and how many were left out before it.
    fn allow(&mut self, msg: &'static str, now: Timestamp) -> Option<u64> {
        let until = now.after(INTERVAL);
        let Some(known) = self.0.iter_mut().find(|known| known.msg == msg) else {
            self.0.push(Repeated {
                msg,
                until,
                count: 1,
            });
            return Some(0);
        };
        if known.until <= now {
            let suppressed = known.count.saturating_sub(MOST_WARNINGS);
            (known.until, known.count) = (until, 1);
            return Some(suppressed);
        }
        known.count = known.count.saturating_add(1);
        (known.count <= MOST_WARNINGS).then_some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{host::fake::FakeHost, request_id::RequestId, telemetry::Context, trace::Trace};

    #[test]
    fn a_line_is_one_json_object_whatever_it_holds() {
        let host = FakeHost::answering("");
        Line::new(Level::Warn, "verify", "odd")
            .field("path", "/a\n\"b\"")
            .field("status", 200_u16)
            .field("new", true)
            .maybe("user_id", None::<&str>)
            .emit(&host, Level::Info);
        let [line] = &host.lines()[..] else {
            panic!("not one line")
        };
        assert!(!line.contains('\n'));
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["level"], "warn");
        assert_eq!(value["msg"], "odd");
        assert_eq!(value["service"], "verify");
        assert_eq!(value["path"], "/a\n\"b\"");
        assert_eq!(value["status"], 200);
        assert_eq!(value["new"], true);
        assert_eq!(value["ts"], "2027-01-15T08:00:00.000Z");
        assert!(value.get("user_id").is_none());
    }

    #[test]
    fn a_line_of_a_request_has_its_names() {
        let host = FakeHost::answering("");
        let id = RequestId::random(&host);
        let trace = Trace::enter(None, 1, &host).unwrap();
        host.enter(Context::new(&id, Some(trace.clone()), None));
        Line::new(Level::Info, "auth", "anything").emit(&host, Level::Info);
        let line: serde_json::Value = serde_json::from_str(&host.lines()[0]).unwrap();
        assert_eq!(line["request_id"], id.as_str());
        assert_eq!(line["trace_id"], trace.trace_id());
    }

    #[test]
    fn a_warning_is_repeated_twenty_times_a_minute_and_the_rest_counted() {
        let host = FakeHost::answering("");
        let warn = |msg| Line::new(Level::Warn, "verify", msg).emit(&host, Level::Info);
        for _ in 0..25 {
            warn("broken");
            warn(REQUEST);
        }
        warn("other");
        let count = |msg: &str| {
            let msg = format!("\"msg\":\"{msg}\"");
            host.lines()
                .iter()
                .filter(|line| line.contains(&msg))
                .count()
        };
        assert_eq!(
            (count("broken"), count(REQUEST), count("other")),
            (20, 25, 1)
        );
        host.advance(INTERVAL);
        warn("broken");
        assert!(host.lines().pop().unwrap().contains("\"suppressed\":5"));
        warn("broken");
        assert!(!host.lines().pop().unwrap().contains("suppressed"));
    }

    #[test]
    fn lines_below_the_level_are_dropped() {
        let host = FakeHost::answering("");
        Line::new(Level::Info, "verify", "request").emit(&host, Level::Warn);
        assert!(host.lines().is_empty());
    }
}
