//! JSON: that of others, read field by field, and ours, made field by field.
//!
//! Everything goes through one type of tree. Deriving a reader for each record would be shorter
//! here, but each would bring its own code into the worker. Numbers stay as they are written, so
//! that nothing needs to read or print fractions, which nobody here asks for.

mod read;
pub(crate) mod scan;
pub(crate) mod write;

pub use self::{
    read::{Malformed, parse, parse_pruned, parse_unique},
    write::{Writer, write_text},
};
use crate::sorted::Sorted;

/// The fields of an object, by name.
pub type Map = Sorted<Value>;

/// A value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Self>),
    /// An object.
    Object(Map),
}

/// A number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// A whole one, not below zero.
    Whole(u64),
    /// Any other, as it is written.
    Other(String),
}

/// An object, read and made field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object(Map);

// === impl Value ===

impl Value {
    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// The text that it is, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, not below zero, that it is, if it is one.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// The field `name`, if it is an object and has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(map) => map.get(name),
            _ => None,
        }
    }

    /// The value, taken out: null stays in its place.
    #[must_use]
    pub fn take(&mut self) -> Self {
        core::mem::take(self)
    }

    /// The value as text.
    pub fn to_json(&self) -> String {
        let mut json = String::new();
        self.write(&mut json);
        json
    }

    fn write(&self, json: &mut String) {
        match self {
            Self::Null => json.push_str("null"),
            Self::Bool(flag) => json.push_str(if *flag { "true" } else { "false" }),
            Self::Number(Number::Whole(number)) => write::write_number(*number, json),
            Self::Number(Number::Other(written)) => json.push_str(written),
            Self::String(text) => write_text(text, json),
            Self::Array(list) => {
                json.push('[');
                for (index, value) in list.iter().enumerate() {
                    separate(index, json);
                    value.write(json);
                }
                json.push(']');
            }
            Self::Object(map) => write_map(map, json),
        }
    }
}

fn write_map(map: &Map, json: &mut String) {
    json.push('{');
    for (index, (name, value)) in map.iter().enumerate() {
        separate(index, json);
        write_text(name, json);
        json.push(':');
        value.write(json);
    }
    json.push('}');
}

/// Whether `text` stands in a string as it is (RFC 8259, section 7).
pub(crate) fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    text.bytes().all(is_plain)
}

fn separate(index: usize, json: &mut String) {
    if index > 0 {
        json.push(',');
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(Number::Whole(number))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<Vec<Self>> for Value {
    fn from(list: Vec<Self>) -> Self {
        Self::Array(list)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Object(map)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}

// === impl Number ===

impl Number {
    /// The number of a text that is one in JSON.
    fn read(written: &str) -> Self {
        match written.parse() {
            Ok(number) => Self::Whole(number),
            Err(_) => Self::Other(written.to_owned()),
        }
    }

    /// The whole number, not below zero, if it is one of 64 bits.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Whole(number) => Some(*number),
            Self::Other(_) => None,
        }
    }

    /// The whole number, if it is one of 64 bits with a sign.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Whole(number) => i64::try_from(*number).ok(),
            Self::Other(written) => written.parse().ok(),
        }
    }
}

// === impl Object ===

impl Object {
    /// Reads a text of our own or of Supabase's, by [`parse_pruned`]; `None` if it is not one JSON object.
    pub fn parse(text: &str) -> Option<Self> {
        parse_pruned(text).ok().and_then(Self::from_value)
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

    /// The value `name`, whatever it is, taken out with its name.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// The object as text.
    pub fn to_json(&self) -> String {
        let mut json = String::new();
        write_map(&self.0, &mut json);
        json
    }

    /// All fields that are left.
    pub fn into_map(self) -> Map {
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
    fn what_is_made_can_be_read_again() {
        let made = Object::new()
            .with("a", "x\"")
            .with("b", 1_u64)
            .maybe("c", None::<&str>)
            .maybe("d", Some("y"))
            .with("e", Object::new());
        assert_eq!(made.to_json(), r#"{"a":"x\"","b":1,"d":"y","e":{}}"#);
        assert_eq!(Object::parse(&made.to_json()), Some(made));
    }

    #[test]
    fn only_an_object_is_an_object() {
        for text in ["", "null", "[]", "1", r#""{}""#, "{", "{} x"] {
            assert!(Object::parse(text).is_none(), "{text}");
        }
    }
}
