//! JSON as we write it ourselves, read without a parser.
//!
//! Every request of the gateway reads a session. A whole parser builds a tree for it and takes that
//! apart again; whoever knows the fields, their order and that nothing is escaped need only
//! compare. Whatever differs in one byte is not read here, and is left to the parser
//! (`super::parse`).

use super::is_plain;

/// The rest of a text that is yet to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'a> {
    rest: &'a str,
    /// Whether the next field is the first of its object, before which there is no comma.
    is_first: bool,
}

impl<'a> Scan<'a> {
    /// From the start of an object.
    pub(crate) fn object(json: &'a str) -> Option<Self> {
        let scan = Self {
            rest: json,
            is_first: false,
        };
        scan.opened()
    }

    /// Reads the field `name`, a text without escapes.
    pub(crate) fn text(&mut self, name: &str) -> Option<&'a str> {
        let value = self.after_name(name)?.strip_prefix('"')?;
        let (text, rest) = value.split_once('"')?;
        if !is_plain(text) {
            return None;
        }
        self.go_on(rest);
        Some(text)
    }

    /// Reads the field `name`, if that is the next one and a text.
    pub(crate) fn maybe_text(&mut self, name: &str) -> Option<&'a str> {
        let mut ahead = *self;
        let text = ahead.text(name);
        if text.is_some() {
            *self = ahead;
        }
        text
    }

    /// Reads the field `name`, a whole number not below zero.
    pub(crate) fn number(&mut self, name: &str) -> Option<u64> {
        let value = self.after_name(name)?;
        let end = value.find(|c: char| !c.is_ascii_digit())?;
        let (digits, rest) = value.split_at_checked(end)?;
        // JSON has no zeros in front.
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        let number = digits.parse().ok()?;
        self.go_on(rest);
        Some(number)
    }

    /// Reads the field `name`, if that is the next one and such a number.
    pub(crate) fn maybe_number(&mut self, name: &str) -> Option<u64> {
        let mut ahead = *self;
        let number = ahead.number(name);
        if number.is_some() {
            *self = ahead;
        }
        number
    }

    /// Enters the object `name`.
    pub(crate) fn enter(&mut self, name: &str) -> Option<()> {
        self.rest = self.after_name(name)?;
        *self = self.opened()?;
        Some(())
    }

    /// Leaves an object.
    pub(crate) fn leave(&mut self) -> Option<()> {
        let rest = self.rest.strip_prefix('}')?;
        self.go_on(rest);
        Some(())
    }

    /// Whether all has been read.
    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    fn opened(self) -> Option<Self> {
        Some(Self {
            rest: self.rest.strip_prefix('{')?,
            is_first: true,
        })
    }

    fn after_name(&self, name: &str) -> Option<&'a str> {
        let rest = if self.is_first {
            self.rest
        } else {
            self.rest.strip_prefix(',')?
        };
        rest.strip_prefix('"')?
            .strip_prefix(name)?
            .strip_prefix("\":")
    }

    fn go_on(&mut self, rest: &'a str) {
        self.rest = rest;
        self.is_first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<(&str, u64, Option<&str>, &str)> {
        let mut scan = Scan::object(json)?;
        let read = (scan.text("a")?, scan.number("n")?, scan.maybe_text("b"));
        scan.enter("o")?;
        let inner = scan.text("c")?;
        scan.leave()?;
        scan.leave()?;
        scan.is_done().then_some((read.0, read.1, read.2, inner))
    }

    #[test]
    fn reads_what_is_spelled_as_expected() {
        let with_b = r#"{"a":"x","n":10,"b":"","o":{"c":"é"}}"#;
        assert_eq!(read(with_b), Some(("x", 10, Some(""), "é")));
        let without = r#"{"a":"","n":0,"o":{"c":""}}"#;
        assert_eq!(read(without), Some(("", 0, None, "")));
    }

    #[test]
    fn whatever_differs_is_left_to_the_parser() {
        for json in [
            "",
            "{",
            r#"{"a":"x","n":1,"o":{"c":"y"}}x"#,
            r#"{"a":"x","n":1,"o":{"c":"y"}"#,
            r#"{"a":"x","n":1,"o":{,"c":"y"}}"#,
            r#"{"a":"x""n":1,"o":{"c":"y"}}"#,
            r#"{,"a":"x","n":1,"o":{"c":"y"}}"#,
            r#"{"a": "x","n":1,"o":{"c":"y"}}"#,
            r#"{"a":"\n","n":1,"o":{"c":"y"}}"#,
            "{\"a\":\"\n\",\"n\":1,\"o\":{\"c\":\"y\"}}",
            r#"{"a":"x","n":01,"o":{"c":"y"}}"#,
            r#"{"a":"x","n":1.5,"o":{"c":"y"}}"#,
            r#"{"a":"x","n":-1,"o":{"c":"y"}}"#,
            r#"{"a":"x","n":"1","o":{"c":"y"}}"#,
            r#"{"a":"x","n":99999999999999999999,"o":{"c":"y"}}"#,
            r#"{"n":1,"a":"x","o":{"c":"y"}}"#,
            r#"{"a":1,"n":1,"o":{"c":"y"}}"#,
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
