//! What Redis answers, decoded from the REST protocol's JSON.
//!
//! `{"result": X}` or `{"error": "text"}`, where X is null, an integer, a string or an array of
//! these (RESP2 mapped to JSON). The HTTP status says nothing that the body does not: inside a
//! pipeline an error comes with 200.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

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

/// One `{"result": …}` or `{"error": …}`.
pub(super) struct Envelope(pub(super) Reply);

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EnvelopeVisitor).map(Self)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Reply;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `result` or `error`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Reply, A::Error> {
        let mut reply = None;
        while let Some(key) = map.next_key::<String>()? {
            let part = match key.as_str() {
                "result" => map.next_value::<Value>()?.0,
                "error" => Reply::Error(map.next_value()?),
                _ => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                    continue;
                }
            };
            if reply.replace(part).is_some() {
                return Err(A::Error::custom(
                    "both `result` and `error`, or one of them twice",
                ));
            }
        }
        reply.ok_or_else(|| A::Error::custom("neither `result` nor `error`"))
    }
}

/// The X of `{"result": X}`.
struct Value(Reply);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Reply;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, an integer, a string or an array")
    }

    fn visit_unit<E>(self) -> Result<Reply, E> {
        Ok(Reply::Nil)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Reply, E> {
        Ok(Reply::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Reply, E> {
        i64::try_from(number)
            .map(Reply::Integer)
            .map_err(|_| E::custom("integer out of range"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Reply, E> {
        Ok(Reply::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Reply, E> {
        Ok(Reply::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Reply, A::Error> {
        let mut replies = Vec::new();
        while let Some(Value(reply)) = items.next_element()? {
            replies.push(reply);
        }
        Ok(Reply::Array(replies))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn decodes(body: &str, expected: &Reply) {
        let Envelope(reply) = serde_json::from_str(body).unwrap();
        assert!(reply == *expected, "{body}");
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
            r#"{"result":null,"result":"a"}"#,
            r#"{"result":18446744073709551615}"#,
            "[]",
            "",
            "null",
        ] {
            assert!(serde_json::from_str::<Envelope>(body).is_err(), "{body}");
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
