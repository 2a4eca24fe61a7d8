//! Paths that belong to the gateway and the auth worker; no route may claim them.

const OWN_PATHS: [&str; 5] = [
    "/auth",
    "/api/v1/simple_auth",
    "/health",
    "/metrics",
    "/.well-known/authflow",
];

/// Whether `path` is one of them, or below one.
pub fn is_own_path(path: &str) -> bool {
    OWN_PATHS.iter().any(|own| {
        path.strip_prefix(own)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
