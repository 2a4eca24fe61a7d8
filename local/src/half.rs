//! Answers that end in their middle.

use std::{future::pending, io};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody as _},
    http::header,
    response::Response,
};
use futures_util::{StreamExt as _, stream::unfold};
use tokio::task::yield_now;

use crate::serve::HangUp;

/// No answer at all: the connection closes.
pub(crate) fn hung_up() -> Response {
    let mut unsent = Response::new(Body::empty());
    unsent.extensions_mut().insert(HangUp);
    unsent
}

/// The head and half the body, whereupon the connection breaks; where there is no body, no head
/// either.
pub(crate) fn cut(response: Response) -> Response {
    if response.body().is_end_stream() {
        return hung_up();
    }
    halved(response, async || {
        // Time for what was said so far to leave.
        yield_now().await;
        io::ErrorKind::ConnectionAborted.into()
    })
}

/// The head and half the body, whereupon nothing more comes; where there is no body, no head
/// either.
pub(crate) async fn stall(response: Response) -> Response {
    if response.body().is_end_stream() {
        pending::<()>().await;
    }
    halved(response, pending)
}

/// How far a body has come, and how much of it may still pass.
struct Half {
    body: BodyDataStream,
    left: Left,
}

enum Left {
    Bytes(usize),
    /// The size is not known beforehand: one piece is as good as a half.
    Piece,
}

fn halved<End>(response: Response, end: impl Fn() -> End + Send + 'static) -> Response
where
    End: Future<Output = io::Error> + Send + 'static,
{
    let (mut head, body) = response.into_parts();
    let size = body.size_hint().exact();
    if let Some(size) = size {
        // The head promises the whole.
        head.headers.insert(header::CONTENT_LENGTH, size.into());
    }
    let half = Half {
        left: size.map_or(Left::Piece, |size| {
            Left::Bytes(usize::try_from(size / 2).unwrap_or(usize::MAX))
        }),
        body: body.into_data_stream(),
    };
    let pieces = unfold((half, end), async |(mut half, end)| {
        let piece = match half.next().await {
            Some(piece) => Ok(piece),
            None => Err(end().await),
        };
        Some((piece, (half, end)))
    });
    Response::from_parts(head, Body::from_stream(pieces))
}

impl Half {
    async fn next(&mut self) -> Option<Bytes> {
        if matches!(self.left, Left::Bytes(0)) {
            return None;
        }
        let mut piece = self.body.next().await?.ok()?;
        self.left = match self.left {
            Left::Piece => Left::Bytes(0),
            Left::Bytes(left) => {
                piece.truncate(left);
                Left::Bytes(left - piece.len())
            }
        };
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::response::IntoResponse as _;
    use futures_util::stream;
    use tokio::time::timeout;

    use super::*;

    /// What comes of a body, and whether it then breaks off, or is silent.
    async fn received(response: Response) -> (Vec<u8>, Option<bool>) {
        let mut body = response.into_body().into_data_stream();
        let mut bytes = Vec::new();
        loop {
            match timeout(Duration::from_millis(50), body.next()).await {
                Ok(Some(Ok(piece))) => bytes.extend(piece),
                Ok(Some(Err(_))) => return (bytes, Some(true)),
                Ok(None) => return (bytes, Some(false)),
                Err(_) => return (bytes, None),
            }
        }
    }

    #[tokio::test]
    async fn half_of_a_body_passes_under_the_length_of_the_whole() {
        let response = cut("123456".into_response());
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "6");
        assert_eq!(received(response).await, (b"123".to_vec(), Some(true)));
        assert_eq!(
            received(stall("123456".into_response()).await).await,
            (b"123".to_vec(), None)
        );
    }

    #[tokio::test]
    async fn of_a_body_without_a_length_one_piece_passes() {
        let pieces = ["12", "34"].map(|piece| Ok::<_, io::Error>(Bytes::from(piece)));
        let response = Response::new(Body::from_stream(stream::iter(pieces)));
        assert_eq!(received(cut(response)).await, (b"12".to_vec(), Some(true)));
    }

    #[tokio::test]
    async fn an_answer_without_a_body_does_not_come() {
        let empty = || Response::new(Body::empty());
        assert!(cut(empty()).extensions().get::<HangUp>().is_some());
        let silent = timeout(Duration::from_millis(50), stall(empty())).await;
        assert!(silent.is_err());
    }
}
