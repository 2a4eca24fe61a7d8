//! Finds the handler of a request, after the gateway let it in.

use std::sync::PoisonError;

use axum::{
    body::Body,
    extract::State as Extract,
    http::{Request, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Shared, account, admin, admin_factors, admin_list, authorize, call::Call, callback, challenge,
    error::AuthError, gateway, generate_link, identities, invite, logout, magic_link, metadata,
    mfa, rate_limit, reauthenticate, recover, resend, signup, state::State, token, verify,
    verify_link,
};

type Handler = fn(&mut State, &Call) -> Result<Response, AuthError>;

/// Answers everything below `/auth/v1`.
pub(super) async fn dispatch(Extract(shared): Extract<Shared>, request: Request<Body>) -> Response {
    let call = Call::read(request, "/auth/v1").await;
    escape_markup(answer(&shared, call)).await
}

fn answer(shared: &Shared, mut call: Call) -> Response {
    let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if state.config.gateway
        && !gateway::is_open(&call)
        && let Err(refusal) = gateway::admit(&state, &mut call)
    {
        return refusal.into_response();
    }
    let handlers = handlers(&call.path);
    if handlers.is_empty() {
        return not_found();
    }
    match handlers
        .iter()
        .find(|(method, _)| *method == call.method.as_str())
    {
        None => method_not_allowed(handlers),
        Some((_, handler)) => rate_limit::check(&mut state, &call)
            .and_then(|()| handler(&mut state, &call))
            .unwrap_or_else(|error| error.into_response(&call.headers)),
    }
}

/// The methods of a path and what answers them; none for an unknown path. The first method is the
/// one that a 405 names, as recorded.
fn handlers(path: &str) -> &'static [(&'static str, Handler)] {
    match path {
        "/signup" => &[("POST", signup::signup)],
        "/token" => &[("POST", token::token)],
        "/logout" => &[("POST", logout::logout)],
        "/verify" => &[("POST", verify::verify), ("GET", verify_link::open)],
        "/recover" => &[("POST", recover::recover)],
        "/otp" => &[("POST", magic_link::otp)],
        "/magiclink" => &[("POST", magic_link::magic_link)],
        "/reauthenticate" => &[("GET", reauthenticate::reauthenticate)],
        "/resend" => &[("POST", resend::resend)],
        "/user" => &[("GET", account::show), ("PUT", account::update)],
        "/health" => &[("GET", metadata::health)],
        "/settings" => &[("GET", metadata::settings)],
        "/.well-known/jwks.json" => &[("GET", metadata::jwks)],
        "/invite" => &[("POST", invite::invite)],
        "/admin/generate_link" => &[("POST", generate_link::generate)],
        "/admin/users" => &[("GET", admin_list::list), ("POST", admin::create)],
        "/authorize" => &[("GET", authorize::sign_in)],
        "/callback" => &[("GET", callback::callback), ("POST", callback::callback)],
        "/user/identities/authorize" => &[("GET", authorize::link)],
        "/factors" => &[("POST", mfa::enroll)],
        _ => handlers_with_id(path),
    }
}

/// The same, for paths that name a record.
fn handlers_with_id(path: &str) -> &'static [(&'static str, Handler)] {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    if segments.contains(&"") {
        return &[];
    }
    match segments.as_slice() {
        ["user", "identities", _] => &[("DELETE", identities::unlink)],
        ["factors", _] => &[("DELETE", mfa::unenroll)],
        ["factors", _, "challenge"] => &[("POST", challenge::challenge)],
        ["factors", _, "verify"] => &[("POST", challenge::verify)],
        ["admin", "users", _, "factors"] => &[("GET", admin_factors::list)],
        ["admin", "users", _, "factors", _] => &[
            ("PUT", admin_factors::rename),
            ("DELETE", admin_factors::delete),
        ],
        ["admin", "users", _] => &[
            ("GET", admin::show),
            ("PUT", admin::update),
            ("DELETE", admin::delete),
        ],
        _ => &[],
    }
}

/// Writes `<`, `>` and `&` in JSON as Go does, which keeps them out of any HTML.
async fn escape_markup(response: Response) -> Response {
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/json");
    if !is_json {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await;
    let bytes = bytes.unwrap_or_default();
    let mut escaped = String::with_capacity(bytes.len());
    for character in String::from_utf8_lossy(&bytes).chars() {
        match character {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            _ => escaped.push(character),
        }
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, escaped.into())
}

fn not_found() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (StatusCode::NOT_FOUND, headers, "404 page not found\n").into_response()
}

fn method_not_allowed(handlers: &[(&'static str, Handler)]) -> Response {
    let allowed = handlers.first().map_or("", |(method, _)| *method);
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, allowed)]).into_response()
}
