//! A strict stand-in for PostgREST, over a real PostgreSQL: `/rest/v1` of Supabase.
//!
//! Known: `POST /rpc/FUNCTION` with a JSON object; `GET`, `POST`, `PATCH` and `DELETE` of a table
//! with `select`, `order`, `limit`, `offset`, `on_conflict` and filters (`eq`, `neq`, `gt`, `gte`,
//! `lt`, `lte`, `like`, `ilike`, `is`, `in`, each with `not` before it); `Prefer` with `return` and
//! `resolution`. Each request is one transaction, under the role that its token names.
//!
//! What is not known is refused: embedded tables, paths into JSON, `and` and `or`, ranges, counts,
//! single objects, schemas other than `public`.

mod answer;
mod database;
mod filter;
mod function;
mod request;
mod session;
mod sql;
mod table;
mod visitor;

use std::sync::{Arc, PoisonError};

use axum::{
    body::Body,
    extract::State as Extract,
    http::Request,
    response::{IntoResponse as _, Response},
};

use super::{Shared, call::Call, gateway};
use answer::Problem;
pub(super) use database::Database;

/// What answers `/rest/v1`.
pub(super) struct Rest {
    pub(super) shared: Shared,
    /// None where there is no PostgreSQL.
    pub(super) database: Option<Database>,
}

/// Answers everything below `/rest/v1`.
pub(super) async fn answer(Extract(rest): Extract<Arc<Rest>>, request: Request<Body>) -> Response {
    let mut call = Call::read(request, "/rest/v1").await;
    // (1) The gateway, and who comes. The lock is not held while PostgreSQL is asked.
    let visitor = {
        let state = rest.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if state.config.gateway
            && let Err(refusal) = gateway::admit(&state, &mut call)
        {
            return refusal.into_response();
        }
        visitor::of(&state, &call)
    };
    // (2) What they want, and what PostgreSQL says.
    let outcome = async {
        let visitor = visitor?;
        let database = rest.database.as_ref().ok_or_else(Problem::no_database)?;
        let request = request::read(&call)?;
        let outcome = database.run(&visitor, &request).await;
        outcome.map_err(|problem| problem.seen_by(&visitor))
    };
    match outcome.await {
        Ok(answer) => answer.into_response(),
        Err(problem) => problem.into_response(),
    }
}
