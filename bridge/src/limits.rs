//! Back-pressure: how much may be on its way at once, and what becomes of the rest.
//!
//! Past a limit a request is refused at once; nothing queues. What counts is what Redis still owes: a
//! request whose client has left goes on, and keeps its place, until Redis has answered or is late.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use http_body::{Frame, SizeHint};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::{
    drain::Drain,
    log::{Level, Log},
    memory::{Held, Memory},
    metrics::{self, Metrics, result},
    refusal::OVERLOADED,
    reply,
};

/// How many bodies of the largest size there is memory for.
const BODIES: usize = 64;

/// What the layer needs to know.
#[derive(Debug)]
pub(crate) struct Limits {
    in_flight: Arc<Semaphore>,
    memory: Memory,
    max_body: usize,
    metrics: Arc<Metrics>,
    drain: Arc<Drain>,
    log: Log,
}

/// A request's place among those on their way.
struct Place {
    _one: OwnedSemaphorePermit,
    _bytes: Held,
    metrics: Arc<Metrics>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
    }
}

impl Limits {
    pub(crate) fn new(
        max_in_flight: usize,
        max_body: usize,
        metrics: Arc<Metrics>,
        drain: Arc<Drain>,
        log: Log,
    ) -> Self {
        Self {
            in_flight: Arc::new(Semaphore::new(max_in_flight)),
            memory: Memory::new(max_body.saturating_mul(BODIES)),
            max_body,
            metrics,
            drain,
            log,
        }
    }

    /// A place for the request, or what there is too much of.
    fn place(&self, request: &Request) -> Result<Place, &'static str> {
        let one = Arc::clone(&self.in_flight).try_acquire_owned();
        let one = one.map_err(|_| "in_flight")?;
        let size = request.body().size_hint().upper();
        let size = size.and_then(|size| usize::try_from(size).ok());
        let bytes = self
            .memory
            .take(size.unwrap_or(self.max_body).min(self.max_body));
        let bytes = bytes.ok_or("bytes")?;
        self.metrics.in_flight.inc();
        Ok(Place {
            _one: one,
            _bytes: bytes,
            metrics: Arc::clone(&self.metrics),
        })
    }

    /// The answer, whose bytes count until they are sent.
    fn counted(&self, response: Response) -> Response {
        // Only memory is what the protocol itself can lack.
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            return self.refused("bytes");
        }
        let size = response.body().size_hint().exact().unwrap_or(0);
        match self
            .memory
            .take(usize::try_from(size).unwrap_or(usize::MAX))
        {
            Some(held) => response.map(|body| {
                let held = Arc::new(held);
                Body::new(Counted { body, held })
            }),
            None => self.refused("bytes"),
        }
    }

    fn refused(&self, reason: &'static str) -> Response {
        self.metrics.refused.with_label_values(&[reason]).inc();
        let mut response = reply::error(StatusCode::SERVICE_UNAVAILABLE, OVERLOADED);
        let second = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, second);
        response
    }
}

/// The layer.
pub(crate) async fn limit(
    State(limits): State<Arc<Limits>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let kind = metrics::kind(request.uri().path());
    let mut response = match limits.place(&request) {
        Err(reason) => {
            let response = limits.refused(reason);
            tell(&limits, kind, &response, started);
            response
        }
        Ok(place) => {
            let limits = Arc::clone(&limits);
            request.extensions_mut().insert(limits.memory.clone());
            // A task of its own, because this one ends when the client leaves.
            let answered = tokio::spawn(async move {
                let response = next.run(request).await;
                drop(place);
                let response = limits.counted(response);
                tell(&limits, kind, &response, started);
                response
            });
            answered.await.unwrap_or_else(|_| {
                reply::error(StatusCode::INTERNAL_SERVER_ERROR, "ERR internal error")
            })
        }
    };
    if limits.drain.is_on() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

fn tell(limits: &Limits, kind: &str, response: &Response, started: Instant) {
    let duration = started.elapsed();
    limits.metrics.answered(response.status(), duration);
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    limits.log.write(
        Level::Debug,
        "request",
        &[
            ("route", kind.into()),
            ("status", response.status().as_u16().into()),
            ("outcome", result(response.status()).into()),
            ("duration_ms", duration_ms.into()),
        ],
    );
}

/// A body whose bytes count among those in memory: until they are sent, which is after the body has ended.
struct Counted {
    body: Body,
    held: Arc<Held>,
}

/// Bytes that count.
struct Owned {
    bytes: Bytes,
    _held: Arc<Held>,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        frame.map_ok(|frame| {
            frame.map_data(|bytes| {
                let held = Arc::clone(&self.held);
                Bytes::from_owner(Owned { bytes, _held: held })
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(max_in_flight: usize, max_body: usize) -> Limits {
        let log = Log {
            least: Level::Error,
        };
        let metrics = Arc::new(Metrics::new().unwrap());
        Limits::new(max_in_flight, max_body, metrics, Arc::default(), log)
    }

    fn request(body: usize) -> Request {
        Request::new(Body::from(vec![b'x'; body]))
    }

    #[test]
    fn there_are_only_so_many_places_and_each_is_given_back() {
        let limits = limits(2, 100);
        let first = limits.place(&request(1));
        let second = limits.place(&request(1));
        assert_eq!(limits.metrics.in_flight.get(), 2);
        assert_eq!(limits.place(&request(1)).err(), Some("in_flight"));
        drop((first, second));
        assert_eq!(limits.metrics.in_flight.get(), 0);
        assert!(limits.place(&request(1)).is_ok());
    }

    #[test]
    fn bytes_count_whether_they_come_or_go() {
        let limits = limits(1000, 10);
        let bodies: Vec<_> = (0..64)
            .map(|_| limits.place(&request(1000)).unwrap())
            .collect();
        assert_eq!(limits.place(&request(1)).err(), Some("bytes"));
        let refused = limits.counted(Response::new(Body::from("x")));
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
        drop(bodies);
        let large = limits.counted(Response::new(Body::from("x".repeat(640))));
        assert_eq!(large.status(), StatusCode::OK);
        assert_eq!(large.body().size_hint().exact(), Some(640));
        assert_eq!(limits.place(&request(1)).err(), Some("bytes"));
        drop(large);
        assert!(limits.place(&request(1)).is_ok());
    }
}
