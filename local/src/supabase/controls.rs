//! The controls beside `/auth/v1`; the module above lists them.

use std::sync::{MutexGuard, PoisonError};

use axum::{
    Json,
    extract::State as Extract,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::{Duration, format_description::well_known::Rfc3339};

use super::{Shared, config::Config, mail::Mail, state::State};

/// By how much the clock moves.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    advance_seconds: u32,
}

pub(super) async fn outbox(Extract(shared): Extract<Shared>) -> Json<Vec<Mail>> {
    Json(lock(&shared).outbox.clone())
}

pub(super) async fn empty_outbox(Extract(shared): Extract<Shared>) -> StatusCode {
    lock(&shared).outbox.clear();
    StatusCode::NO_CONTENT
}

pub(super) async fn advance_clock(
    Extract(shared): Extract<Shared>,
    Json(advance): Json<Advance>,
) -> Json<Value> {
    let mut state = lock(&shared);
    state.advance_clock(Duration::seconds(advance.advance_seconds.into()));
    Json(json!({"now": state.now().format(&Rfc3339).unwrap_or_default()}))
}

pub(super) async fn config(Extract(shared): Extract<Shared>) -> Json<Config> {
    Json(lock(&shared).config.clone())
}

/// Changes the given fields; refuses one that does not exist.
pub(super) async fn change_config(
    Extract(shared): Extract<Shared>,
    Json(changes): Json<Map<String, Value>>,
) -> Response {
    let mut state = lock(&shared);
    let new = serde_json::to_value(&state.config).and_then(|mut config| {
        if let Some(config) = config.as_object_mut() {
            config.extend(changes);
        }
        serde_json::from_value::<Config>(config)
    });
    match new {
        Ok(config) => {
            state.config = config.clone();
            Json(config).into_response()
        }
        Err(error) => (
            StatusCode::BAD_REQUEST,
            Json(json!({"message": error.to_string()})),
        )
            .into_response(),
    }
}

pub(super) async fn reset(Extract(shared): Extract<Shared>) -> StatusCode {
    lock(&shared).reset();
    StatusCode::NO_CONTENT
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
