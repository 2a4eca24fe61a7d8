//! The layer around every companion: `/faults` and `/counters`, and what they rule.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    counters::Counters,
    faults::{Effect, End, Fault, Faults},
    half::{cut, hung_up, stall},
};

/// The longest order that `/faults` reads.
const MAX_ORDER: usize = 64 * 1024;

/// Names the kind of a request, under which it is counted; none for a control of the companion's
/// own, which is neither counted nor hit by a fault.
type Kind = fn(&Parts) -> Option<String>;

#[derive(Clone)]
struct Control {
    faults: Arc<Faults>,
    counters: Arc<Counters>,
    kind: Kind,
}

/// Puts the layer around `router`.
pub(crate) fn control(router: Router, counters: Arc<Counters>, kind: Kind) -> Router {
    let control = Control {
        faults: Arc::new(Faults::default()),
        counters,
        kind,
    };
    router.layer(from_fn_with_state(control, pass))
}

/// The kind of a request to a service known by its paths: the method and up to `depth` segments.
pub(crate) fn method_and_path(parts: &Parts, depth: usize) -> String {
    let segments = parts.uri.path().split('/').skip(1).take(depth);
    segments.fold(format!("{} ", parts.method), |kind, segment| {
        kind + "/" + segment
    })
}

async fn pass(State(control): State<Control>, request: Request, next: Next) -> Response {
    match request.uri().path() {
        "/faults" => return faults(&control.faults, request).await,
        "/counters" => return counters(&control.counters, request.method()),
        _ => {}
    }
    let (parts, body) = request.into_parts();
    let Some(kind) = (control.kind)(&parts) else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    // Counted before the fault, so that a refused request shows, too.
    control.counters.request(&kind);
    let effect = control.faults.take(parts.uri.path());
    let request = Request::from_parts(parts, body);
    let Some(Effect { latency, end }) = effect else {
        return next.run(request).await;
    };
    sleep(latency).await;
    match end {
        End::Served => next.run(request).await,
        End::Status(status) => failed(status),
        End::Dropped => hung_up(),
        End::Garbage => garbage(),
        End::Cut => cut(next.run(request).await),
        End::Stalled => stall(next.run(request).await).await,
    }
}

async fn faults(faults: &Faults, request: Request) -> Response {
    match *request.method() {
        Method::POST => {
            let order = to_bytes(request.into_body(), MAX_ORDER)
                .await
                .map_err(|error| error.to_string());
            match order.and_then(|order| Fault::parse(&order)) {
                Ok(fault) => {
                    faults.set(Some(fault.clone()));
                    Json(fault).into_response()
                }
                Err(text) => {
                    (StatusCode::BAD_REQUEST, Json(json!({ "error": text }))).into_response()
                }
            }
        }
        Method::DELETE => {
            faults.set(None);
            StatusCode::NO_CONTENT.into_response()
        }
        Method::GET => match faults.current() {
            Some(fault) => Json(fault).into_response(),
            None => Json(json!({})).into_response(),
        },
        _ => not_allowed("GET, POST, DELETE"),
    }
}

fn counters(counters: &Counters, method: &Method) -> Response {
    match *method {
        Method::GET => Json(counters.to_json()).into_response(),
        _ => not_allowed("GET"),
    }
}

fn not_allowed(allow: &'static str) -> Response {
    let error = Json(json!({ "error": format!("only {allow} here") }));
    (
        StatusCode::METHOD_NOT_ALLOWED,
        [(header::ALLOW, allow)],
        error,
    )
        .into_response()
}

/// An answer whose bytes are text of no protocol: neither JSON nor UTF-8.
fn garbage() -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, b"\xff{garbage on order".as_slice()).into_response()
}

/// An answer that a client of any of the companions reads as an error of theirs.
fn failed(status: StatusCode) -> Response {
    if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        return status.into_response();
    }
    let text = format!("fault on order: {status}");
    let body = json!({
        "error": text,
        "code": status.as_u16(),
        "error_code": "unexpected_failure",
        "msg": text,
    });
    let mut response = (status, Json(body)).into_response();
    if status == StatusCode::TOO_MANY_REQUESTS {
        let seconds = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_s_kind_is_its_method_and_the_first_segments_of_its_path() {
        let kind = |path: &str, depth| {
            let (parts, ()) = Request::builder().uri(path).body(()).unwrap().into_parts();
            method_and_path(&parts, depth)
        };
        assert_eq!(kind("/auth/v1/admin/users/7?x=1", 3), "GET /auth/v1/admin");
        assert_eq!(kind("/app/x", 1), "GET /app");
        assert_eq!(kind("/", 1), "GET /");
    }
}
