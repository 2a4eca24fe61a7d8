//! What the gateway says when it cannot let a request through for another reason than its session.

use authflow_shared::problem::Problem;

/// Something is wrong with the configuration; its faults are in the log.
pub fn config_invalid() -> Problem {
    Problem::new(
        500,
        "config_invalid",
        "Not configured",
        "The gateway's configuration has faults. Its operator finds them in the log.",
    )
}

/// Two readers could read the request differently; `detail` says where.
pub fn ambiguous(detail: impl Into<String>) -> Problem {
    Problem::new(400, "ambiguous_request", "Ambiguous request", detail)
}

/// The host is none of ours.
pub fn misdirected() -> Problem {
    let detail = "This gateway does not serve the host that the request names.";
    Problem::new(421, "misdirected_request", "Misdirected request", detail)
}

/// No route serves the path.
pub fn not_found() -> Problem {
    Problem::new(
        404,
        "not_found",
        "Not found",
        "Nothing is served under this path.",
    )
}

/// The path does not take the method.
pub fn method_not_allowed() -> Problem {
    let detail = "This path does not take the request's method.";
    Problem::new(405, "method_not_allowed", "Method not allowed", detail)
}

/// The body is longer than the route takes.
pub fn payload_too_large() -> Problem {
    let detail = "The request's body is longer than this path takes. Send less at once.";
    Problem::new(413, "payload_too_large", "Too large", detail)
}

/// The headers are more, or longer, than any honest client's.
pub fn headers_too_large() -> Problem {
    let detail = "The request's headers are too many or too long. Send fewer cookies or headers.";
    Problem::new(431, "headers_too_large", "Headers too large", detail)
}

/// The client came too often, and may come again after `seconds`.
pub fn rate_limited(seconds: u64) -> Problem {
    let detail = format!("You have come too often. Try again in {seconds} s.");
    Problem::new(429, "rate_limited", "Too many requests", detail)
}

/// `/auth/*` arrived here, though the auth worker should have got it.
pub fn auth_not_routed() -> Problem {
    Problem::new(
        500,
        "config_invalid",
        "Not configured",
        "The auth worker has no route for /auth/* on this host. Its operator must add one.",
    )
}

/// The auth worker does not answer, so that nobody can sign in.
pub fn auth_unavailable() -> Problem {
    let detail = "Nobody can sign in at the moment. Try again shortly.";
    Problem::new(503, "auth_unavailable", "Sign-in is unavailable", detail)
}

/// The origin did not answer.
pub fn upstream_unreachable() -> Problem {
    let detail = "The application behind the gateway cannot be reached. Try again shortly.";
    Problem::new(
        502,
        "upstream_unreachable",
        "Application unreachable",
        detail,
    )
}

/// The isolate holds as many requests as it has room for.
pub fn overloaded() -> Problem {
    let detail = "More requests wait here than can be held. Try again shortly.";
    Problem::new(503, "overloaded", "Too many at once", detail)
}

/// The origin did not answer in time.
pub fn upstream_timeout() -> Problem {
    let detail = "The application behind the gateway did not answer in time. Try again shortly.";
    Problem::new(504, "upstream_timeout", "Application too slow", detail)
}

/// The origin answered with a status that is none.
pub fn upstream_invalid() -> Problem {
    let detail = "The application behind the gateway gave an answer that is not HTTP.";
    Problem::new(502, "upstream_invalid", "Application broken", detail)
}

/// The gateway itself failed; the log may tell how.
pub fn internal_error() -> Problem {
    Problem::new(
        500,
        "internal_error",
        "Something went wrong",
        "The request was not let through. Try again; if it happens again, tell the operator.",
    )
}
