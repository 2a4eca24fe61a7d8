//! `GET /verify`: the link of a mail that names the server itself. It always redirects.

use axum::{
    http::{HeaderMap, Response as HttpResponse, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{
    call::{Call, parse_query},
    error::AuthError,
    redirect,
    session::ACCESS_TOKEN_SECONDS,
    state::State,
    verify::{self, HALF_DONE, Verified},
};

type Fields = Vec<(String, String)>;

/// Opens a link. The session goes into the fragment, or, for a PKCE flow, a code into the query.
pub(super) fn open(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let token = call.query("token").unwrap_or_default();
    let kind = call.query("type").unwrap_or_default();
    if token.is_empty() {
        return Err(AuthError::validation(
            "Verify requires a token or a token hash",
        ));
    }
    if kind.is_empty() {
        return Err(AuthError::validation("Verify requires a verification type"));
    }
    let pkce = token.starts_with("pkce_");
    let target = redirect::requested(&state.config, call)
        .unwrap_or(&state.config.site_url)
        .to_owned();
    let found = verify::by_hash(state, kind, token);
    let mut headers = HeaderMap::new();
    let location = match found.and_then(|token| verify::redeem(state, &token)) {
        Ok(Verified::Session(_)) if pkce => {
            with_query(&target, vec![field("code", &Uuid::new_v4().to_string())])
        }
        Ok(Verified::Session(issued)) => {
            issued.name_in(&mut headers);
            with_fragment(
                &target,
                vec![
                    field("access_token", &issued.access_token),
                    field("expires_at", &issued.expires_at.to_string()),
                    field("expires_in", &ACCESS_TOKEN_SECONDS.to_string()),
                    field("refresh_token", &issued.refresh_token),
                    field("token_type", "bearer"),
                    field("type", kind),
                ],
            )
        }
        Ok(Verified::HalfDone) => {
            let message = vec![field("message", HALF_DONE)];
            let target = if pkce {
                with_query(&target, message.clone())
            } else {
                target
            };
            with_fragment(&target, message)
        }
        Err(error) => {
            let fields = error_fields(&error);
            let target = if pkce {
                with_query(&target, fields.clone())
            } else {
                target
            };
            with_fragment(&target, fields)
        }
    };
    Ok(see_other(&location, headers))
}

fn error_fields(error: &AuthError) -> Fields {
    let name = match error.status {
        401 => "unauthorized_client",
        403 => "access_denied",
        500.. => "server_error",
        _ => "invalid_request",
    };
    vec![
        field("error", name),
        field("error_code", error.code),
        field("error_description", &error.message),
    ]
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The target with fields in its fragment. The empty `sb` marks them as Supabase's.
fn with_fragment(target: &str, mut fields: Fields) -> String {
    fields.push(field("sb", ""));
    format!("{target}#{}", redirect::encode_fields(&fields))
}

/// The target with fields added to its query.
fn with_query(target: &str, fields: Fields) -> String {
    let Ok(uri) = target.parse::<Uri>() else {
        return target.to_owned();
    };
    let mut all = parse_query(&uri);
    all.extend(fields);
    let bare = target.split(['?', '#']).next().unwrap_or(target);
    format!("{bare}?{}", redirect::encode_fields(&all))
}

/// A redirect with the body that Go's `http.Redirect` writes.
fn see_other(location: &str, headers: HeaderMap) -> Response {
    let escaped = location
        .replace('&', "&amp;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;");
    let escaped = escaped.replace('<', "&lt;").replace('>', "&gt;");
    let mut response = HttpResponse::builder()
        .status(StatusCode::SEE_OTHER)
        .header(header::LOCATION, location)
        .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
        .body(format!("<a href=\"{escaped}\">See Other</a>.\n\n").into())
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response());
    response.headers_mut().extend(headers);
    response
}
