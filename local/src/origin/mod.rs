//! The demo origin: it tells what reached it.
//!
//! Every method and path answers 200 with `{method, path, query, headers: [[name, value], …],
//! body}`: path and query as they stood in the request, header names as hyper gives them (lower
//! case, equal names side by side), the body as text, with `body_base64` beside it where it is no
//! UTF-8. A WebSocket upgrade on any path gets an echo; with `?hello` its first message is that
//! description.
//!
//! A path with the segment `_demo` (`/app/_demo/x`) does as its query says, so that no other query
//! is mistaken:
//!
//! | parameter | what the origin does |
//! |---|---|
//! | `delay_ms=N` | waits before anything else |
//! | `drop` | closes the connection without an answer |
//! | `status=N` | answers with this status |
//! | `header=Name:value` | adds a header; may be repeated, as may the next |
//! | `set-cookie=V`, `cache-control=V`, `redirect=URL` | set these; a redirect is 302 unless `status` says otherwise |
//! | `echo` | streams the request's body back, under its own type |
//! | `bytes=N` | streams N zero bytes |
//! | `chunks=N` | streams `chunk 0` and so on, a line each; `every_ms=M` apart |
//! | `events=N` | the same as server-sent events |
//! | `broken` | with `chunks` or `events`: breaks off instead of ending |

mod demo;
mod socket;

use axum::{
    Json, Router,
    body::{Bytes, to_bytes},
    extract::{FromRequestParts as _, Request, WebSocketUpgrade},
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use self::demo::Demo;

/// The largest body that is read to be described.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// The origin's one route.
pub(crate) fn router() -> Router {
    Router::new().fallback(answer)
}

async fn answer(request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    // Anything but a proper upgrade is an ordinary request.
    if let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        return socket::echo(upgrade, &parts);
    }
    let demo = if is_demo(parts.uri.path()) {
        Demo::parse(&parts)
    } else {
        Ok(Demo::default())
    };
    match demo {
        Ok(demo) => demo.answer(parts, body).await,
        Err(text) => (StatusCode::BAD_REQUEST, Json(json!({ "error": text }))).into_response(),
    }
}

fn is_demo(path: &str) -> bool {
    path.split('/').any(|segment| segment == "_demo")
}

/// The request as JSON, or a refusal of a body that is too large to be told.
async fn describe(parts: &Parts, body: axum::body::Body) -> Response {
    match to_bytes(body, MAX_BODY).await {
        Ok(body) => Json(description(parts, &body)).into_response(),
        Err(error) => (
            StatusCode::PAYLOAD_TOO_LARGE,
            Json(json!({ "error": error.to_string() })),
        )
            .into_response(),
    }
}

fn description(parts: &Parts, body: &Bytes) -> Value {
    let headers: Vec<[String; 2]> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            [
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            ]
        })
        .collect();
    let mut description = json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "body": String::from_utf8_lossy(body),
    });
    if let (Err(_), Some(fields)) = (std::str::from_utf8(body), description.as_object_mut()) {
        fields.insert("body_base64".to_owned(), STANDARD.encode(body).into());
    }
    description
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_a_request_as_it_came() {
        let request = Request::builder()
            .method("PURGE")
            .uri("/a%2Fb/../%c3%a9?x=%20&&y")
            .header("x-b", "1")
            .header("x-a", "2")
            .header("x-b", "3")
            .body(())
            .unwrap();
        let description = description(&request.into_parts().0, &Bytes::from_static(b"\xffz"));
        assert_eq!(
            description,
            json!({
                "method": "PURGE",
                "path": "/a%2Fb/../%c3%a9",
                "query": "x=%20&&y",
                "headers": [["x-b", "1"], ["x-b", "3"], ["x-a", "2"]],
                "body": "\u{fffd}z",
                "body_base64": "/3o=",
            })
        );
    }

    #[test]
    fn only_a_whole_segment_asks_for_a_demonstration() {
        assert!(is_demo("/_demo") && is_demo("/app/_demo/x"));
        assert!(!is_demo("/app/x_demo") && !is_demo("/"));
    }
}
