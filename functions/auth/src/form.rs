//! `application/x-www-form-urlencoded` (WHATWG URL, section 5): queries, and what forms send.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The fields of `text` in order; `None` if it is not UTF-8 once it is decoded.
pub(crate) fn parse(text: &str) -> Option<Vec<(String, String)>> {
    let fields = text.split('&').filter(|field| !field.is_empty());
    fields
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

/// The value of the field `name` of `query`, if it is there once and can be read.
pub(crate) fn field(query: &str, name: &str) -> Option<String> {
    let mut values = parse(query)?
        .into_iter()
        .filter(|(known, _)| known == name)
        .map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// `value` as it stands in a query.
pub(crate) fn encode(value: &str) -> String {
    utf8_percent_encode(value, PLAIN).to_string()
}

fn decode(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let text = percent_decode_str(&text).decode_utf8().ok()?;
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn parses(text: &str, expected: &[(&str, &str)]) {
        let fields = parse(text).unwrap();
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(fields, expected, "{text}");
    }

    #[test]
    fn reads_what_browsers_send() {
        parses("", &[]);
        parses("a=1&b=2", &[("a", "1"), ("b", "2")]);
        parses(
            "email=ada%2Bx%40example.test&p=a+b%20c",
            &[("email", "ada+x@example.test"), ("p", "a b c")],
        );
        parses("&a&=b&a==&", &[("a", ""), ("", "b"), ("a", "=")]);
        parses("p=100%&q=%zz", &[("p", "100%"), ("q", "%zz")]);
        parses("n=%C3%A9", &[("n", "é")]);
    }

    #[test]
    fn what_is_not_utf_8_is_no_form() {
        assert_eq!(parse("a=%ff"), None);
        assert_eq!(field("a=%ff&next=/", "next"), None);
    }

    #[test]
    fn a_field_given_twice_is_not_read() {
        assert_eq!(field("next=/a&x=1", "next").as_deref(), Some("/a"));
        assert_eq!(field("next=/a&next=/b", "next"), None);
        assert_eq!(field("x=1", "next"), None);
    }

    proptest! {
        #[test]
        fn every_text_survives_the_way(name in ".{0,8}", value in ".{0,40}") {
            let text = format!("{}={}", encode(&name), encode(&value));
            prop_assert_eq!(parse(&text), Some(vec![(name, value)]));
        }

        #[test]
        fn no_text_is_too_odd(text in "[a-c=&%+0-9fF\u{e9}]{0,30}") {
            let _ = parse(&text);
        }
    }
}
