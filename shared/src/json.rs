//! JSON objects: those of others, read field by field, and ours, made field by field.
//!
//! Everything goes through one type of tree. Deriving a reader for each record would be shorter
//! here, but each would bring its own code into the worker, and the printing of floating-point
//! numbers for error messages that nobody sees: 45 KB of WebAssembly for `auth`.

use serde_json::{Map, Value};

/// Adds `text` to `json` as a string, escaped where it must be (RFC 8259, section 7).
pub fn push_text(json: &mut String, text: &str) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        // Strings always serialise.
        json.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

/// An object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(Map<String, Value>);

impl Object {
    /// Reads a text; `None` if it is not one JSON object.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().and_then(Self::from_value)
    }

    /// The object that `value` is, if it is one.
    pub fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self(map)),
            _ => None,
        }
    }

    /// An object without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a field if there is a value for it.
    #[must_use]
    pub fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Whether there is a field `name` that is not null.
    pub fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    /// The string `name`, taken out.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number `name`, not below zero.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    /// The object `name`, taken out.
    pub fn object(&mut self, name: &str) -> Option<Self> {
        self.take(name).and_then(Self::from_value)
    }

    /// The list `name`, taken out.
    pub fn list(&mut self, name: &str) -> Option<Vec<Value>> {
        match self.take(name)? {
            Value::Array(list) => Some(list),
            _ => None,
        }
    }

    /// The value `name`, whatever it is, taken out: null stays in its place.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.get_mut(name).map(Value::take)
    }

    /// The object as text.
    pub fn to_json(&self) -> String {
        // Text, numbers and maps by text always serialise.
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// All fields that are left.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_another_type_is_not_there() {
        let object = || Object::parse(r#"{"a":"x","b":1,"c":{"d":-1},"e":[1]}"#).unwrap();
        assert_eq!(object().text("a").as_deref(), Some("x"));
        assert_eq!(object().text("b"), None);
        assert_eq!(object().number("b"), Some(1));
        assert_eq!(object().number("a"), None);
        assert_eq!(object().object("c").unwrap().number("d"), None);
        assert_eq!(object().object("e"), None);
        assert_eq!(object().list("e").map(|list| list.len()), Some(1));
        assert_eq!(object().text("z"), None);
        assert!(object().has("a") && !object().has("z"));
    }

    #[test]
    fn what_is_made_can_be_read_again() {
        let made = Object::new()
            .with("a", "x\"")
            .with("b", 1)
            .maybe("c", None::<&str>)
            .maybe("d", Some("y"))
            .with("e", Object::new());
        assert_eq!(made.to_json(), r#"{"a":"x\"","b":1,"d":"y","e":{}}"#);
        assert_eq!(Object::parse(&made.to_json()), Some(made));
    }

    #[test]
    fn a_pushed_text_reads_as_itself() {
        for text in ["", "plain é \u{7f}", "a\"b", "\\", "\n\u{1}"] {
            let mut json = String::new();
            push_text(&mut json, text);
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn only_an_object_is_an_object() {
        for text in ["", "null", "[]", "1", r#""{}""#, "{", "{} x"] {
            assert!(Object::parse(text).is_none(), "{text}");
        }
    }
}
