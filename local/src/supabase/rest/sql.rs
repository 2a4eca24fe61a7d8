//! A statement as it is put together, its values apart.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

/// The text of a statement and the values of `$1` and so on.
#[derive(Debug, Default)]
pub(super) struct Sql {
    text: String,
    values: Vec<String>,
}

impl Sql {
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// A name that stands alone.
    pub(super) fn name(&mut self, name: &str) {
        self.push(&quoted(name));
    }

    /// The name of a table or a function.
    pub(super) fn public(&mut self, name: &str) {
        self.push(&format!("public.{}", quoted(name)));
    }

    pub(super) fn column(&mut self, table: &str, name: &str) {
        self.push(&format!("public.{}.{}", quoted(table), quoted(name)));
    }

    /// A value, which PostgreSQL reads as whatever type stands there.
    pub(super) fn value(&mut self, value: String) {
        self.values.push(value);
        self.push(&format!("${}", self.values.len()));
    }

    /// What `write` writes for each item, with `between` between them.
    pub(super) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        between: &str,
        mut write: impl FnMut(&mut Self, T),
    ) {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.push(between);
            }
            write(self, item);
        }
    }

    pub(super) fn parts(&self) -> (&str, &[String]) {
        (&self.text, &self.values)
    }
}

/// A name in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A value that is sent as text, whatever its type.
#[derive(Debug)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl ToSql for Text<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}
