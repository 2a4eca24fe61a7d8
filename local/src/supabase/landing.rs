//! Where a browser lands: redirects with an outcome in the query or in the fragment.

use axum::{
    http::{HeaderMap, Response as HttpResponse, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use super::{
    call::parse_query,
    error::AuthError,
    redirect,
    session::{ACCESS_TOKEN_SECONDS, Issued},
};

pub(super) type Fields = Vec<(String, String)>;

pub(super) fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A session as a fragment carries it.
pub(super) fn session_fields(issued: &Issued) -> Fields {
    vec![
        field("access_token", &issued.access_token),
        field("expires_at", &issued.expires_at.to_string()),
        field("expires_in", &ACCESS_TOKEN_SECONDS.to_string()),
        field("refresh_token", &issued.refresh_token),
        field("token_type", "bearer"),
    ]
}

/// An error in the words of OAuth.
pub(super) fn error_fields(error: &AuthError) -> Fields {
    const DENIED: [&str; 3] = [
        "signup_disabled",
        "user_banned",
        "provider_email_needs_verification",
    ];
    let name = match error.status {
        _ if DENIED.contains(&error.code) => "access_denied",
        400 => "invalid_request",
        401 => "unauthorized_client",
        403 => "access_denied",
        _ => "server_error",
    };
    vec![
        field("error", name),
        field("error_code", error.code),
        field("error_description", &error.message),
    ]
}

/// The target with fields in its fragment. The empty `sb` marks them as Supabase's. As the real
/// server, it encodes a percent sign twice.
pub(super) fn with_fragment(target: &str, mut fields: Fields) -> String {
    fields.push(field("sb", ""));
    let fields = redirect::encode_fields(&fields).replace('%', "%25");
    format!("{target}#{fields}")
}

/// The target with fields added to its query.
pub(super) fn with_query(target: &str, fields: Fields) -> String {
    let Ok(uri) = target.parse::<Uri>() else {
        return target.to_owned();
    };
    let mut all = parse_query(&uri);
    all.extend(fields);
    let bare = target.split(['?', '#']).next().unwrap_or(target);
    format!("{bare}?{}", redirect::encode_fields(&all))
}

/// The target with fields in both places, as errors are told in a flow.
pub(super) fn with_both(target: &str, fields: Fields) -> String {
    with_fragment(&with_query(target, fields.clone()), fields)
}

/// A redirect with the body that Go's `http.Redirect` writes, and what `more` adds to it.
pub(super) fn redirect_to(
    status: StatusCode,
    location: &str,
    headers: HeaderMap,
    more: &str,
) -> Response {
    let link = escape(location);
    let reason = status.canonical_reason().unwrap_or_default();
    let mut response = HttpResponse::builder()
        .status(status)
        .header(header::LOCATION, location)
        .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
        .body(format!("<a href=\"{link}\">{reason}</a>.\n\n{more}").into())
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response());
    response.headers_mut().extend(headers);
    response
}

/// Text as HTML.
pub(super) fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('"', "&#34;");
    let text = text.replace('\'', "&#39;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}
