//! JSON objects as others wrote them, read field by field.
//!
//! Everything goes through one type of tree. Deriving a reader for each record would be shorter
//! here, but each would bring its own code into the worker, and the printing of floating-point
//! numbers for error messages that nobody sees: 45 KB of WebAssembly for `auth`.

use serde_json::{Map, Value};

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

    /// Whether there is a field `name` that is not null.
    pub fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    /// The string `name`, taken out.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name)? {
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
        match self.0.remove(name)? {
            Value::Array(list) => Some(list),
            _ => None,
        }
    }

    /// The value `name`, whatever it is, taken out.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// All fields that are left.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
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
    fn only_an_object_is_an_object() {
        for text in ["", "null", "[]", "1", r#""{}""#, "{", "{} x"] {
            assert!(Object::parse(text).is_none(), "{text}");
        }
    }
}
