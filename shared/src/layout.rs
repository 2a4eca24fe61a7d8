//! The layout of what is kept in Redis: each record carries its version as `v`.
//!
//! While a release is rolled out, it and the last one read each other's records; after it was rolled
//! back, the last one reads them alone. So within a version a field may be added, which older readers
//! pass over, and newer ones do without. What an older reader would misunderstand takes another
//! version, which one release learns to read and only the next one writes.

use crate::json::{Object, Writer};

/// The version that is written today. A record without one is of it, because the first release wrote
/// none but in sessions.
pub const VERSION: u64 = 1;

/// The name of the field.
const FIELD: &str = "v";

/// A record to be written, with its version.
pub fn record() -> Writer {
    Writer::object().number(FIELD, VERSION)
}

/// The text of `record` with its version.
pub fn write(record: Object) -> String {
    record.with(FIELD, VERSION).to_json()
}

/// Reads a record, without its version; `None` if it is none, or of a version that is not known here.
pub fn read(json: &str) -> Option<Object> {
    let mut record = Object::parse(json)?;
    match record.remove(FIELD) {
        None => Some(record),
        Some(version) => (version.as_u64() == Some(VERSION)).then_some(record),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_this_layout_or_of_none_is_read_without_its_version() {
        for json in [r#"{"v":1,"a":"x"}"#, r#"{"a":"x"}"#] {
            assert_eq!(read(json), Some(Object::new().with("a", "x")), "{json}");
        }
        assert_eq!(write(Object::new().with("a", "x")), r#"{"a":"x","v":1}"#);
        assert_eq!(record().text("a", "x").end(), r#"{"v":1,"a":"x"}"#);
    }

    #[test]
    fn a_record_of_another_layout_is_none_of_ours() {
        for json in [
            r#"{"v":2}"#,
            r#"{"v":0}"#,
            r#"{"v":"1"}"#,
            r#"{"v":null}"#,
            "[]",
            "",
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
