//! Why a request gets no reply of Redis.

use axum::http::StatusCode;

/// The text where there is too much at once.
pub(crate) const OVERLOADED: &str = "ERR the bridge is overloaded, try again";

/// A request that got no reply of Redis: the status and the text of its error.
pub(crate) type Refusal = (StatusCode, String);

pub(crate) fn refuse(status: StatusCode, text: impl Into<String>) -> Refusal {
    (status, text.into())
}
