//! Finds the handler of a request, after the gateway let it in.

use std::sync::PoisonError;

use axum::{
    body::Body,
    extract::State as Extract,
    http::{Request, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Shared, account, admin, call::Call, error::AuthError, gateway, logout, metadata, recover,
    resend, signup, state::State, token, verify, verify_link,
};

type Handler = fn(&mut State, &Call) -> Result<Response, AuthError>;

/// Answers everything below `/auth/v1`.
pub(super) async fn dispatch(Extract(shared): Extract<Shared>, request: Request<Body>) -> Response {
    let mut call = Call::read(request).await;
    let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if state.config.gateway
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
        Some((_, handler)) => match handler(&mut state, &call) {
            Ok(response) => response,
            Err(error) => error.into_response(&call.headers),
        },
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
        "/resend" => &[("POST", resend::resend)],
        "/user" => &[("GET", account::show), ("PUT", account::update)],
        "/health" => &[("GET", metadata::health)],
        "/settings" => &[("GET", metadata::settings)],
        "/.well-known/jwks.json" => &[("GET", metadata::jwks)],
        "/admin/users" => &[("POST", admin::create)],
        _ if is_admin_user(path) => &[
            ("GET", admin::show),
            ("PUT", admin::update),
            ("DELETE", admin::delete),
        ],
        _ => &[],
    }
}

fn is_admin_user(path: &str) -> bool {
    path.strip_prefix(admin::USERS)
        .is_some_and(|id| !id.is_empty() && !id.contains('/'))
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
