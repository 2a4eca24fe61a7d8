//! The errors of the real server, in both of its formats.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// The header that chooses the format, and the first version that has the new one.
const VERSION_HEADER: &str = "x-supabase-api-version";
const NEW_FORMAT: &str = "2024-01-01";

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct AuthError {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    shape: Shape,
    headers: Vec<(&'static str, String)>,
}

#[derive(Debug)]
enum Shape {
    Plain,
    WeakPassword(Vec<&'static str>),
    /// What the real server's last resort answers: no error id and no header with the code.
    Unhandled,
    /// The database's own words, which only the old format repeats.
    DuplicateEmail(String),
}

impl AuthError {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            code,
            message,
            shape: Shape::Plain,
            headers: Vec::new(),
        }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "validation_failed", message)
    }

    pub(super) fn bad_json(detail: &str) -> Self {
        Self::new(
            400,
            "bad_json",
            format!("Could not parse request body as JSON: {detail}"),
        )
    }

    pub(super) fn bad_jwt(message: impl Into<String>) -> Self {
        Self::new(403, "bad_jwt", message)
    }

    pub(super) fn banned() -> Self {
        Self::new(403, "user_banned", "User is banned")
    }

    pub(super) fn weak_password(message: String, reasons: Vec<&'static str>) -> Self {
        let shape = Shape::WeakPassword(reasons);
        Self {
            shape,
            ..Self::new(422, "weak_password", message)
        }
    }

    pub(super) fn unhandled(message: &str) -> Self {
        Self {
            shape: Shape::Unhandled,
            ..Self::new(500, "unexpected_failure", message)
        }
    }

    /// An address is taken, and only the database noticed.
    pub(super) fn duplicate_email(email: &str, message: &str) -> Self {
        let shape = Shape::DuplicateEmail(email.to_owned());
        Self {
            shape,
            ..Self::new(500, "unexpected_failure", message)
        }
    }

    /// Something that cannot be: a user or a session vanished within one request.
    pub(super) fn lost() -> Self {
        Self::unhandled("Internal Server Error")
    }

    pub(super) fn with_header(mut self, name: &'static str, value: Uuid) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }

    /// The answer, in the format the request's headers ask for.
    pub(super) fn into_response(self, request: &HeaderMap) -> Response {
        let new = wants_new_format(request);
        let body = if new {
            self.new_body()
        } else {
            self.old_body()
        };
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        if new {
            headers.insert(VERSION_HEADER, HeaderValue::from_static(NEW_FORMAT));
        }
        let names_its_code = match self.shape {
            Shape::Unhandled => false,
            Shape::WeakPassword(_) => !new,
            Shape::Plain | Shape::DuplicateEmail(_) => true,
        };
        if names_its_code {
            headers.insert("x-sb-error-code", HeaderValue::from_static(self.code));
        }
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }

    fn new_body(&self) -> Value {
        let mut body = json!({"code": self.code, "message": self.message});
        if let (Shape::WeakPassword(reasons), Some(body)) = (&self.shape, body.as_object_mut()) {
            body.insert("weak_password".to_owned(), json!({"reasons": reasons}));
        }
        body
    }

    fn old_body(&self) -> Value {
        let (status, code, message) = (self.status, self.code, &self.message);
        match &self.shape {
            Shape::DuplicateEmail(email) => json!({
                "code": "23505",
                "message":
                    "duplicate key value violates unique constraint \"users_email_partial_key\"",
                "detail": format!("Key (email)=({email}) already exists."),
            }),
            Shape::WeakPassword(reasons) => json!({
                "code": status, "error_code": code, "msg": message,
                "weak_password": {"reasons": reasons},
            }),
            Shape::Plain if status >= 500 => json!({
                "code": status, "error_code": code, "msg": message, "error_id": Uuid::new_v4(),
            }),
            Shape::Plain | Shape::Unhandled => {
                json!({"code": status, "error_code": code, "msg": message})
            }
        }
    }
}

/// A date from the first new one on; anything that is no date asks for the old format.
fn wants_new_format(request: &HeaderMap) -> bool {
    let Some(version) = request
        .get(VERSION_HEADER)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let is_date = version.len() == NEW_FORMAT.len()
        && version
            .bytes()
            .zip(NEW_FORMAT.bytes())
            .all(|(given, sample)| {
                if sample == b'-' {
                    given == b'-'
                } else {
                    given.is_ascii_digit()
                }
            });
    is_date && version >= NEW_FORMAT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn asks_for_new(version: &str, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(VERSION_HEADER, HeaderValue::from_str(version).unwrap());
        assert_eq!(wants_new_format(&headers), expected, "{version}");
    }

    #[test]
    fn a_date_from_2024_on_asks_for_the_new_format() {
        asks_for_new("2024-01-01", true);
        asks_for_new("2030-01-01", true);
        asks_for_new("2023-06-01", false);
        asks_for_new("banana", false);
        asks_for_new("", false);
        asks_for_new("9999999999", false);
    }
}
