//! Reading variables, and collecting what is wrong with them.

use core::{fmt, ops::RangeInclusive};

use crate::{
    json::{Object, Value},
    redirect::{Origin, split_origin},
    secret::Secret,
    sorted::Sorted,
};

/// Fewest characters of a secret: 32 of base64 hold 192 bits.
const SECRET_LENGTH: usize = 32;

/// A worker's variables and secrets by name.
pub type Variables = Sorted<String>;

/// The variables in a JSON object of texts, as a driver gives them.
pub fn parse_variables(json: &str) -> Variables {
    let mut variables = Variables::new();
    for (name, value) in Object::parse(json).unwrap_or_default().into_map() {
        if let Value::String(text) = value {
            variables.insert(name, text);
        }
    }
    variables
}

/// One thing that is wrong, and how to mend it. Never holds a value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The variable.
    pub name: &'static str,
    /// What is wrong and what to do.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.problem)
    }
}

/// Reads variables one by one and remembers every fault.
///
/// Each method returns `None` after it recorded a fault, or a default that makes no difference
/// then, because [`Reader::finish`] returns the faults.
#[derive(Debug)]
pub struct Reader<'a> {
    variables: &'a Variables,
    faults: Vec<Fault>,
}

/// Whether `text` is one word of printable ASCII.
pub fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `text` as a fault shows it: without what stands before an `@` or from a `?` on, which may be secret.
pub fn shown(text: &str) -> String {
    let text = text.split('?').next().unwrap_or_default();
    match text.rsplit_once('@') {
        Some((_, rest)) => ["…@", rest].concat(),
        None => text.to_owned(),
    }
}

impl<'a> Reader<'a> {
    /// Reads from `variables`.
    pub fn new(variables: &'a Variables) -> Self {
        Self {
            variables,
            faults: Vec::new(),
        }
    }

    /// Records that something is wrong with `name`.
    pub fn fault(&mut self, name: &'static str, problem: impl Into<String>) {
        self.faults.push(Fault {
            name,
            problem: problem.into(),
        });
    }

    /// The text of `name`; an empty one counts as none.
    pub fn optional(&self, name: &str) -> Option<&'a str> {
        self.variables
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// The text of `name`, which must be set.
    pub fn required(&mut self, name: &'static str) -> Option<&'a str> {
        let value = self.optional(name);
        if value.is_none() {
            self.fault(
                name,
                "is not set; add it as a variable, or as a secret if it is one",
            );
        }
        value
    }

    /// A whole number within `range`.
    pub fn number(&mut self, name: &'static str, default: u64, range: RangeInclusive<u64>) -> u64 {
        let Some(text) = self.optional(name) else {
            return default;
        };
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let (low, high) = (range.start(), range.end());
                self.fault(name, format!("must be a whole number from {low} to {high}"));
                default
            }
        }
    }

    /// Comma-separated items; an empty one is a fault, because it may mean "anything" to somebody.
    pub fn list(&mut self, name: &'static str) -> Vec<&'a str> {
        let items: Vec<_> = self
            .optional(name)
            .map_or_else(Vec::new, |text| text.split(',').collect());
        let items: Vec<_> = items.into_iter().map(str::trim).collect();
        if items.contains(&"") {
            self.fault(name, "has an empty item; remove the extra comma");
        }
        items
    }

    /// A secret as it was given by somebody else, of any length.
    pub fn token(&mut self, name: &'static str) -> Option<Secret> {
        self.required(name)?;
        self.word(name).map(Secret::new)
    }

    /// A text without spaces, such as a name; a line break in it would end a header or a message.
    pub fn word(&mut self, name: &'static str) -> Option<&'a str> {
        let word = self.optional(name)?;
        if is_word(word) {
            return Some(word);
        }
        self.fault(
            name,
            "holds a space, a line break or what is not ASCII; paste it again",
        );
        None
    }

    /// Secrets that the operator made, separated by commas. There is at least one.
    pub fn secrets(&mut self, name: &'static str) -> Option<(Secret, Vec<Secret>)> {
        self.required(name)?;
        let items = self.list(name);
        if items.iter().any(|item| item.len() < SECRET_LENGTH) {
            self.fault(
                name,
                format!(
                    "has a secret of fewer than {SECRET_LENGTH} characters; make one with \
                     `openssl rand -base64 48`"
                ),
            );
            return None;
        }
        let mut secrets = items.into_iter().map(Secret::new);
        Some((secrets.next()?, secrets.collect()))
    }

    /// An origin: `https://host` or `https://host:port`.
    pub fn origin(&mut self, name: &'static str) -> Option<Origin> {
        let origin = Origin::parse(self.required(name)?);
        if origin.is_none() {
            self.fault(
                name,
                "must be an origin such as https://app.example.com, without a path",
            );
        }
        origin
    }

    /// An absolute http or https URL; a slash at its end is dropped.
    pub fn base_url(&mut self, name: &'static str) -> Option<String> {
        let text = self.required(name)?;
        let Some((origin, path)) = split_origin(text).filter(|(_, path)| is_plain_path(path))
        else {
            self.fault(
                name,
                "must be a URL such as https://example.com, without query or fragment",
            );
            return None;
        };
        Some(format!("{origin}{}", path.trim_end_matches('/')))
    }

    /// An absolute http or https URL as it is written, its query included; none if there is none.
    pub fn url(&mut self, name: &'static str) -> Option<&'a str> {
        let text = self.optional(name)?;
        let rest = split_origin(text).map(|(_, rest)| rest.replace('?', ""));
        if !rest.is_some_and(|rest| is_plain_path(&rest)) {
            self.fault(
                name,
                "must be a URL such as https://example.com/path, without a fragment",
            );
            return None;
        }
        Some(text)
    }

    /// The value, if nothing was wrong.
    ///
    /// # Errors
    /// Every fault.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Fault>> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(self.faults),
        }
    }
}

fn is_plain_path(path: &str) -> bool {
    path.bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"?#\\\"<>".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(pairs: &[(&str, &str)], read: impl FnOnce(&mut Reader<'_>)) -> Vec<String> {
        let variables = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut reader = Reader::new(&variables);
        read(&mut reader);
        let faults = reader.finish(Some(())).err().unwrap_or_default();
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let found = problems(&[("N", "x"), ("U", "ftp://a")], |reader| {
            reader.required("MISSING");
            reader.number("N", 1, 1..=9);
            reader.base_url("U");
        });
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("MISSING: is not set"));
        assert_eq!(found[1], "N: must be a whole number from 1 to 9");
    }

    #[test]
    fn an_empty_variable_is_a_missing_one() {
        assert_eq!(
            problems(&[("A", " ")], |reader| assert!(
                reader.required("A").is_none()
            ))
            .len(),
            1
        );
    }

    #[test]
    fn rejects_a_short_secret_without_showing_it() {
        let long = "x".repeat(32);
        let found = problems(&[("S", &format!("{long},hunter2"))], |reader| {
            assert!(reader.secrets("S").is_none());
        });
        assert_eq!(found.len(), 1);
        assert!(!found[0].contains("hunter2"));
        assert!(problems(&[("S", &long)], |reader| drop(reader.secrets("S"))).is_empty());
    }

    #[test]
    fn rejects_a_token_or_a_name_of_two_lines_without_showing_it() {
        for text in ["ab\ncd", "ab cd", "ab\u{e9}"] {
            let found = problems(&[("T", text), ("N", text)], |reader| {
                assert!(reader.token("T").is_none());
                assert!(reader.word("N").is_none());
            });
            assert_eq!(found.len(), 2, "{found:?}");
            assert!(found.iter().all(|fault| !fault.contains("ab")));
        }
        assert!(problems(&[("T", "ab+/=_-.")], |reader| drop(reader.token("T"))).is_empty());
        let none = problems(&[], |reader| assert!(reader.word("N").is_none()));
        assert!(none.is_empty());
    }

    #[test]
    fn rejects_an_empty_item_in_a_list() {
        assert_eq!(
            problems(&[("L", "a,,b")], |reader| drop(reader.list("L"))).len(),
            1
        );
    }

    #[test]
    fn a_base_url_keeps_its_path() {
        problems(&[("U", "https://A.test/redis/")], |reader| {
            assert_eq!(
                reader.base_url("U").as_deref(),
                Some("https://a.test/redis")
            );
        });
        for url in [
            "https://a.test?x",
            "https://a.test/#x",
            "a.test",
            "https://u:p@a.test",
        ] {
            assert_eq!(
                problems(&[("U", url)], |reader| drop(reader.base_url("U"))).len(),
                1
            );
        }
    }

    #[test]
    fn a_url_stays_as_it_is_written() {
        for url in [
            "https://A.test",
            "http://a.test:81/x/",
            "https://a.test/?k=a%20b&x=?",
        ] {
            let found = problems(&[("U", url)], |reader| {
                assert_eq!(reader.url("U"), Some(url));
            });
            assert!(found.is_empty(), "{found:?}");
        }
        let none = problems(&[], |reader| assert_eq!(reader.url("U"), None));
        assert!(none.is_empty());
        for url in [
            "a.test",
            "ftp://a.test",
            "https://u:p@a.test",
            "https://a.test/#x",
            "https://a.test/a b",
        ] {
            let found = problems(&[("U", url)], |reader| assert_eq!(reader.url("U"), None));
            assert_eq!(found.len(), 1, "{url}");
        }
    }
}
