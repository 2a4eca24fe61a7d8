//! Files of variables, as in `.dev.vars`: the form that wrangler reads by `dotenv`.
//!
//! `NAME=value`, with or without `export`; a value in quotes may go over several lines, and in
//! double quotes `\n` is a line break; without quotes, it ends at `#`. Where `dotenv` passes over a
//! line in silence, this is an error: it could be a secret that is never set.

use authflow_shared::config::Variables;

/// The variables of a file.
///
/// # Errors
/// The first line that cannot be read, without what it holds.
pub(crate) fn parse(text: &str) -> Result<Variables, String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut variables = Variables::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(variables);
        }
        if rest.starts_with('#') {
            (_, rest) = line(rest);
            continue;
        }
        let number = line_number(text, rest);
        let (name, after) = name(rest)
            .ok_or_else(|| format!("line {number} is no NAME=value; write each variable so"))?;
        let value;
        (value, rest) = self::value(after).ok_or_else(|| {
            format!(
                "the value of {name}, line {number}, does not end where its quotes do; mend them"
            )
        })?;
        variables.insert(name.to_owned(), value);
    }
}

/// The name, and what follows the `=`.
fn name(text: &str) -> Option<(&str, &str)> {
    let (line, _) = line(text);
    let before = line.split('=').next()?;
    let after = text.get(before.len()..)?.strip_prefix('=')?;
    let name = before.trim();
    let name = name.strip_prefix("export ").unwrap_or(name).trim();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (!name.is_empty() && name.bytes().all(is_name)).then_some((name, after))
}

/// The value, and the lines after it.
fn value(text: &str) -> Option<(String, &str)> {
    let start = text.trim_start_matches([' ', '\t']);
    let Some(quote) = start.chars().next().filter(|c| "'\"`".contains(*c)) else {
        let (line, rest) = line(text);
        let value = line.split('#').next().unwrap_or_default();
        return Some((value.trim().to_owned(), rest));
    };
    let (value, after) = start.strip_prefix(quote)?.split_once(quote)?;
    let (after, rest) = line(after);
    let after = after.trim();
    if !after.is_empty() && !after.starts_with('#') {
        return None;
    }
    let value = if quote == '"' {
        value.replace("\\n", "\n").replace("\\r", "\r")
    } else {
        value.to_owned()
    };
    Some((value, rest))
}

fn line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// The number of the line with which `rest`, the end of `text`, begins.
fn line_number(text: &str, rest: &str) -> usize {
    let before = text.len().saturating_sub(rest.len());
    text.bytes()
        .take(before)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, expected: &[(&str, &str)]) {
        let read = parse(text).unwrap();
        let read: Vec<_> = read.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn reads_what_dotenv_reads() {
        reads("", &[]);
        reads("# none\n\n  # none\n", &[]);
        reads("A=1\r\nB=two words \n", &[("A", "1"), ("B", "two words")]);
        reads("export A = 1 # a remark", &[("A", "1")]);
        reads("A=\nB=a=b==", &[("A", ""), ("B", "a=b==")]);
        reads(
            "A='x # y' # z\nB=\"x\\ny\"\nC=`'\"`",
            &[("A", "x # y"), ("B", "x\ny"), ("C", "'\"")],
        );
        reads("A=1\nA=2", &[("A", "2")]);
        reads("\u{feff}A=1", &[("A", "1")]);
    }

    #[test]
    fn a_value_in_quotes_may_go_over_lines() {
        reads(
            "ROUTES='[\n  {\"a\": 1}\n]'\nB=1",
            &[("B", "1"), ("ROUTES", "[\n  {\"a\": 1}\n]")],
        );
    }

    #[test]
    fn says_which_line_it_cannot_read_and_shows_no_value() {
        for (text, expected) in [
            ("A=1\nhunter2\n", "line 2 "),
            ("A=1\n\nB C=hunter2", "line 3 "),
            ("=hunter2", "line 1 "),
            ("# x\nA='hunter2", "A, line 2,"),
            ("A='hunter2'x", "A, line 1,"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
