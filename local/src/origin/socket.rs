//! An echo over a WebSocket.

use axum::{
    body::Bytes,
    extract::{
        WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderValue, header, request::Parts},
    response::Response,
};

/// Accepts the upgrade, with the first subprotocol that the client offers, and sends back every
/// message.
pub(super) fn echo(upgrade: WebSocketUpgrade, parts: &Parts) -> Response {
    let offered = parts
        .headers
        .get(header::SEC_WEBSOCKET_PROTOCOL)
        .and_then(|value| value.to_str().ok());
    let protocol = offered
        .and_then(|list| list.split(',').next())
        .map(|name| name.trim().to_owned());
    let hello = parts
        .uri
        .query()
        .is_some_and(|query| query.split('&').any(|name| name == "hello"));
    let hello = hello.then(|| super::description(parts, &Bytes::new()).to_string());
    let upgrade = match protocol {
        Some(protocol) => upgrade.protocols([protocol]),
        None => upgrade,
    };
    let mut response = upgrade.on_upgrade(|socket| converse(socket, hello));
    // A test can tell that the origin itself accepted.
    response
        .headers_mut()
        .insert("x-origin", HeaderValue::from_static("demo"));
    response
}

async fn converse(mut socket: WebSocket, hello: Option<String>) {
    if let Some(hello) = hello
        && socket.send(Message::text(hello)).await.is_err()
    {
        return;
    }
    while let Some(Ok(message)) = socket.recv().await {
        let echo = match message {
            Message::Text(_) | Message::Binary(_) => message,
            // Answered by the library.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => continue,
        };
        if socket.send(echo).await.is_err() {
            return;
        }
    }
}
