//! A Redis command as it arrives: in JSON or in a path.

use axum::{body::Bytes, http::StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::value::RawValue;

use crate::refusal::{Refusal, refuse};

/// The query parameter that carries the token, and is no argument.
pub(crate) const TOKEN_PARAMETER: &str = "_token";

/// One command: its name and its arguments, never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) arguments: Vec<Vec<u8>>,
}

impl AsRef<Self> for Command {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Command {
    /// The body of `POST /`.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, Refusal> {
        let items: Vec<&RawValue> =
            serde_json::from_slice(body).map_err(|_| bad("ERR failed to parse command"))?;
        Self::from_items(&items, "ERR empty command")
    }

    /// The body of `/pipeline` and `/multi-exec`.
    pub(crate) fn many_from_json(body: &[u8]) -> Result<Vec<Self>, Refusal> {
        let commands: Vec<Vec<&RawValue>> = serde_json::from_slice(body)
            .map_err(|_| bad("ERR failed to parse pipeline request"))?;
        if commands.is_empty() {
            return Err(bad("ERR empty pipeline request"));
        }
        commands
            .iter()
            .map(|items| Self::from_items(items, "ERR empty pipeline command"))
            .collect()
    }

    /// `/set/key/value?EX=100`: the path's segments, then the body, then the query's parameters.
    pub(crate) fn from_path(
        path: &str,
        body: &Bytes,
        query: Option<&str>,
    ) -> Result<Self, Refusal> {
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.is_empty() {
            return Err(bad("ERR empty command"));
        }
        // Decoded after the split, so that an encoded slash stays within its argument.
        let mut arguments: Vec<Vec<u8>> = path.split('/').map(decode).collect();
        if !body.is_empty() {
            arguments.push(body.to_vec());
        }
        for parameter in query
            .unwrap_or_default()
            .split('&')
            .filter(|parameter| !parameter.is_empty())
        {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if name == TOKEN_PARAMETER {
                continue;
            }
            arguments.push(decode_form(name));
            // `?NX` and `?NX=` are the option alone.
            if !value.is_empty() {
                arguments.push(decode_form(value));
            }
        }
        Ok(Self { arguments })
    }

    fn from_items(items: &[&RawValue], empty: &str) -> Result<Self, Refusal> {
        if items.is_empty() {
            return Err(bad(empty));
        }
        let arguments = items
            .iter()
            .map(|item| argument(item.get()))
            .collect::<Option<_>>();
        Ok(Self {
            arguments: arguments.ok_or_else(|| bad("ERR failed to parse command"))?,
        })
    }

    /// The command's name in lower case, with what is not ASCII replaced.
    pub(crate) fn name(&self) -> String {
        self.text(0)
    }

    /// An argument in lower case, or nothing if it is not there.
    pub(crate) fn text(&self, position: usize) -> String {
        let argument = self
            .arguments
            .get(position)
            .map(Vec::as_slice)
            .unwrap_or_default();
        String::from_utf8_lossy(argument).to_ascii_lowercase()
    }

    /// How large it is by the service's reckoning.
    pub(crate) fn size(&self) -> usize {
        self.arguments.iter().map(Vec::len).sum()
    }
}

/// A JSON value as an argument: strings decoded, numbers and booleans letter by letter, nothing
/// else.
fn argument(json: &str) -> Option<Vec<u8>> {
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(json)
            .ok()
            .map(String::into_bytes),
        b't' | b'f' | b'-' | b'0'..=b'9' => Some(json.as_bytes().to_vec()),
        _ => None,
    }
}

fn decode(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

/// As [`decode`], with `+` for a space, as in every query.
pub(crate) fn decode_form(text: &str) -> Vec<u8> {
    decode(&text.replace('+', " "))
}

fn bad(text: &str) -> Refusal {
    refuse(StatusCode::BAD_REQUEST, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: Result<Command, Refusal>) -> Vec<String> {
        command
            .unwrap()
            .arguments
            .into_iter()
            .map(|argument| String::from_utf8(argument).unwrap())
            .collect()
    }

    #[test]
    fn keeps_the_letters_of_numbers_and_booleans() {
        let command = Command::from_json(
            br#" [ "SET", "k" , 9007199254740993, 1.50, -0, 1e400, true, false ] "#,
        );
        assert_eq!(
            words(command),
            [
                "SET",
                "k",
                "9007199254740993",
                "1.50",
                "-0",
                "1e400",
                "true",
                "false"
            ]
        );
    }

    #[test]
    fn decodes_the_escapes_of_strings() {
        assert_eq!(
            words(Command::from_json(
                br#"["ECHO","\u00e9\ud83d\ude00\n\"\u0000"]"#
            )),
            ["ECHO", "é😀\n\"\0"]
        );
    }

    #[test]
    fn refuses_what_is_no_command() {
        for (body, text) in [
            ("", "ERR failed to parse command"),
            ("{}", "ERR failed to parse command"),
            (r#""GET""#, "ERR failed to parse command"),
            (r#"["GET","#, "ERR failed to parse command"),
            (r#"["GET",null]"#, "ERR failed to parse command"),
            (r#"["GET",["k"]]"#, "ERR failed to parse command"),
            (r#"["GET","\ud800"]"#, "ERR failed to parse command"),
            ("[]", "ERR empty command"),
        ] {
            assert_eq!(
                Command::from_json(body.as_bytes()),
                Err((StatusCode::BAD_REQUEST, text.to_owned())),
                "{body}"
            );
        }
        for (body, text) in [
            ("{}", "ERR failed to parse pipeline request"),
            (r#"["GET","k"]"#, "ERR failed to parse pipeline request"),
            ("[]", "ERR empty pipeline request"),
            (r#"[["GET","k"],[]]"#, "ERR empty pipeline command"),
        ] {
            let refused = Command::many_from_json(body.as_bytes());
            assert_eq!(
                refused,
                Err((StatusCode::BAD_REQUEST, text.to_owned())),
                "{body}"
            );
        }
    }

    #[test]
    fn takes_a_command_from_path_then_body_then_query() {
        let command = Command::from_path(
            "/set/a%2Fb/",
            &Bytes::from("v"),
            Some("EX=100&_token=t&NX&KEEPTTL="),
        );
        assert_eq!(
            words(command),
            ["set", "a/b", "", "v", "EX", "100", "NX", "KEEPTTL"]
        );
        let command = Command::from_path("/echo/a+b", &Bytes::new(), Some("x+y=%2B"));
        assert_eq!(words(command), ["echo", "a+b", "x y", "+"]);
        assert!(Command::from_path("/", &Bytes::new(), Some("_token=t")).is_err());
    }
}
