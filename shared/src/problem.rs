//! Errors as clients see them: RFC 9457 problem details.
//!
//! `code` is the stable part that programs switch on; `detail` tells a person what to do. Neither
//! says what an attacker would like to know: that goes to the log.

use crate::json::{Writer, write::list};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Stable, in snake case.
    pub code: &'static str,
    /// One line for the kind of error.
    pub title: &'static str,
    /// What happened and what to do about it.
    pub detail: String,
    /// What is wrong with each field of the request.
    pub errors: Vec<FieldError>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name.
    pub field: &'static str,
    /// Stable, in snake case.
    pub code: &'static str,
    /// What is wrong and how to mend it.
    pub detail: String,
}

impl Problem {
    /// A problem without field errors.
    pub fn new(
        status: u16,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// The body, for the request `request_id`.
    pub fn to_json(&self, request_id: &str) -> String {
        let kind = ["urn:authflow:problem:", self.code].concat();
        let body = Writer::object()
            .text("type", &kind)
            .text("title", self.title)
            .number("status", self.status.into())
            .text("detail", &self.detail)
            .text("code", self.code)
            .text("request_id", request_id);
        if self.errors.is_empty() {
            return body.end();
        }
        let errors = list(self.errors.iter().map(FieldError::to_json));
        body.json("errors", &errors).end()
    }
}

impl FieldError {
    fn to_json(&self) -> String {
        Writer::object()
            .text("field", self.field)
            .text("code", self.code)
            .text("detail", &self.detail)
            .end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_every_promised_member() {
        let mut problem = Problem::new(422, "validation_failed", "Not valid", "See `errors`.");
        let field = FieldError {
            field: "email",
            code: "missing",
            detail: "Send \"email\".".into(),
        };
        problem.errors.push(field);
        assert_eq!(
            problem.to_json("r1"),
            r#"{"type":"urn:authflow:problem:validation_failed","title":"Not valid","status":422,"detail":"See `errors`.","code":"validation_failed","request_id":"r1","errors":[{"field":"email","code":"missing","detail":"Send \"email\"."}]}"#
        );
    }

    #[test]
    fn errors_are_left_out_where_there_are_none() {
        let body = Problem::new(404, "not_found", "Not found", "Nothing here.").to_json("r1");
        assert!(!body.contains("errors"), "{body}");
    }
}
