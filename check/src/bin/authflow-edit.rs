//! Sets values in a TOML file, and leaves all else of it as it is: comments, order, and how it is written.
//!
//! `authflow-edit FILE` reads a JSON list of `{"at": ["env", "verify", "vars", "NAME"], "toml": "VALUE"}` from standard
//! input and prints the file with each value set. Tables on the way are made; the value is TOML.

use std::{
    fs,
    io::{self, Write as _},
    process::ExitCode,
};

use serde_json::Value as Json;
use toml_edit::{DocumentMut, Item, Table, Value};

fn main() -> ExitCode {
    match edited() {
        Ok(text) if io::stdout().write_all(text.as_bytes()).is_ok() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("authflow-edit: {text}");
            ExitCode::FAILURE
        }
    }
}

fn edited() -> Result<String, String> {
    let file = std::env::args().nth(1).ok_or("name a file")?;
    let text = fs::read_to_string(&file).map_err(|error| format!("cannot read {file}: {error}"))?;
    let edits = io::read_to_string(io::stdin()).map_err(|error| error.to_string())?;
    let edits: Vec<Json> = serde_json::from_str(&edits).map_err(|error| error.to_string())?;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error| format!("{file} is no TOML: {error}"))?;
    for edit in &edits {
        set(&mut document, edit)?;
    }
    Ok(document.to_string())
}

fn set(document: &mut DocumentMut, edit: &Json) -> Result<(), String> {
    let wrong = || format!("{edit} is no edit");
    let path = edit.get("at").and_then(Json::as_array).ok_or_else(wrong)?;
    let names: Option<Vec<_>> = path.iter().map(Json::as_str).collect();
    let names = names.ok_or_else(wrong)?;
    let (last, tables) = names.split_last().ok_or_else(wrong)?;
    let toml = edit.get("toml").and_then(Json::as_str).ok_or_else(wrong)?;
    let mut value: Value = toml.parse().map_err(|error| format!("{toml}: {error}"))?;

    let mut table = document.as_table_mut();
    for name in tables {
        let item = table.entry(name).or_insert_with(|| {
            let mut made = Table::new();
            made.set_implicit(true);
            Item::Table(made)
        });
        table = item
            .as_table_mut()
            .ok_or_else(|| format!("{name} is no table"))?;
    }
    // What stands around the value stays: a remark behind it, above all.
    if let Some(old) = table.get(last).and_then(Item::as_value) {
        *value.decor_mut() = old.decor().clone();
    }
    match table.get_mut(last) {
        Some(item) => *item = Item::Value(value),
        None => {
            table.insert(last, Item::Value(value));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edit(text: &str, at: &[&str], toml: &str) -> Result<String, String> {
        let mut document = text.parse().unwrap();
        set(&mut document, &json!({ "at": at, "toml": toml }))?;
        Ok(document.to_string())
    }

    #[test]
    fn a_value_is_set_and_all_else_stays() {
        let text = "# top\n[env.a.vars]  # a\nX = 'old' # why\n\n# next\nY = '''\n[\n]\n'''\n[env.b]\nX = 1\n";
        let set = edit(text, &["env", "a", "vars", "X"], "\"new\"").unwrap();
        assert_eq!(set, text.replace("'old'", "\"new\""));
        let set = edit(text, &["env", "a", "vars", "Y"], "'''\n{}\n'''").unwrap();
        assert_eq!(set, text.replace("[\n]", "{}"));
    }

    #[test]
    fn what_is_missing_is_made() {
        let set = edit("[env.a.vars]\nX = 1\n", &["env", "a", "vars", "Y"], "2").unwrap();
        assert_eq!(set, "[env.a.vars]\nX = 1\nY = 2\n");
        let set = edit("A = 1\n", &["env", "a", "vars", "Y"], "2").unwrap();
        assert_eq!(set, "A = 1\n\n[env.a.vars]\nY = 2\n");
    }

    #[test]
    fn what_cannot_be_set_is_named() {
        for (at, toml, named) in [
            (&["X", "Y"][..], "1", "X is no table"),
            (&["X"][..], "a b", "a b"),
            (&[][..], "1", "is no edit"),
        ] {
            let error = edit("X = 1\n", at, toml).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
