//! Replies of Redis as answers over HTTP.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use redis::{ServerError, Value};
use serde_json::{Value as Json, json};

use crate::refusal::{Refusal, refuse};

/// How the caller wants its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// JSON, in which bytes that are no UTF-8 become U+FFFD.
    Text,
    /// JSON with every string in Base64.
    Base64,
    /// The protocol of Redis itself.
    Resp2,
}

impl Format {
    /// What the headers ask for.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let value = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
        let base64 = match value("upstash-encoding") {
            Some(b"base64") => true,
            Some(_) => {
                return Err(refuse(
                    StatusCode::BAD_REQUEST,
                    "ERR unsupported Upstash-Encoding, only base64 is",
                ));
            }
            None => false,
        };
        match (value("upstash-response-format"), base64) {
            (None | Some(b"json"), true) => Ok(Self::Base64),
            (None | Some(b"json"), false) => Ok(Self::Text),
            (Some(b"resp2"), false) => Ok(Self::Resp2),
            (Some(b"resp2"), true) => Err(refuse(
                StatusCode::BAD_REQUEST,
                "ERR base64 encoding is not supported with resp2 response format",
            )),
            (Some(_), _) => Err(refuse(
                StatusCode::BAD_REQUEST,
                "ERR unsupported Upstash-Response-Format, only json and resp2 are",
            )),
        }
    }
}

/// What became of one command.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It was carried out.
    Value(Value),
    /// It failed, with Redis's own text or ours.
    Error(String),
}

impl From<Value> for Outcome {
    fn from(value: Value) -> Self {
        match value {
            Value::ServerError(error) => Self::Error(error_text(&error)),
            value => Self::Value(value),
        }
    }
}

/// The very text of Redis.
pub(crate) fn error_text(error: &ServerError) -> String {
    match error.details() {
        Some(details) => format!("{} {details}", error.code()),
        None => error.code().to_owned(),
    }
}

/// An answer to a request that never came to Redis.
pub(crate) fn error(status: StatusCode, text: &str) -> Response {
    answer(status, &json!({ "error": text }))
}

/// The answer to a single command: a failed one is a bad request.
pub(crate) fn single(outcome: &Outcome, format: Format) -> Response {
    let status = match outcome {
        Outcome::Value(_) => StatusCode::OK,
        Outcome::Error(_) => StatusCode::BAD_REQUEST,
    };
    match format {
        Format::Resp2 => resp2(status, std::iter::once(outcome)),
        _ => answer(status, &to_json(outcome, format)),
    }
}

/// The answer to several commands: 200, however each of them went.
pub(crate) fn many(outcomes: impl Iterator<Item = Outcome>, format: Format) -> Response {
    let outcomes: Vec<Outcome> = outcomes.collect();
    match format {
        Format::Resp2 => resp2(StatusCode::OK, &outcomes),
        _ => answer(
            StatusCode::OK,
            &outcomes
                .iter()
                .map(|outcome| to_json(outcome, format))
                .collect(),
        ),
    }
}

fn answer(status: StatusCode, json: &Json) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        json.to_string(),
    )
        .into_response()
}

fn to_json(outcome: &Outcome, format: Format) -> Json {
    match outcome {
        // The status itself, not a stored "OK", is the one string that is never encoded.
        Outcome::Value(Value::Okay) => json!({ "result": "OK" }),
        Outcome::Value(value) => json!({ "result": value_to_json(value, format) }),
        Outcome::Error(text) => json!({ "error": text }),
    }
}

fn value_to_json(value: &Value, format: Format) -> Json {
    let string = |bytes: &[u8]| match format {
        Format::Base64 => Json::String(STANDARD.encode(bytes)),
        _ => Json::String(String::from_utf8_lossy(bytes).into_owned()),
    };
    match value {
        Value::Int(number) => (*number).into(),
        Value::BulkString(bytes) => string(bytes),
        Value::SimpleString(text) => string(text.as_bytes()),
        // Within an array the client decodes even this one.
        Value::Okay => string(b"OK"),
        // A script can put an error into a table; JSON of this protocol has no other word for it
        // than its text.
        Value::ServerError(error) => string(error_text(error).as_bytes()),
        Value::Array(values) => values
            .iter()
            .map(|value| value_to_json(value, format))
            .collect(),
        // Nothing; RESP2 has no further kinds.
        _ => Json::Null,
    }
}

fn resp2<'a>(status: StatusCode, outcomes: impl IntoIterator<Item = &'a Outcome>) -> Response {
    let mut bytes = Vec::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Value(value) => write_resp2(value, &mut bytes),
            Outcome::Error(text) => write_line(b'-', text, &mut bytes),
        }
    }
    (
        status,
        [(header::CONTENT_TYPE, "application/octet-stream")],
        bytes,
    )
        .into_response()
}

fn write_resp2(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Int(number) => write_line(b':', &number.to_string(), bytes),
        Value::BulkString(string) => {
            write_line(b'$', &string.len().to_string(), bytes);
            bytes.extend_from_slice(string);
            bytes.extend_from_slice(b"\r\n");
        }
        Value::SimpleString(text) => write_line(b'+', text, bytes),
        Value::Okay => write_line(b'+', "OK", bytes),
        Value::ServerError(error) => write_line(b'-', &error_text(error), bytes),
        Value::Array(values) => {
            write_line(b'*', &values.len().to_string(), bytes);
            for value in values {
                write_resp2(value, bytes);
            }
        }
        _ => write_line(b'$', "-1", bytes),
    }
}

fn write_line(kind: u8, text: &str, bytes: &mut Vec<u8>) {
    bytes.push(kind);
    bytes.extend_from_slice(text.as_bytes());
    bytes.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use redis::parse_redis_value;

    use super::*;

    #[track_caller]
    fn renders(resp: &str, text: &Json, base64: &Json) {
        let outcome = Outcome::from(parse_redis_value(resp.as_bytes()).unwrap());
        assert_eq!(to_json(&outcome, Format::Text), *text);
        assert_eq!(to_json(&outcome, Format::Base64), *base64);
    }

    #[test]
    fn only_the_status_ok_itself_stays_plain_in_base64() {
        renders(
            "+OK\r\n",
            &json!({"result": "OK"}),
            &json!({"result": "OK"}),
        );
        renders(
            "$2\r\nOK\r\n",
            &json!({"result": "OK"}),
            &json!({"result": "T0s="}),
        );
        renders(
            "*1\r\n+OK\r\n",
            &json!({"result": ["OK"]}),
            &json!({"result": ["T0s="]}),
        );
        renders(
            "+PONG\r\n",
            &json!({"result": "PONG"}),
            &json!({"result": "UE9ORw=="}),
        );
    }

    #[test]
    fn numbers_and_nothing_are_never_encoded_and_tables_nest() {
        renders(
            "*3\r\n:9007199254740993\r\n$-1\r\n*2\r\n$1\r\na\r\n*0\r\n",
            &json!({"result": [9_007_199_254_740_993_i64, null, ["a", []]]}),
            &json!({"result": [9_007_199_254_740_993_i64, null, ["YQ==", []]]}),
        );
    }

    #[test]
    fn an_error_keeps_its_text_in_either_encoding() {
        for text in [
            "ERR unknown command 'X', with args beginning with: ",
            "WRONGTYPE Operation",
            "MYERROR",
            "NOSCRIPT No matching script. Please use EVAL.",
        ] {
            let json = json!({ "error": text });
            renders(&format!("-{text}\r\n"), &json, &json);
        }
    }

    #[test]
    fn writes_what_redis_wrote() {
        let resp = "*6\r\n+OK\r\n:-5\r\n$2\r\n\r\n\r\n$-1\r\n-ERR no\r\n*1\r\n+PONG\r\n";
        let mut bytes = Vec::new();
        write_resp2(&parse_redis_value(resp.as_bytes()).unwrap(), &mut bytes);
        assert_eq!(String::from_utf8(bytes).unwrap(), resp);
    }

    #[test]
    fn knows_which_formats_go_together() {
        let format = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            Format::of(&headers).map_err(|(status, _)| status)
        };
        assert_eq!(format(&[]), Ok(Format::Text));
        assert_eq!(
            format(&[
                ("upstash-encoding", "base64"),
                ("upstash-response-format", "json")
            ]),
            Ok(Format::Base64)
        );
        assert_eq!(
            format(&[("upstash-response-format", "resp2")]),
            Ok(Format::Resp2)
        );
        for refused in [
            &[("upstash-response-format", "resp3")][..],
            &[
                ("upstash-response-format", "resp2"),
                ("upstash-encoding", "base64"),
            ],
            &[("upstash-encoding", "hex")],
        ] {
            assert_eq!(format(refused), Err(StatusCode::BAD_REQUEST));
        }
    }
}
