//! What a request wants, as far as it can be told without asking PostgreSQL.

use axum::http::{Method, StatusCode};
use serde_json::{Map, Value};

use super::{answer::Problem, filter};
use crate::supabase::call::Call;

/// Fields of a query that are no filters.
const NO_FILTERS: [&str; 6] = [
    "apikey",
    "select",
    "order",
    "limit",
    "offset",
    "on_conflict",
];

/// One request.
#[derive(Debug)]
pub(super) enum Request {
    /// `POST /rpc/NAME`
    Function {
        name: String,
        arguments: Map<String, Value>,
    },
    Table(TableRequest),
}

/// A request for the rows of a table.
#[derive(Debug)]
pub(super) struct TableRequest {
    pub(super) table: String,
    pub(super) action: Action,
    /// Output columns and what they are called.
    pub(super) select: Vec<(String, Option<String>)>,
    pub(super) filters: Vec<filter::Filter>,
    pub(super) order: Vec<filter::Order>,
    pub(super) limit: Option<u64>,
    pub(super) offset: Option<u64>,
    /// Whether the rows that were changed are wanted.
    pub(super) represent: bool,
}

/// What becomes of the rows.
#[derive(Debug)]
pub(super) enum Action {
    Read,
    Insert {
        rows: Value,
        columns: Vec<String>,
        duplicates: Duplicates,
        /// The columns that tell a duplicate; without any, those of the primary key.
        conflict: Vec<String>,
    },
    Update {
        row: Value,
        columns: Vec<String>,
    },
    Delete,
}

/// What becomes of a row that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duplicates {
    Refused,
    Merged,
    Ignored,
}

/// Reads a request, or says what is wrong with it.
pub(super) fn read(call: &Call) -> Result<Request, Problem> {
    let segments: Vec<&str> = call.path.split('/').skip(1).collect();
    match segments.as_slice() {
        ["rpc", name] if !name.is_empty() => {
            if call.method != Method::POST {
                return Err(method_not_allowed(&call.method));
            }
            let Value::Object(arguments) = body(call)? else {
                return Err(Problem::body("the arguments must be a JSON object"));
            };
            Ok(Request::Function {
                name: (*name).to_owned(),
                arguments,
            })
        }
        [table] if !table.is_empty() => Ok(Request::Table(of_table(call, table)?)),
        _ => Err(Problem::new(
            StatusCode::NOT_FOUND,
            "PGRST125",
            "Invalid path specified in request URL",
        )),
    }
}

fn of_table(call: &Call, table: &str) -> Result<TableRequest, Problem> {
    let action = match call.method {
        Method::GET => Action::Read,
        Method::DELETE => Action::Delete,
        Method::PATCH => {
            let row = body(call)?;
            let columns = columns(std::slice::from_ref(&row))?;
            Action::Update { row, columns }
        }
        Method::POST => insert(call)?,
        _ => return Err(method_not_allowed(&call.method)),
    };
    let filters = call
        .query
        .iter()
        .filter(|(name, _)| !NO_FILTERS.contains(&name.as_str()))
        .map(|(name, value)| filter::Filter::read(name, value))
        .collect::<Result<Vec<_>, _>>()?;
    // Supabase loads an extension that guards against a forgotten filter.
    let guarded = match action {
        Action::Update { .. } => Some("UPDATE requires a WHERE clause"),
        Action::Delete => Some("DELETE requires a WHERE clause"),
        Action::Read | Action::Insert { .. } => None,
    };
    if let (Some(message), true) = (guarded, filters.is_empty()) {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "21000", message));
    }
    Ok(TableRequest {
        table: table.to_owned(),
        action,
        select: filter::select(call.query("select").unwrap_or("*"))?,
        filters,
        order: filter::order(call.query("order"))?,
        limit: filter::number(call, "limit")?,
        offset: filter::number(call, "offset")?,
        represent: prefers(call, "return=representation"),
    })
}

fn insert(call: &Call) -> Result<Action, Problem> {
    let rows = match body(call)? {
        Value::Array(rows) => rows,
        row => vec![row],
    };
    let duplicates = if prefers(call, "resolution=merge-duplicates") {
        Duplicates::Merged
    } else if prefers(call, "resolution=ignore-duplicates") {
        Duplicates::Ignored
    } else {
        Duplicates::Refused
    };
    Ok(Action::Insert {
        columns: columns(&rows)?,
        rows: Value::Array(rows),
        duplicates,
        conflict: filter::names(call.query("on_conflict").unwrap_or_default())?,
    })
}

/// The columns of rows that must have the same ones.
fn columns(rows: &[Value]) -> Result<Vec<String>, Problem> {
    let keys = |row: &Value| {
        let row = row.as_object();
        row.map(|row| row.keys().cloned().collect::<Vec<_>>())
    };
    let Some(first) = rows.first() else {
        return Ok(Vec::new());
    };
    let columns = keys(first).ok_or_else(|| Problem::body("Empty or invalid json"))?;
    if rows.iter().any(|row| keys(row).as_ref() != Some(&columns)) {
        return Err(Problem::body("All object keys must match"));
    }
    Ok(columns)
}

fn body(call: &Call) -> Result<Value, Problem> {
    let body = call.body.as_deref().unwrap_or_default();
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(body).map_err(|_| Problem::body("Empty or invalid json"))
}

/// Whether one of the headers `Prefer` says `preference`.
fn prefers(call: &Call, preference: &str) -> bool {
    let values = call.headers.get_all("prefer").iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim() == preference)
}

fn method_not_allowed(method: &Method) -> Problem {
    let message = format!("Unsupported HTTP method: {method}");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "PGRST117", message)
}
