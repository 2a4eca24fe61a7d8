//! One connection to PostgreSQL, and what it has prepared.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use futures_util::future::{join, join3};
use tokio_postgres::{Client, Config, Error, NoTls, Row, Statement, types::ToSql};

use super::{
    answer::{Answer, Problem},
    function::{self, Function},
    request::{Request, TableRequest},
    sql::{Sql, Text},
    table,
    visitor::Visitor,
};

/// The role and the claims of a transaction, as PostgREST sets them.
const ENTER: &str = "select set_config('search_path', '\"public\", \"extensions\"', true), \
    set_config('role', $1, true), set_config('request.jwt.claims', $2, true)";

/// How many statements are kept; clients choose them, so there is an end to it.
const MAX_STATEMENTS: usize = 200;

/// A request that got no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection was lost before anything could have been carried out.
    Lost(String),
    Refused(Problem),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.as_db_error() {
            Some(refused) => Self::Refused(Problem::of_database(refused)),
            None => Self::Lost(error.to_string()),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

/// A connection that one request has at a time.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    statements: BTreeMap<String, Statement>,
    functions: BTreeMap<String, Vec<Function>>,
}

/// A statement that answers a request.
struct Plan {
    sql: Sql,
    reads_only: bool,
    status: StatusCode,
    /// Whether the statement's one row is the answer's body.
    has_body: bool,
}

impl Session {
    pub(super) async fn connect(config: &Config) -> Result<Self, Error> {
        let (client, connection) = config.connect(NoTls).await?;
        // It ends with the client; how, the client's next request is told.
        tokio::spawn(async { drop(connection.await) });
        Ok(Self {
            client,
            statements: BTreeMap::new(),
            functions: BTreeMap::new(),
        })
    }

    pub(super) fn is_open(&self) -> bool {
        !self.client.is_closed()
    }

    /// Carries a request out in a transaction of its own.
    pub(super) async fn answer(
        &mut self,
        visitor: &Visitor,
        request: &Request,
    ) -> Result<Answer, Failure> {
        let plan = match request {
            Request::Function { name, arguments } => {
                let functions = self.functions(name).await?;
                let function = function::choose(name, functions, arguments)?;
                Plan {
                    sql: function.call(name, arguments),
                    reads_only: function.reads_only,
                    status: if function.is_void {
                        StatusCode::NO_CONTENT
                    } else {
                        StatusCode::OK
                    },
                    has_body: !function.is_void,
                }
            }
            Request::Table(request) => Plan {
                sql: request.statement(&self.primary_key(request).await?),
                reads_only: request.reads_only(),
                status: request.status(),
                has_body: request.has_rows(),
            },
        };
        let rows = self.transaction(visitor, &plan).await?;
        let body = rows.first().filter(|_| plan.has_body);
        let body = body.map(|row| row.try_get(0)).transpose()?;
        Ok(Answer {
            status: plan.status,
            body,
        })
    }

    /// The rows of a plan's statement.
    async fn transaction(&mut self, visitor: &Visitor, plan: &Plan) -> Result<Vec<Row>, Failure> {
        let (text, values) = plan.sql.parts();
        let enter = self.prepared(ENTER).await?;
        let statement = self.prepared(text).await?;
        let values: Vec<Text<'_>> = values.iter().map(|value| Text(value)).collect();
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let first = if plan.reads_only {
            "begin read only"
        } else {
            "begin"
        };
        let under: [&(dyn ToSql + Sync); 2] = [&visitor.role, &visitor.claims];
        // All three are on their way before the first is answered: one round trip.
        let started = join3(
            self.client.batch_execute(first),
            self.client.query(&enter, &under),
            self.client.query(&statement, &values),
        );
        if plan.reads_only {
            // With its end, too: it ends the same way whatever comes of it.
            let ((begun, entered, done), ended) =
                join(started, self.client.batch_execute("commit")).await;
            begun?;
            let rows = entered.and(done).map_err(after_its_begin)?;
            ended.map_err(after_its_begin)?;
            return Ok(rows);
        }
        let (begun, entered, done) = started.await;
        begun?;
        let outcome = entered.and(done);
        let last = if outcome.is_ok() {
            "commit"
        } else {
            "rollback"
        };
        let ended = self.client.batch_execute(last).await;
        let rows = outcome.map_err(after_its_begin)?;
        ended.map_err(after_its_begin)?;
        Ok(rows)
    }

    async fn prepared(&mut self, text: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(text) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(text).await?;
        if self.statements.len() >= MAX_STATEMENTS {
            self.statements.clear();
        }
        self.statements.insert(text.to_owned(), statement.clone());
        Ok(statement)
    }

    /// The functions of a name.
    async fn functions(&mut self, name: &str) -> Result<&[Function], Failure> {
        if !self.functions.contains_key(name) {
            let look_up = self.prepared(function::LOOK_UP).await?;
            let rows = self.client.query(&look_up, &[&Text(name)]).await?;
            let found = rows
                .iter()
                .map(read_function)
                .collect::<Result<Vec<_>, _>>()?;
            // One that is not there yet may come.
            if found.is_empty() {
                return Ok(&[]);
            }
            self.functions.insert(name.to_owned(), found);
        }
        Ok(self.functions.get(name).map_or(&[], Vec::as_slice))
    }

    async fn primary_key(&mut self, request: &TableRequest) -> Result<Vec<String>, Failure> {
        if !request.needs_primary_key() {
            return Ok(Vec::new());
        }
        let look_up = self.prepared(table::PRIMARY_KEY).await?;
        let rows = self
            .client
            .query(&look_up, &[&Text(&request.table)])
            .await?;
        let names = rows.iter().map(|row| row.try_get(0));
        Ok(names.collect::<Result<_, _>>()?)
    }
}

/// A connection that was lost during a transaction: it is not known how far that came, so it is not
/// tried again.
fn after_its_begin(error: Error) -> Failure {
    match Failure::from(error) {
        Failure::Lost(reason) => Failure::Refused(Problem::lost(reason)),
        refused @ Failure::Refused(_) => refused,
    }
}

fn read_function(row: &Row) -> Result<Function, Error> {
    let names: Vec<String> = row.try_get("names")?;
    let types: Vec<String> = row.try_get("types")?;
    let defaults: i32 = row.try_get("defaults")?;
    Ok(Function {
        arguments: names.into_iter().zip(types).collect(),
        defaults: usize::try_from(defaults).unwrap_or(0),
        is_set: row.try_get("is_set")?,
        is_void: row.try_get("is_void")?,
        reads_only: row.try_get("reads_only")?,
    })
}
