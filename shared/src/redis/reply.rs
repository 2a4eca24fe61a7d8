//! What Redis answers, decoded from the REST protocol's JSON.
//!
//! `{"result": X}` or `{"error": "text"}`, where X is null, an integer, a string or an array of
//! these (RESP2 mapped to JSON). The HTTP status says nothing that the body does not: inside a
//! pipeline an error comes with 200.

use core::fmt;

use crate::json::{self, Object, Value};

/// One reply. `Debug` shows the kind alone: replies hold sessions.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// No value.
    Nil,
    /// An integer.
    Integer(i64),
    /// A string.
    Text(String),
    /// A list of replies.
    Array(Vec<Reply>),
    /// The command failed. The first word is the code, as in `NOSCRIPT` or `WRONGTYPE`.
    Error(String),
}

impl Reply {
    /// Whether the command failed with `code`, the first word of the error.
    ///
    /// Only the code is stable: the rest of the text differs between servers.
    pub fn is_error(&self, code: &str) -> bool {
        matches!(self, Self::Error(text) if text.split(' ').next() == Some(code))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nil => "Nil",
            Self::Integer(_) => "Integer",
            Self::Text(_) => "Text",
            Self::Array(_) => "Array",
            Self::Error(_) => "Error",
        })
    }
}

impl Reply {
    /// Reads the body of one reply; `None` for everything that is not one.
    pub(super) fn read(body: &str) -> Option<Self> {
        text_alone(body)
            .map(Self::Text)
            .or_else(|| json::parse(body).ok().and_then(Self::from_envelope))
    }

    /// Reads one `{"result": …}` or `{"error": …}`; `None` for everything else, because what
    /// cannot be read must never look like an absent value.
    pub(super) fn from_envelope(envelope: Value) -> Option<Self> {
        let mut envelope = Object::from_value(envelope)?;
        match (envelope.take("result"), envelope.take("error")) {
            (Some(result), None) => Self::from_value(result),
            (None, Some(Value::String(error))) => Some(Self::Error(error)),
            _ => None,
        }
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Nil),
            Value::Number(number) => number.as_i64().map(Self::Integer),
            Value::String(text) => Some(Self::Text(text)),
            Value::Array(items) => items
                .into_iter()
                .map(Self::from_value)
                .collect::<Option<_>>()
                .map(Self::Array),
            Value::Bool(_) | Value::Object(_) => None,
        }
    }
}

/// The text of `{"result":"…"}` in which nothing is escaped but quotes: a JSON record of ours, as
/// every request reads one. Whatever else there is, a whole parser must read.
fn text_alone(body: &str) -> Option<String> {
    let escaped = body.strip_prefix(r#"{"result":""#)?.strip_suffix("\"}")?;
    let mut parts = escaped.split('\\');
    let mut text = String::with_capacity(escaped.len());
    text.push_str(parts.next().filter(|part| json::is_plain(part))?);
    for part in parts {
        let part = part.strip_prefix('"').filter(|part| json::is_plain(part))?;
        text.push('"');
        text.push_str(part);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json;

    proptest! {
        #[test]
        fn the_short_way_reads_what_the_parser_reads(text in r#"[a-z"\\\n\u{1}é}{]{0,12}"#, end in r#"["}\\]{0,3}"#) {
            let whole = serde_json::json!({ "result": text }).to_string();
            prop_assert!(Reply::read(&whole) == Some(Reply::Text(text)));
            // What looks like one and is none.
            let odd = format!("{{\"result\":\"{end}\"}}");
            let parsed = json::parse(&odd).ok().and_then(Reply::from_envelope);
            prop_assert!(Reply::read(&odd) == parsed);
        }
    }

    #[track_caller]
    fn decodes(body: &str, expected: &Reply) {
        let reply = Reply::from_envelope(json::parse(body).unwrap());
        assert!(reply.as_ref() == Some(expected), "{body}");
    }

    #[test]
    fn each_kind_of_reply_is_told_apart() {
        decodes(r#"{"result":null}"#, &Reply::Nil);
        decodes(r#"{"result":-2}"#, &Reply::Integer(-2));
        decodes(r#"{"result":"OK"}"#, &Reply::Text("OK".into()));
        decodes(r#"{"result":""}"#, &Reply::Text(String::new()));
        decodes(r#"{"error":"ERR no"}"#, &Reply::Error("ERR no".into()));
        decodes(
            r#"{"result":["a",null,[3]]}"#,
            &Reply::Array(vec![
                Reply::Text("a".into()),
                Reply::Nil,
                Reply::Array(vec![Reply::Integer(3)]),
            ]),
        );
    }

    #[test]
    fn an_error_is_never_read_as_absence() {
        decodes(
            r#"{"error":"WRONGTYPE x"}"#,
            &Reply::Error("WRONGTYPE x".into()),
        );
        for body in [
            r"{}",
            r#"{"result":true}"#,
            r#"{"result":1.5}"#,
            r#"{"result":{}}"#,
            r#"{"result":"a","error":"b"}"#,
            r#"{"result":18446744073709551615}"#,
            "[]",
            "null",
        ] {
            let value = json::parse(body).unwrap();
            assert!(Reply::from_envelope(value).is_none(), "{body}");
        }
    }

    #[test]
    fn unknown_fields_are_ignored() {
        decodes(r#"{"took":1,"result":2}"#, &Reply::Integer(2));
    }

    #[test]
    fn the_code_of_an_error_is_its_first_word() {
        let reply = Reply::Error("NOSCRIPT No matching script.".into());
        assert!(reply.is_error("NOSCRIPT"));
        assert!(!reply.is_error("NO"));
        assert!(!Reply::Text("NOSCRIPT".into()).is_error("NOSCRIPT"));
    }
}
