//! Reading JSON (RFC 8259) into a tree.

use core::fmt;

use hifijson::{
    Expect, Read as _, SliceLexer, escape::Lex as _, num::LexWrite as _, token::Lex as _,
};

use super::{Map, Number, Value};

/// How deep lists and objects may lie in each other, so that no text fills the stack.
const DEPTH: usize = 127;

/// A text that is no JSON, or has a field twice where that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The field that stands twice.
    twice: Option<String>,
    /// Where the reading ended.
    line: usize,
    column: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            twice,
            line,
            column,
        } = self;
        match twice {
            Some(name) => write!(f, "field `{name}` stands twice")?,
            None => f.write_str("what JSON does not allow")?,
        }
        write!(f, " at line {line}, column {column}")
    }
}

/// Reads a text. Of a field that stands twice, the last counts.
///
/// # Errors
/// [`Malformed`] if it is no JSON.
pub fn parse(text: &str) -> Result<Value, Malformed> {
    read(text, Rules::default())
}

/// Reads a text of somebody who writes JSON well, such as Supabase, about others who may have filled a part of it:
/// what lies too deep is read as `null`, so that none of them makes the whole unreadable.
///
/// # Errors
/// [`Malformed`] if it is no JSON.
pub fn parse_pruned(text: &str) -> Result<Value, Malformed> {
    let is_pruned = true;
    read(
        text,
        Rules {
            is_pruned,
            ..Rules::default()
        },
    )
}

/// Reads a text in which no object may have a field twice.
///
/// RFC 8259, section 4, leaves open which of two counts. Where one of them is a demand, a reader
/// of the text could believe the one and a program keep the other.
///
/// # Errors
/// [`Malformed`] if it is no JSON, or has a field twice.
pub fn parse_unique(text: &str) -> Result<Value, Malformed> {
    let is_unique = true;
    read(
        text,
        Rules {
            is_unique,
            ..Rules::default()
        },
    )
}

#[derive(Clone, Copy, Default)]
struct Rules {
    /// No object has a field twice.
    is_unique: bool,
    /// What lies too deep is `null`.
    is_pruned: bool,
}

fn read(text: &str, rules: Rules) -> Result<Value, Malformed> {
    let mut reader = Reader {
        whole: text,
        unescaped: String::new(),
        rules,
        twice: None,
    };
    let mut lexer = SliceLexer::new(text.as_bytes());
    lexer
        .exactly_one(SliceLexer::ws_peek, |next, lexer| {
            reader.value(next, lexer, DEPTH)
        })
        .map_err(|_: Wrong| {
            let end = text.len().saturating_sub(lexer.as_slice().len());
            let read = text.as_bytes().get(..end).unwrap_or_default();
            let mut lines = read.split(|byte| *byte == b'\n');
            let last = lines.next_back().unwrap_or_default();
            Malformed {
                twice: reader.twice,
                line: lines.count().saturating_add(1),
                column: last.len().saturating_add(1),
            }
        })
}

/// The text is wrong where its reading ended.
struct Wrong;

impl From<Expect> for Wrong {
    fn from(_: Expect) -> Self {
        Self
    }
}

struct Reader<'a> {
    whole: &'a str,
    /// What has been read of a text with escapes.
    unescaped: String,
    rules: Rules,
    /// The field that stood twice, where that ended the reading.
    twice: Option<String>,
}

impl<'a> Reader<'a> {
    /// Reads the value that begins with `next`, in which others may lie `depth` deep.
    fn value(
        &mut self,
        next: u8,
        lexer: &mut SliceLexer<'_>,
        depth: usize,
    ) -> Result<Value, Wrong> {
        Ok(match next {
            b'[' | b'{' if depth == 0 && self.rules.is_pruned => self.skip(lexer)?,
            b'"' => Value::String(self.text(lexer.discarded())?),
            b'-' | b'0'..=b'9' => {
                let (written, _) = lexer.num_bytes().validated().map_err(|_| Wrong)?;
                let written = core::str::from_utf8(written).unwrap_or_default();
                Value::Number(Number::read(written))
            }
            b'[' => {
                let depth = depth.checked_sub(1).ok_or(Wrong)?;
                let mut list = Vec::new();
                lexer
                    .discarded()
                    .seq(b']', SliceLexer::ws_peek, |next, lexer| {
                        list.push(self.value(next, lexer, depth)?);
                        Ok::<_, Wrong>(())
                    })?;
                Value::Array(list)
            }
            b'{' => {
                let depth = depth.checked_sub(1).ok_or(Wrong)?;
                let mut map = Map::new();
                lexer
                    .discarded()
                    .seq(b'}', SliceLexer::ws_peek, |next, lexer| {
                        self.field(next, lexer, depth, &mut map)
                    })?;
                Value::Object(map)
            }
            b'a'..=b'z' => match lexer.null_or_bool().ok_or(Wrong)? {
                Some(flag) => Value::Bool(flag),
                None => Value::Null,
            },
            _ => return Err(Wrong),
        })
    }

    /// Passes over a list or an object, whose first bracket comes next. Only strings are read: brackets may stand in them.
    fn skip(&mut self, lexer: &mut SliceLexer<'_>) -> Result<Value, Wrong> {
        let mut open = 0_usize;
        loop {
            match lexer.take_next().ok_or(Wrong)? {
                b'"' => {
                    self.text(lexer)?;
                }
                b'[' | b'{' => open = open.saturating_add(1),
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open == 0 {
                return Ok(Value::Null);
            }
        }
    }

    fn field(
        &mut self,
        next: u8,
        lexer: &mut SliceLexer<'_>,
        depth: usize,
        map: &mut Map,
    ) -> Result<(), Wrong> {
        lexer.expect(|_| Some(next), b'"').ok_or(Wrong)?;
        let name = self.text(lexer)?;
        lexer.expect(SliceLexer::ws_peek, b':').ok_or(Wrong)?;
        if self.rules.is_unique && map.contains_key(&name) {
            self.twice = Some(name);
            return Err(Wrong);
        }
        let next = lexer.ws_peek().ok_or(Wrong)?;
        let value = self.value(next, lexer, depth)?;
        map.insert(name, value);
        Ok(())
    }

    /// Reads a text, whose first quotation mark has been read.
    fn text(&mut self, lexer: &mut SliceLexer<'_>) -> Result<String, Wrong> {
        self.unescaped.clear();
        loop {
            let plain = self.plain(lexer);
            match lexer.take_next() {
                Some(b'"') if self.unescaped.is_empty() => return Ok(plain.to_owned()),
                Some(b'"') => return Ok(self.unescaped.clone() + plain),
                Some(b'\\') => {
                    self.unescaped.push_str(plain);
                    let kind = lexer.take_next().ok_or(Wrong)?;
                    self.unescaped.push(lexer.escape(kind).map_err(|_| Wrong)?);
                }
                _ => return Err(Wrong),
            }
        }
    }

    /// What stands before the next quotation mark, backslash or control character.
    fn plain(&self, lexer: &mut SliceLexer<'_>) -> &'a str {
        let bytes = lexer.as_slice();
        let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        let length = bytes.iter().position(is_special).unwrap_or(bytes.len());
        let start = self.whole.len().saturating_sub(bytes.len());
        *lexer = SliceLexer::new(bytes.get(length..).unwrap_or_default());
        self.whole
            .get(start..start.saturating_add(length))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_lies_too_deep_is_refused_or_left_out() {
        let nested =
            |depth, inner: &str| format!("{}{inner}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(
            parse(&nested(DEPTH, "1")),
            parse_pruned(&nested(DEPTH, "1"))
        );
        for (depth, inner) in [
            (DEPTH + 1, "1"),
            (100_000, ""),
            (DEPTH, r#"{"]":"\\\"}]","a":[{}]}"#),
        ] {
            let whole = format!(r#"{{"deep":{},"after":1}}"#, nested(depth - 1, inner));
            assert!(parse(&whole).is_err(), "{depth}");
            let read = parse_pruned(&whole).unwrap().to_json();
            let expected = format!(r#"{{"deep":{},"after":1}}"#, nested(DEPTH - 1, "null"));
            let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(same(&read), same(&expected), "{depth}");
        }
        for text in ["[".repeat(200), nested(200, "\""), nested(200, "") + "]"] {
            assert!(parse_pruned(&text).is_err());
        }
    }

    /// Holds a reading against that of `serde_json`.
    #[track_caller]
    fn agrees(text: &str) {
        let expected = serde_json::from_str::<serde_json::Value>(text).ok();
        let read = parse(text).ok();
        let again = read.map(|value| serde_json::from_str(&value.to_json()).unwrap());
        assert_eq!(again, expected, "{text}");
    }

    #[test]
    fn what_is_json_and_what_is_not() {
        for text in [
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1.5",
            "-0.5e-7",
            "1E+2",
            "[]",
            "{}",
            " [ 1 , 2 ] ",
            r#"{"a":{"b":[null,"c"]},"a":1}"#,
            r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é""#,
            "",
            "nul",
            "nulls",
            "01",
            "-",
            "+1",
            "1.",
            ".5",
            "1e",
            "[1,]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "[",
            "]",
            "1 1",
            "\"",
            r#""\x""#,
            r#""\u00g0""#,
            r#""\ud83d""#,
            r#""\ude00""#,
            r#""\ud83d\u0041""#,
            "\"\t\"",
            "\"\u{7f}\"",
            "\u{feff}1",
            "\u{a0}1",
            "\r\n\t 1",
            "NaN",
            "Infinity",
            "'a'",
            "/**/1",
        ] {
            agrees(text);
        }
        for depth in [126, 127, 128, 100_000] {
            agrees(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
            agrees(&format!(
                "{}1{}",
                r#"{"a":"#.repeat(depth),
                "}".repeat(depth)
            ));
        }
    }

    #[test]
    fn a_field_twice_is_told_with_its_place() {
        let fault = |text| parse_unique(text).unwrap_err().to_string();
        assert_eq!(
            fault("[{\"a\": 1,\n  \"b\": {\"c\": 1, \"c\": 2}}]"),
            "field `c` stands twice at line 2, column 21"
        );
        assert_eq!(
            fault("[\n1,]"),
            "what JSON does not allow at line 2, column 3"
        );
        assert!(parse_unique(r#"[{"a":1,"b":{"a":1}},{"a":1}]"#).is_ok());
    }

    #[test]
    fn a_number_keeps_its_digits() {
        let number = |text| match parse(text) {
            Ok(Value::Number(number)) => number,
            other => panic!("{other:?}"),
        };
        assert_eq!(number("18446744073709551615").as_u64(), Some(u64::MAX));
        assert_eq!(number("18446744073709551616").as_u64(), None);
        assert_eq!(number("18446744073709551615").as_i64(), None);
        assert_eq!(number("-2").as_i64(), Some(-2));
        for text in ["-2", "1.0", "1e3"] {
            assert_eq!(number(text).as_u64(), None, "{text}");
        }
        assert_eq!(parse("0.1e-400").unwrap().to_json(), "0.1e-400");
    }

    proptest! {
        #[test]
        fn every_text_is_read_as_by_others(
            text in r#"([\[\]{}:, \n]|"a"|"b\\n"|"\\u00e[9g]"|"\\ud83d\\ude00"|-?[0-9]{1,2}|\.5|e-?1|null|true|"|\\){0,16}"#,
        ) {
            agrees(&text);
        }
    }
}
