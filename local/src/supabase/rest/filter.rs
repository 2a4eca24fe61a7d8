//! Filters, columns and orders in a query, as PostgREST spells them.

use super::{answer::Problem, sql::Sql};
use crate::supabase::call::Call;

/// One condition.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter {
    column: String,
    negated: bool,
    test: Test,
}

#[derive(Debug, PartialEq, Eq)]
enum Test {
    /// An operator of SQL, and the value after it.
    Compare(&'static str, String),
    /// What may come after `is`.
    Is(&'static str),
    In(Vec<String>),
}

/// A column to sort by.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    column: String,
    descending: bool,
    nulls: Option<&'static str>,
}

impl Filter {
    pub(super) fn read(column: &str, condition: &str) -> Result<Self, Problem> {
        let unreadable = || Problem::unreadable(&format!("filter ({column}={condition})"));
        let (negated, rest) = match condition.strip_prefix("not.") {
            Some(rest) => (true, rest),
            None => (false, condition),
        };
        let (operator, value) = rest.split_once('.').ok_or_else(unreadable)?;
        let compare = |operator| Test::Compare(operator, value.to_owned());
        let like = |operator| Test::Compare(operator, value.replace('*', "%"));
        let test = match operator {
            "eq" => compare("="),
            "neq" => compare("<>"),
            "gt" => compare(">"),
            "gte" => compare(">="),
            "lt" => compare("<"),
            "lte" => compare("<="),
            "like" => like("like"),
            "ilike" => like("ilike"),
            "is" => Test::Is(match value {
                "null" => "null",
                "not_null" => "not null",
                "true" => "true",
                "false" => "false",
                "unknown" => "unknown",
                _ => return Err(unreadable()),
            }),
            "in" => Test::In(list(value).ok_or_else(unreadable)?),
            _ => return Err(unreadable()),
        };
        Ok(Self {
            column: name(column)?,
            negated,
            test,
        })
    }

    /// Writes the condition on a column of `table`.
    pub(super) fn write(&self, sql: &mut Sql, table: &str) {
        sql.push(if self.negated { "not (" } else { "(" });
        sql.column(table, &self.column);
        match &self.test {
            Test::Compare(operator, value) => {
                sql.push(&format!(" {operator} "));
                sql.value(value.clone());
            }
            Test::Is(what) => sql.push(&format!(" is {what}")),
            Test::In(values) => {
                sql.push(" = any(");
                sql.value(array(values));
                sql.push(")");
            }
        }
        sql.push(")");
    }
}

impl Order {
    pub(super) fn write(&self, sql: &mut Sql, table: &str) {
        sql.column(table, &self.column);
        sql.push(if self.descending { " desc" } else { "" });
        if let Some(nulls) = self.nulls {
            sql.push(nulls);
        }
    }
}

/// The columns that `select` names, with their aliases; `*` is all.
pub(super) fn select(text: &str) -> Result<Vec<(String, Option<String>)>, Problem> {
    text.split(',')
        .map(|item| match item.split_once(':') {
            _ if item == "*" => Ok((item.to_owned(), None)),
            Some((alias, column)) => Ok((name(column)?, Some(name(alias)?))),
            None => Ok((name(item)?, None)),
        })
        .collect()
}

pub(super) fn order(text: Option<&str>) -> Result<Vec<Order>, Problem> {
    let items = text.filter(|text| !text.is_empty()).into_iter();
    items
        .flat_map(|text| text.split(','))
        .map(|item| {
            let mut words = item.split('.');
            let mut order = Order {
                column: name(words.next().unwrap_or_default())?,
                descending: false,
                nulls: None,
            };
            for word in words {
                match word {
                    "asc" => order.descending = false,
                    "desc" => order.descending = true,
                    "nullsfirst" => order.nulls = Some(" nulls first"),
                    "nullslast" => order.nulls = Some(" nulls last"),
                    _ => return Err(Problem::unreadable(&format!("order ({item})"))),
                }
            }
            Ok(order)
        })
        .collect()
}

/// A list of columns; none for an empty text.
pub(super) fn names(text: &str) -> Result<Vec<String>, Problem> {
    let items = text.split(',').filter(|item| !item.is_empty());
    items.map(name).collect()
}

/// A whole number in the query.
pub(super) fn number(call: &Call, field: &str) -> Result<Option<u64>, Problem> {
    let number = call.query(field).map(str::parse).transpose();
    number.map_err(|_| Problem::unreadable(field))
}

/// A column's plain name: paths into JSON, casts and embedded tables are not known.
fn name(text: &str) -> Result<String, Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if text.is_empty() || !text.bytes().all(plain) || ["and", "or", "not"].contains(&text) {
        return Err(Problem::unreadable(&format!("name ({text})")));
    }
    Ok(text.to_owned())
}

/// The values of `(a,b,"c,d")`.
fn list(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    let (mut values, mut value) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for character in inner.chars() {
        match character {
            _ if escaped => {
                value.push(character);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => values.push(std::mem::take(&mut value)),
            _ => value.push(character),
        }
    }
    if !inner.is_empty() {
        values.push(value);
    }
    (!quoted).then_some(values)
}

/// An array as PostgreSQL spells it.
fn array(values: &[String]) -> String {
    let quoted = values.iter().map(|value| {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    });
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(column: &str, condition: &str) -> (String, Vec<String>) {
        let mut sql = Sql::default();
        Filter::read(column, condition)
            .unwrap()
            .write(&mut sql, "t");
        let (text, values) = sql.parts();
        (text.to_owned(), values.to_vec())
    }

    #[test]
    fn a_value_never_becomes_part_of_the_statement() {
        assert_eq!(
            written("a", "eq.'; drop table b"),
            (
                r#"(public."t"."a" = $1)"#.to_owned(),
                vec!["'; drop table b".to_owned()]
            )
        );
        assert_eq!(
            written("a", r#"not.in.(1,"b,\"c")"#),
            (
                r#"not (public."t"."a" = any($1))"#.to_owned(),
                vec![r#"{"1","b,\"c"}"#.to_owned()]
            )
        );
        assert_eq!(
            written("a", "is.null"),
            (r#"(public."t"."a" is null)"#.to_owned(), vec![])
        );
        assert_eq!(written("a", "like.b*").1, ["b%"]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (column, text) in [
            ("a", "1"),
            ("a", "fts.b"),
            ("a", "is.1"),
            ("a", "in.1,2"),
            ("a->>b", "eq.1"),
            ("or", "(a.eq.1,b.eq.2)"),
            ("a\"", "eq.1"),
        ] {
            assert!(Filter::read(column, text).is_err(), "{column}={text}");
        }
        assert!(select("a,b(c)").is_err());
        assert!(order(Some("a.up")).is_err());
    }
}
