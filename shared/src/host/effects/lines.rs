//! Text as lines, one behind the other.

use core::fmt::Write;

/// What a verified request's longest message takes.
const USUAL_BYTES: usize = 2048;

/// A message in the making.
///
/// A text that holds a line break would shift all that follows it, and so decide where a request
/// goes or what an origin is told. Nothing that comes here can hold one; if something does all the
/// same, there is no message.
#[derive(Debug)]
pub struct Lines {
    text: String,
    is_sound: bool,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self {
            text: String::with_capacity(USUAL_BYTES),
            is_sound: true,
        }
    }

    /// Adds a line.
    pub fn line(&mut self, line: &str) {
        self.is_sound &= !line.as_bytes().contains(&b'\n');
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Adds a number; an empty line where there is none.
    pub fn number(&mut self, number: impl Into<Option<u64>>) {
        if let Some(number) = number.into() {
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{number}");
        }
        self.text.push('\n');
    }

    /// Adds how many lines there are, and each of them.
    pub fn list<'a>(&mut self, lines: impl IntoIterator<Item = &'a str, IntoIter: Clone>) {
        let lines = lines.into_iter();
        self.number(lines.clone().count() as u64);
        lines.for_each(|line| self.line(line));
    }

    /// Adds how many headers there are, then a line for each name and one for each value.
    pub fn headers<'a>(
        &mut self,
        headers: impl IntoIterator<Item = (&'static str, &'a str), IntoIter: Clone>,
    ) {
        let headers = headers.into_iter();
        self.number(headers.clone().count() as u64);
        for (name, value) in headers {
            self.line(name);
            self.line(value);
        }
    }

    /// Adds how many lines `part` has, and all of them.
    pub(super) fn part(&mut self, part: &Self) {
        self.is_sound &= part.is_sound;
        self.number(part.text.bytes().filter(|byte| *byte == b'\n').count() as u64);
        self.text.push_str(&part.text);
    }

    /// The message; `None` if a line was more than one.
    pub fn finish(self) -> Option<String> {
        self.is_sound.then_some(self.text)
    }

    /// The message, with `text` as the rest of it, whatever that holds.
    pub fn finish_with(mut self, text: &str) -> Option<String> {
        self.text.push_str(text);
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_one_line() {
        let mut part = Lines::new();
        part.list(["x", ""]);
        let mut lines = Lines::new();
        lines.line("a b");
        lines.number(7);
        lines.number(None);
        lines.headers([("name", "value")]);
        lines.part(&part);
        let expected = "a b\n7\n\n1\nname\nvalue\n3\n2\nx\n\nrest\nof it";
        assert_eq!(lines.finish_with("rest\nof it").as_deref(), Some(expected));
    }

    #[test]
    fn a_text_that_would_be_two_lines_is_no_message() {
        let mut part = Lines::new();
        part.line("a\nb");
        let mut whole = Lines::new();
        whole.part(&part);
        assert_eq!(whole.finish(), None);
        assert_eq!(part.finish(), None);
        let mut header = Lines::new();
        header.headers([("name", "\nvalue")]);
        assert_eq!(header.finish_with(""), None);
    }
}
