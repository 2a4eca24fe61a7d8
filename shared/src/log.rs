//! Log lines: one JSON object each.
//!
//! A field is a number, a flag or a string that the caller has in clear. What must not be logged
//! is a [`Secret`](crate::secret::Secret), which cannot become any of these.

use core::str::FromStr;

use crate::{
    host::{Clock, LogSink},
    json::{write::write_number, write_text},
};

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

    /// Writes the line to `host`, unless it is below `threshold`.
    pub fn emit(self, host: &(impl Clock + LogSink), threshold: Level) {
        if self.level >= threshold {
            let ts = host.now().to_rfc_3339();
            host.emit(["{\"ts\":\"", &ts, "\"", &self.fields, "}"].concat());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

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
    fn lines_below_the_level_are_dropped() {
        let host = FakeHost::answering("");
        Line::new(Level::Info, "verify", "request").emit(&host, Level::Warn);
        assert!(host.lines().is_empty());
    }
}
