//! JSON as we write it ourselves: field by field, in the order in which the fields are given.

use core::fmt::Write as _;

use super::is_plain;
use crate::hex;

/// An object in the making.
#[derive(Clone, Debug)]
pub struct Writer(String);

impl Writer {
    /// An object without fields so far.
    #[must_use]
    pub fn object() -> Self {
        Self::after(String::new())
    }

    /// The same, behind the text `json`.
    pub(crate) fn after(mut json: String) -> Self {
        json.push('{');
        Self(json)
    }

    /// Adds a text. Names are ours and need no escaping.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        write_text(value, &mut self.0);
        self
    }

    /// Adds a text if there is one.
    #[must_use]
    pub fn maybe_text(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// Adds a whole number.
    #[must_use]
    pub fn number(mut self, name: &str, value: u64) -> Self {
        self.name(name);
        write_number(value, &mut self.0);
        self
    }

    /// Adds a whole number if there is one.
    #[must_use]
    pub fn maybe_number(self, name: &str, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.number(name, value),
            None => self,
        }
    }

    /// Adds a value that is JSON already.
    #[must_use]
    pub fn json(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        self.0.push_str(value);
        self
    }

    /// Adds a value that `write` adds, as JSON.
    #[must_use]
    pub(crate) fn value(mut self, name: &str, write: impl FnOnce(&mut String)) -> Self {
        self.name(name);
        write(&mut self.0);
        self
    }

    /// Adds fields that are JSON already, at least one.
    #[must_use]
    pub(crate) fn json_fields(mut self, fields: &str) -> Self {
        self.separate();
        self.0.push_str(fields);
        self
    }

    /// The object as text.
    #[must_use]
    pub fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    /// The fields alone, as they stand in an object.
    #[must_use]
    pub fn fields(mut self) -> String {
        self.0.remove(0);
        self.0
    }

    fn name(&mut self, name: &str) {
        self.separate();
        for part in ["\"", name, "\":"] {
            self.0.push_str(part);
        }
    }

    fn separate(&mut self) {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
    }
}

/// Adds `text` to `json` as a string, escaped where it must be (RFC 8259, section 7).
pub fn write_text(text: &str, json: &mut String) {
    json.push('"');
    if is_plain(text) {
        json.push_str(text);
    } else {
        for char in text.chars() {
            write_char(char, json);
        }
    }
    json.push('"');
}

fn write_char(char: char, json: &mut String) {
    let short = match char {
        '"' | '\\' => char,
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\0'..' ' => {
            json.push_str("\\u00");
            return hex::push(json, &[u8::try_from(char).unwrap_or_default()]);
        }
        _ => return json.push(char),
    };
    json.push('\\');
    json.push(short);
}

/// Adds `number` to `json`.
pub(crate) fn write_number(number: u64, json: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(json, "{number}");
}

/// The list of `items`, each of which is JSON already.
pub(crate) fn list(items: impl Iterator<Item = String>) -> String {
    let mut json = String::new();
    write_list(items, &mut json, |item, json| json.push_str(&item));
    json
}

/// Adds the list of `items` to `json`; `write` adds each.
pub(crate) fn write_list<T>(
    items: impl Iterator<Item = T>,
    json: &mut String,
    write: impl Fn(T, &mut String),
) {
    json.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            json.push(',');
        }
        write(item, json);
    }
    json.push(']');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn fields_stand_in_the_order_in_which_they_were_given() {
        let inner = Writer::object().number("n", 1).end();
        let object = Writer::object()
            .text("b", "x\"")
            .maybe_text("none", None)
            .maybe_text("some", Some(""))
            .json("a", &inner);
        assert_eq!(object.clone().end(), r#"{"b":"x\"","some":"","a":{"n":1}}"#);
        assert_eq!(object.fields(), r#""b":"x\"","some":"","a":{"n":1}"#);
        assert_eq!(Writer::object().end(), "{}");
        let after = Writer::after(String::from("[1,")).number("n", 1);
        assert_eq!(after.end(), r#"[1,{"n":1}"#);
    }

    #[test]
    fn a_list_has_commas_between_its_items() {
        let list = |count: usize| list((0..count).map(|number| number.to_string()));
        assert_eq!(
            (list(0), list(1), list(2)),
            ("[]".into(), "[0]".into(), "[0,1]".into())
        );
    }

    proptest! {
        #[test]
        fn a_text_that_was_written_reads_as_itself(text in "([\\x00-\\x7f]|\\PC){0,12}") {
            let mut json = String::new();
            write_text(&text, &mut json);
            prop_assert!(!json.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), Value::String(text));
        }
    }
}
