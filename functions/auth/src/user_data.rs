//! What an application may have Supabase keep of a person: any JSON that it, and Postgres behind it,
//! can read. What they cannot read is an error of theirs, and would look like an outage.

use authflow_shared::json::{Map, Number, Value};

/// The most bytes of it, as JSON. They are part of every access token, and so of every session.
pub(crate) const LONGEST: usize = 4 * 1024;
/// The digits before the point of a number that Supabase reads; its exponent counts as so many more.
const MOST_DIGITS: usize = 300;

/// The bytes of `object` as JSON.
pub(crate) fn size(object: &Map) -> usize {
    Value::from(object.clone()).to_json().len()
}

/// Whether Supabase takes `object`.
pub(crate) fn can_be_kept(object: &Map) -> bool {
    let mut fields = object.iter();
    fields.all(|(name, value)| is_text(name) && value_can_be_kept(value))
}

fn value_can_be_kept(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(Number::Whole(_)) => true,
        Value::Number(Number::Other(written)) => is_finite(written),
        Value::String(text) => is_text(text),
        Value::Array(list) => list.iter().all(value_can_be_kept),
        Value::Object(object) => can_be_kept(object),
    }
}

/// Postgres has no NUL in its texts.
fn is_text(text: &str) -> bool {
    !text.contains('\0')
}

/// Whether a number as JSON has it is finite in 64 bits.
fn is_finite(written: &str) -> bool {
    let (number, exponent) = written.split_once(['e', 'E']).unwrap_or((written, ""));
    let whole = number.split('.').next().unwrap_or_default();
    let exponent = match exponent.strip_prefix('-') {
        Some(_) => 0,
        None if exponent.is_empty() => 0,
        None => exponent.parse().unwrap_or(MOST_DIGITS),
    };
    whole.len().saturating_add(exponent) <= MOST_DIGITS
}

#[cfg(test)]
mod tests {
    use authflow_shared::json;

    use super::*;

    #[track_caller]
    fn test(text: &str, expected: bool) {
        let Ok(Value::Object(object)) = json::parse(text) else {
            panic!("{text} is no object");
        };
        assert_eq!(can_be_kept(&object), expected, "{text}");
    }

    #[test]
    fn what_supabase_can_read_is_kept() {
        test("{}", true);
        test(
            r#"{"a":["\\u0000",-1.5e3,{"b":1e-999,"c":1E+299}],"d":null}"#,
            true,
        );
        test(&format!(r#"{{"a":{}}}"#, "9".repeat(300)), true);
    }

    #[test]
    fn texts_with_nul_are_refused_wherever_they_are() {
        test(r#"{"a":"\u0000"}"#, false);
        test(r#"{"\u0000":1}"#, false);
        test(r#"{"a":[{"b":"x\u0000"}]}"#, false);
    }

    #[test]
    fn numbers_that_may_be_infinite_are_refused() {
        test(r#"{"a":[1e300]}"#, false);
        test(r#"{"a":-1E+99999999999999999999}"#, false);
        test(&format!(r#"{{"a":{}}}"#, "9".repeat(301)), false);
    }
}
