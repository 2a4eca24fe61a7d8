//! Log lines: one JSON object each.
//!
//! A field is a number, a flag or a string that the caller has in clear. What must not be logged
//! is a [`Secret`](crate::secret::Secret), which cannot become any of these.

use core::{fmt::Display, str::FromStr};

use serde_json::{Map, Value};

use crate::host::{Clock, LogSink};

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

/// One line in the making.
#[derive(Clone, Debug)]
pub struct Line {
    level: Level,
    fields: Map<String, Value>,
}

impl Line {
    /// The event `msg`, in snake case, of the worker `service`.
    pub fn new(level: Level, service: &'static str, msg: &'static str) -> Self {
        let line = Self {
            level,
            fields: Map::new(),
        };
        line.field("level", level.as_str())
            .field("msg", msg)
            .field("service", service)
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a field if there is a value for it.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.field(name, value.to_string()),
            None => self,
        }
    }

    /// Writes the line to `host`, unless it is below `threshold`.
    pub fn emit(mut self, host: &(impl Clock + LogSink), threshold: Level) {
        if self.level < threshold {
            return;
        }
        self.fields
            .insert("ts".to_owned(), host.now().to_string().into());
        host.emit(Value::Object(self.fields).to_string());
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
            .field("status", 200)
            .maybe("user_id", None::<&str>)
            .emit(&host, Level::Info);
        let [line] = &host.lines()[..] else {
            panic!("not one line")
        };
        assert!(!line.contains('\n'));
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["level"], "warn");
        assert_eq!(value["msg"], "odd");
        assert_eq!(value["service"], "verify");
        assert_eq!(value["path"], "/a\n\"b\"");
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
