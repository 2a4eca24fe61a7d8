//! A request as the handlers see it.

use axum::{
    body::{Body, Bytes},
    extract::Query,
    http::{HeaderMap, Method, Request, Uri},
};

/// A larger body is refused.
const BODY_LIMIT: usize = 1024 * 1024;

/// One request, its body read.
pub(super) struct Call {
    pub(super) method: Method,
    /// The path below the API's own, as `/auth/v1`; without a closing slash.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    /// `None` stands for a body over the limit.
    pub(super) body: Option<Bytes>,
}

impl Call {
    /// Reads a request to the API at the path `api`.
    pub(super) async fn read(request: Request<Body>, api: &str) -> Self {
        let (parts, body) = request.into_parts();
        let below = parts.uri.path().strip_prefix(api).unwrap_or_default();
        Self {
            path: below.strip_suffix('/').unwrap_or(below).to_owned(),
            query: parse_query(&parts.uri),
            method: parts.method,
            headers: parts.headers,
            body: axum::body::to_bytes(body, BODY_LIMIT).await.ok(),
        }
    }

    /// The first value of a query field.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A segment of the path, counted from 0; empty if it is not there.
    pub(super) fn segment(&self, index: usize) -> &str {
        self.path.split('/').nth(index + 1).unwrap_or_default()
    }

    /// A header's value, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The fields of a query, decoded.
pub(super) fn parse_query(uri: &Uri) -> Vec<(String, String)> {
    Query::try_from_uri(uri)
        .map(|Query(fields)| fields)
        .unwrap_or_default()
}
