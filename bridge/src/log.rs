//! Log lines: one JSON object each, as the workers write them (`docs/LOGGING.md`).

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    str::FromStr,
};

use serde_json::Value;
use time::OffsetDateTime;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Where lines go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    /// What matters less is not written.
    pub(crate) least: Level,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

impl FromStr for Level {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Debug, Self::Info, Self::Warn, Self::Error]
            .into_iter()
            .find(|level| level.word() == text)
            .ok_or("it is none of debug, info, warn and error")
    }
}

impl Log {
    /// Writes a line about the event `msg`.
    pub(crate) fn write(self, level: Level, msg: &str, fields: &[(&str, Value)]) {
        if level < self.least {
            return;
        }
        let line = line(OffsetDateTime::now_utc(), level, msg, fields);
        // Nobody is left to tell if this fails.
        let _ = io::stdout().lock().write_all(line.as_bytes());
    }
}

fn line(now: OffsetDateTime, level: Level, msg: &str, fields: &[(&str, Value)]) -> String {
    let (hour, minute, second, millisecond) = now.to_hms_milli();
    let mut line = format!(
        r#"{{"ts":"{}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z","level":"{}","msg":"{msg}","service":"bridge""#,
        now.date(),
        level.word()
    );
    for (name, value) in fields {
        let _ = write!(line, r#","{name}":{value}"#);
    }
    line.push_str("}\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object_whatever_a_field_holds() {
        let now = OffsetDateTime::from_unix_timestamp_nanos(1_700_000_000_120_456_789).unwrap();
        let fields = [("reason", "two\n\"lines\"".into()), ("cut", 3.into())];
        assert_eq!(
            line(now, Level::Warn, "redis_lost", &fields),
            concat!(
                r#"{"ts":"2023-11-14T22:13:20.120Z","level":"warn","msg":"redis_lost","service":"bridge","#,
                r#""reason":"two\n\"lines\"","cut":3}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_level_is_one_of_four_words() {
        assert_eq!("warn".parse(), Ok(Level::Warn));
        assert!("WARN".parse::<Level>().is_err());
    }
}
