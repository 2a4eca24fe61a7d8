//! Refusals of a request as such, whatever it asks for.

use core::time::Duration;

use authflow_shared::{problem::FieldError, redis};

use super::{Failure, RETRY_UNAVAILABLE, seconds_of};

impl Failure {
    pub(crate) fn ambiguous_request() -> Self {
        let detail = "The request carries two different session tokens, or the session cookie \
                      twice. Send one.";
        Self::new(400, "ambiguous_request", "Ambiguous request", detail)
    }

    pub(crate) fn malformed_json() -> Self {
        let detail = "The body is not valid JSON in UTF-8.";
        Self::new(400, "malformed_json", "Malformed JSON", detail)
    }

    pub(crate) fn malformed_form() -> Self {
        let detail = "The form could not be read. Please open the page again.";
        Self::new(400, "malformed_form", "Malformed form", detail)
    }

    pub(crate) fn cross_site() -> Self {
        let detail = "The request came from another web site. Send it from a page of this one.";
        Self::new(403, "cross_site", "Refused: from another site", detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "not_found", "Not found", "There is nothing here.")
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let detail = format!("This address takes {allow} only.");
        Self::new(405, "method_not_allowed", "Method not allowed", &detail).header("allow", allow)
    }

    pub(crate) fn payload_too_large() -> Self {
        let detail = "The body is over 16 KiB.";
        Self::new(413, "payload_too_large", "Payload too large", detail)
    }

    pub(crate) fn unsupported_media_type(expected: &str) -> Self {
        let detail = format!("Send the body with `Content-Type: {expected}`.");
        let title = "Unsupported media type";
        Self::new(415, "unsupported_media_type", title, &detail)
    }

    pub(crate) fn validation_failed(errors: Vec<FieldError>) -> Self {
        let detail = "Some fields are missing or malformed; `errors` names them.";
        let mut failure = Self::new(422, "validation_failed", "Validation failed", detail);
        failure.problem.errors = errors;
        failure
    }

    /// Something is wrong with one field.
    pub(crate) fn of_field(field: &'static str, code: &'static str, detail: &str) -> Self {
        Self::validation_failed(vec![FieldError {
            field,
            code,
            detail: detail.to_owned(),
        }])
    }

    pub(crate) fn rate_limited(wait: Duration) -> Self {
        let detail = "Too many requests. Please wait before you try again.";
        Self::new(429, "rate_limited", "Too many requests", detail).retry_after(seconds_of(wait))
    }

    /// The operator has not set up what this needs.
    pub(crate) fn not_configured() -> Self {
        let detail = "This site does not offer this. Ask whoever runs it.";
        Self::new(404, "not_configured", "Not offered here", detail)
    }

    pub(crate) fn config_invalid() -> Self {
        let detail = "The service is not set up correctly. Its log names every fault.";
        Self::new(500, "config_invalid", "Configuration invalid", detail)
    }

    /// The edge did not tell the client's address.
    pub(crate) fn no_client_address() -> Self {
        Self::config_invalid().because("client_ip", "no readable address in the header")
    }

    pub(crate) fn no_randomness() -> Self {
        let detail = "Something went wrong on our side. Please try again.";
        Self::new(500, "internal_error", "Internal error", detail)
            .because("platform", "no randomness")
    }

    pub(crate) fn store_unavailable(reason: redis::Unavailable) -> Self {
        let detail = "Sessions cannot be reached at the moment. Please try again.";
        Self::new(503, "store_unavailable", "Store unavailable", detail)
            .because("redis", reason.as_str())
            .retry_after(RETRY_UNAVAILABLE)
    }

    /// The isolate holds as many requests as it has room for.
    pub(crate) fn overloaded() -> Self {
        let detail = "More requests wait here than can be held. Please try again shortly.";
        Self::new(503, "overloaded", "Too many at once", detail).retry_after(RETRY_UNAVAILABLE)
    }
}
