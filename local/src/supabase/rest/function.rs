//! Calls of functions, by the names and declared types of their arguments.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::{
    answer::Problem,
    sql::{Sql, quoted},
};

/// All that is asked of the catalogue about the functions of a name.
pub(super) const LOOK_UP: &str = "select coalesce(p.proargnames, '{}') as names, \
    array(select format_type(t, null) from unnest(p.proargtypes) with ordinality as a(t, n) order by n) as types, \
    p.pronargdefaults::int4 as defaults, p.proretset as is_set, \
    p.prorettype = 'void'::regtype as is_void, p.provolatile <> 'v' as reads_only \
    from pg_catalog.pg_proc as p \
    where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' and p.proname = $1";

/// A function as it is declared.
#[derive(Debug, Clone)]
pub(super) struct Function {
    /// The names of its arguments, each with its type; those with a default are last.
    pub(super) arguments: Vec<(String, String)>,
    pub(super) defaults: usize,
    pub(super) is_set: bool,
    pub(super) is_void: bool,
    /// Whether it is declared to change nothing: then it may not.
    pub(super) reads_only: bool,
}

impl Function {
    fn takes(&self, given: &Map<String, Value>) -> bool {
        let required = self.arguments.len().saturating_sub(self.defaults);
        let is_declared = |name: &String| self.arguments.iter().any(|(known, _)| known == name);
        given.keys().all(is_declared)
            && self
                .arguments
                .iter()
                .take(required)
                .all(|(name, _)| given.contains_key(name))
    }

    /// The call: one row with its result as JSON.
    pub(super) fn call(&self, name: &str, given: &Map<String, Value>) -> Sql {
        let mut sql = Sql::default();
        sql.push(match (self.is_void, self.is_set) {
            (true, _) => "select f::text from ",
            (false, true) => "select coalesce(json_agg(f), '[]')::text from ",
            (false, false) => "select coalesce(to_json(f), 'null')::text from ",
        });
        let arguments = || {
            self.arguments
                .iter()
                .filter(|(name, _)| given.contains_key(name))
        };
        if !given.is_empty() {
            sql.push("json_to_record(");
            sql.value(Value::Object(given.clone()).to_string());
            sql.push("::json) as a(");
            sql.list(arguments(), ", ", |sql, (name, kind)| {
                sql.push(&format!("{} {kind}", quoted(name)));
            });
            sql.push("), lateral ");
        }
        sql.public(name);
        sql.push("(");
        sql.list(arguments(), ", ", |sql, (name, _)| {
            sql.push(&format!("{0} := a.{0}", quoted(name)));
        });
        sql.push(") as f");
        sql
    }
}

/// The one of `functions` that takes these arguments.
pub(super) fn choose<'a>(
    name: &str,
    functions: &'a [Function],
    given: &Map<String, Value>,
) -> Result<&'a Function, Problem> {
    functions.iter().find(|function| function.takes(given)).ok_or_else(|| {
        let names = given.keys().cloned().collect::<Vec<_>>().join(", ");
        let (called, with) = if names.is_empty() {
            (format!("public.{name} without parameters"), "without parameters".to_owned())
        } else {
            (format!("public.{name}({names})"), format!("with parameters {names}"))
        };
        let message = format!("Could not find the function {called} in the schema cache");
        Problem::new(StatusCode::NOT_FOUND, "PGRST202", message).details(format!(
            "Searched for the function public.{name} {with}, but no matches were found in the schema cache."
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn apply() -> Function {
        let arguments = [("changes", "jsonb"), ("owed", "boolean")];
        Function {
            arguments: arguments
                .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
                .to_vec(),
            defaults: 1,
            is_set: false,
            is_void: true,
            reads_only: false,
        }
    }

    fn given(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn takes_what_it_declares_and_needs() {
        let takes = |value: Value| apply().takes(&given(&value));
        assert!(takes(json!({"changes": [], "owed": true})));
        assert!(takes(json!({"changes": []})));
        assert!(!takes(json!({"owed": true})));
        assert!(!takes(json!({"changes": [], "other": 1})));
    }

    #[test]
    fn the_arguments_are_cast_to_the_declared_types() {
        let sql = apply().call("f", &given(&json!({"changes": []})));
        assert_eq!(
            sql.parts(),
            (
                "select f::text from json_to_record($1::json) as a(\"changes\" jsonb), \
                 lateral public.\"f\"(\"changes\" := a.\"changes\") as f",
                &[r#"{"changes":[]}"#.to_owned()][..]
            )
        );
    }
}
