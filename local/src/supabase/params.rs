//! The JSON of a body, with the complaints of Go's `json.Unmarshal`.

use axum::body::Bytes;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{call::Call, error::AuthError};

/// The fields of a body, read into a struct of the real server that is known by name.
pub(super) struct Params {
    name: &'static str,
    fields: Map<String, Value>,
}

impl Params {
    /// Reads the body; `name` is the Go struct's, which the messages show.
    pub(super) fn read(call: &Call, name: &'static str) -> Result<Self, AuthError> {
        let body = call.body.as_ref().ok_or_else(too_large)?;
        // The real server looks for `redirect_to` in a form first, which uses the body up.
        let is_form = call
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let body = if is_form { &[][..] } else { body.as_ref() };
        let fields = match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            Ok(Value::Null) => Map::new(),
            Ok(other) => {
                let kind = kind_of(&other);
                let detail =
                    format!("json: cannot unmarshal {kind} into Go value of type api.{name}");
                return Err(AuthError::bad_json(&detail));
            }
            Err(error) if error.is_eof() => {
                return Err(AuthError::bad_json("unexpected end of JSON input"));
            }
            Err(error) => return Err(AuthError::bad_json(&error.to_string())),
        };
        Ok(Self { name, fields })
    }

    /// The fields of a body that may be empty.
    pub(super) fn read_if_any(call: &Call, name: &'static str) -> Result<Self, AuthError> {
        if call.body.as_ref().is_some_and(Bytes::is_empty) {
            return Ok(Self {
                name,
                fields: Map::new(),
            });
        }
        Self::read(call, name)
    }

    /// A string; a missing one and `null` are empty.
    pub(super) fn text(&self, field: &str) -> Result<String, AuthError> {
        self.optional_text(field).map(Option::unwrap_or_default)
    }

    /// A string that may be missing.
    pub(super) fn optional_text(&self, field: &str) -> Result<Option<String>, AuthError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong_type(field, other, "string")),
        }
    }

    /// An e-mail address, which the real server keeps in lower case.
    pub(super) fn email(&self) -> Result<String, AuthError> {
        self.text("email").map(|email| email.trim().to_lowercase())
    }

    /// A UUID; a missing one is nil, as no record has it.
    pub(super) fn uuid(&self, field: &str) -> Result<Uuid, AuthError> {
        let text = self.text(field)?;
        if text.is_empty() {
            return Ok(Uuid::nil());
        }
        Uuid::parse_str(&text).map_err(|_| {
            let length = text.len();
            AuthError::bad_json(&if matches!(length, 32 | 36 | 38 | 41 | 45) {
                format!("uuid: incorrect UUID format in string \"{text}\"")
            } else {
                format!("uuid: incorrect UUID length {length} in string \"{text}\"")
            })
        })
    }

    /// A boolean; a missing one is false.
    pub(super) fn flag(&self, field: &str) -> Result<bool, AuthError> {
        self.flag_or(field, false)
    }

    /// A boolean that may be missing.
    pub(super) fn flag_or(&self, field: &str, default: bool) -> Result<bool, AuthError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.wrong_type(field, other, "bool")),
        }
    }

    /// An object that may be missing.
    pub(super) fn object(&self, field: &str) -> Result<Option<Map<String, Value>>, AuthError> {
        match self.fields.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object.clone())),
            Some(other) => Err(self.wrong_type(field, other, "map[string]interface {}")),
        }
    }

    fn wrong_type(&self, field: &str, value: &Value, wanted: &str) -> AuthError {
        let (kind, name) = (kind_of(value), self.name);
        AuthError::bad_json(&format!(
            "json: cannot unmarshal {kind} into Go struct field {name}.{field} of type {wanted}"
        ))
    }
}

/// Merges metadata as the real server does: `null` removes a key.
pub(super) fn merge(into: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (key, value) in changes {
        if value.is_null() {
            into.remove(&key);
        } else {
            into.insert(key, value);
        }
    }
}

fn too_large() -> AuthError {
    AuthError::new(
        413,
        "request_entity_too_large",
        "Request body too large (max 1048576 bytes)",
    )
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
