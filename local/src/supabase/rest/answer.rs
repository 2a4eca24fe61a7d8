//! Answers in the manner of PostgREST.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio_postgres::error::DbError;

use super::visitor::Visitor;

/// A request that went well.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// JSON, if there is anything to say.
    pub(super) body: Option<String>,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self.body {
            None => self.status.into_response(),
            Some(body) => {
                let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
                (self.status, kind, body).into_response()
            }
        }
    }
}

/// A request that did not.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: String,
    message: String,
    details: Value,
    hint: Value,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            details: Value::Null,
            hint: Value::Null,
        }
    }

    pub(super) fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Value::String(details.into());
        self
    }

    /// A part of the request that cannot be read, or is not known here.
    pub(super) fn unreadable(what: &str) -> Self {
        let message = format!("\"failed to parse {what}\"");
        Self::new(StatusCode::BAD_REQUEST, "PGRST100", message)
    }

    pub(super) fn body(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "PGRST102", message)
    }

    /// PostgreSQL cannot be reached.
    pub(super) fn no_connection(details: impl Into<String>) -> Self {
        let message = "Database connection error. Retrying the connection.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "PGRST000", message).details(details)
    }

    pub(super) fn no_database() -> Self {
        Self::no_connection("this stand-in was started without --postgres-url")
    }

    /// PostgreSQL went away during the request, or took too long over it.
    pub(super) fn lost(details: impl Into<String>) -> Self {
        let message = "Database client error. Retrying the connection.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "PGRST001", message).details(details)
    }

    /// All connections were busy for too long.
    pub(super) fn busy() -> Self {
        let message = "Timed out acquiring connection from connection pool.";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "PGRST003", message)
    }

    /// What PostgreSQL itself refused.
    pub(super) fn of_database(error: &DbError) -> Self {
        let text = |text: Option<&str>| text.map_or(Value::Null, |text| json!(text));
        Self {
            status: status(error.code().code()),
            code: error.code().code().to_owned(),
            message: error.message().to_owned(),
            details: text(error.detail()),
            hint: text(error.hint()),
        }
    }

    /// Whether what is remembered of the database may be out of date.
    pub(super) fn tells_of_change(&self) -> bool {
        ["42", "0A"]
            .iter()
            .any(|class| self.code.starts_with(class))
            && self.code != "42501"
    }

    /// Who has not said who they are may try again with a token.
    pub(super) fn seen_by(mut self, visitor: &Visitor) -> Self {
        if self.code == "42501" && visitor.role == "anon" {
            self.status = StatusCode::UNAUTHORIZED;
        }
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(json!({
            "code": self.code,
            "details": self.details,
            "hint": self.hint,
            "message": self.message,
        }));
        let mut response = (self.status, body).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// The status for PostgreSQL's code of an error, as PostgREST's documentation lists them.
fn status(code: &str) -> StatusCode {
    match code {
        "23503" | "23505" => StatusCode::CONFLICT,
        "25006" => StatusCode::METHOD_NOT_ALLOWED,
        "42501" => StatusCode::FORBIDDEN,
        "42883" | "42P01" => StatusCode::NOT_FOUND,
        "42P17" | "53400" => StatusCode::INTERNAL_SERVER_ERROR,
        "57P01" => StatusCode::SERVICE_UNAVAILABLE,
        "P0001" => StatusCode::BAD_REQUEST,
        _ => status_of_class(code.get(..2).unwrap_or_default()),
    }
}

/// The same, for the other codes that begin with `class`.
fn status_of_class(class: &str) -> StatusCode {
    match class {
        "0L" | "0P" | "28" => StatusCode::FORBIDDEN,
        "08" | "53" => StatusCode::SERVICE_UNAVAILABLE,
        "09" | "21" | "25" | "2D" | "38" | "39" | "3B" | "40" | "54" | "55" | "57" | "58"
        | "F0" | "HV" | "P0" | "XX" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_postgresql_s_has_the_status_that_postgrest_gives_it() {
        for (code, expected) in [
            ("42501", 403),
            ("42P01", 404),
            ("42883", 404),
            ("23505", 409),
            ("22023", 400),
            ("P0001", 400),
            ("40P01", 500),
            ("53300", 503),
            ("57P01", 503),
            ("57014", 500),
            ("25006", 405),
        ] {
            assert_eq!(status(code).as_u16(), expected, "{code}");
        }
    }

    #[test]
    fn nobody_in_particular_is_asked_for_a_token_where_somebody_is_refused() {
        let problem = || Problem::new(StatusCode::FORBIDDEN, "42501", "permission denied");
        let status = |role: &str| {
            let visitor = Visitor {
                role: role.to_owned(),
                claims: String::new(),
            };
            problem()
                .seen_by(&visitor)
                .into_response()
                .status()
                .as_u16()
        };
        assert_eq!((status("anon"), status("authenticated")), (401, 403));
    }
}
