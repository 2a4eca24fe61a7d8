//! What a path with `_demo` can make the origin do.

use std::{io, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::Query,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use futures_util::{Stream, stream::unfold};
use tokio::{task::yield_now, time::sleep};

use crate::serve::HangUp;

/// A piece of a large body.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The body that is asked for.
#[derive(Debug, Default, PartialEq, Eq)]
enum Content {
    /// The description of the request.
    #[default]
    Description,
    /// The request's own body.
    Echo,
    /// So many zero bytes.
    Zeros(u64),
    /// So many lines, one by one.
    Chunks(u64),
    /// So many server-sent events, one by one.
    Events(u64),
}

/// An answer made to order.
#[derive(Debug, Default)]
pub(super) struct Demo {
    delay: Duration,
    drop: bool,
    status: Option<StatusCode>,
    headers: Vec<(HeaderName, HeaderValue)>,
    content: Content,
    every: Duration,
    broken: bool,
}

impl Demo {
    /// Reads the query, or says which parameter is wrong.
    pub(super) fn parse(parts: &Parts) -> Result<Self, String> {
        let Query(parameters) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| error.to_string())?;
        let mut demo = Self::default();
        for (name, value) in &parameters {
            demo.set(name, value)
                .ok_or_else(|| format!("{name}={value} is not known to the demo origin"))?;
        }
        Ok(demo)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        let millis = || value.parse().ok().map(Duration::from_millis);
        match name {
            "delay_ms" => self.delay = millis()?,
            "every_ms" => self.every = millis()?,
            "drop" => self.drop = true,
            "broken" => self.broken = true,
            "status" => self.status = Some(final_status(value)?),
            "echo" => self.content = Content::Echo,
            "bytes" => self.content = Content::Zeros(value.parse().ok()?),
            "chunks" => self.content = Content::Chunks(value.parse().ok()?),
            "events" => self.content = Content::Events(value.parse().ok()?),
            "set-cookie" | "cache-control" => self.add(name, value)?,
            "redirect" => {
                self.status = self.status.or(Some(StatusCode::FOUND));
                self.add("location", value)?;
            }
            "header" => {
                let (name, value) = value.split_once(':')?;
                self.add(name, value.trim())?;
            }
            _ => return None,
        }
        Some(())
    }

    fn add(&mut self, name: &str, value: &str) -> Option<()> {
        self.headers.push((name.parse().ok()?, value.parse().ok()?));
        Some(())
    }

    /// Does as told.
    pub(super) async fn answer(self, parts: Parts, body: Body) -> Response {
        if !self.delay.is_zero() {
            sleep(self.delay).await;
        }
        let plain = "text/plain; charset=utf-8";
        let mut response = match self.content {
            Content::Description => super::describe(&parts, body).await,
            Content::Echo => {
                let kind = parts.headers.get(header::CONTENT_TYPE).cloned();
                (
                    [(
                        header::CONTENT_TYPE,
                        kind.unwrap_or(HeaderValue::from_static(plain)),
                    )],
                    body,
                )
                    .into_response()
            }
            Content::Zeros(size) => {
                let headers = [
                    (
                        header::CONTENT_TYPE,
                        HeaderValue::from_static("application/octet-stream"),
                    ),
                    (header::CONTENT_LENGTH, size.into()),
                ];
                (headers, Body::from_stream(zeros(size))).into_response()
            }
            Content::Chunks(count) => {
                let lines = paced(count, self.every, self.broken, |number| {
                    format!("chunk {number}\n")
                });
                ([(header::CONTENT_TYPE, plain)], Body::from_stream(lines)).into_response()
            }
            Content::Events(count) => {
                let events = paced(count, self.every, self.broken, |number| {
                    format!("id: {number}\ndata: event {number}\n\n")
                });
                (
                    [(header::CONTENT_TYPE, "text/event-stream")],
                    Body::from_stream(events),
                )
                    .into_response()
            }
        };
        if let Some(status) = self.status {
            *response.status_mut() = status;
        }
        response.headers_mut().extend(self.headers);
        if self.drop {
            response.extensions_mut().insert(HangUp);
        }
        response
    }
}

/// A status that ends an exchange; those under 200 do not.
fn final_status(value: &str) -> Option<StatusCode> {
    value
        .parse()
        .ok()
        .filter(|status: &StatusCode| !status.is_informational())
}

fn zeros(size: u64) -> impl Stream<Item = io::Result<Bytes>> {
    unfold(size, async |left| {
        let piece = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
        let rest = left - u64::try_from(piece).ok()?;
        let bytes = Bytes::from_static(ZEROS.get(..piece)?);
        (piece > 0).then_some((Ok(bytes), rest))
    })
}

/// `count` pieces with a pause before each but the first; at the end perhaps an error, which breaks
/// the body off.
fn paced(
    count: u64,
    every: Duration,
    broken: bool,
    piece: impl Fn(u64) -> String + Copy + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> {
    unfold(0, move |number| async move {
        if number > count || (number == count && !broken) {
            return None;
        }
        if number > 0 && !every.is_zero() {
            sleep(every).await;
        }
        let item = if number == count {
            // Time for what was said so far to leave.
            yield_now().await;
            Err(io::ErrorKind::ConnectionAborted.into())
        } else {
            Ok(Bytes::from(piece(number)))
        };
        Some((item, number + 1))
    })
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, http::Request};

    use super::*;

    async fn answer(query: &str) -> (StatusCode, Vec<(String, String)>, Option<String>) {
        let (parts, ()) = Request::builder()
            .uri(format!("/_demo?{query}"))
            .body(())
            .unwrap()
            .into_parts();
        let response = Demo::parse(&parts)
            .unwrap()
            .answer(parts, Body::from("sent"))
            .await;
        let (parts, body) = response.into_parts();
        let headers = parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let body = to_bytes(body, usize::MAX)
            .await
            .ok()
            .map(|body| String::from_utf8(body.to_vec()).unwrap());
        (parts.status, headers.collect(), body)
    }

    #[tokio::test]
    async fn answers_with_the_status_and_the_headers_that_are_asked_for() {
        let (status, headers, _) =
            answer("status=404&set-cookie=a%3D1&set-cookie=b%3D2&header=X-Y:+z").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let expected = [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-y", "z")];
        for (name, value) in expected {
            assert!(
                headers.contains(&(name.to_owned(), value.to_owned())),
                "{name}: {value}"
            );
        }
        assert_eq!(answer("redirect=/x").await.0, StatusCode::FOUND);
        assert_eq!(
            answer("redirect=/x&status=307").await.0,
            StatusCode::TEMPORARY_REDIRECT
        );
    }

    #[tokio::test]
    async fn streams_what_is_asked_for_and_breaks_off_when_told() {
        assert_eq!(answer("echo").await.2.as_deref(), Some("sent"));
        assert_eq!(
            answer("bytes=100000").await.2.map(|body| body.len()),
            Some(100_000)
        );
        assert_eq!(
            answer("chunks=2").await.2.as_deref(),
            Some("chunk 0\nchunk 1\n")
        );
        assert_eq!(
            answer("events=1").await.2.as_deref(),
            Some("id: 0\ndata: event 0\n\n")
        );
        assert_eq!(answer("chunks=2&broken").await.2, None);
    }

    #[test]
    fn refuses_a_parameter_that_it_does_not_know() {
        for query in [
            "statuss=1",
            "status=100",
            "status=x",
            "header=x",
            "chunks=-1",
        ] {
            let (parts, ()) = Request::builder()
                .uri(format!("/_demo?{query}"))
                .body(())
                .unwrap()
                .into_parts();
            assert!(Demo::parse(&parts).is_err(), "{query}");
        }
    }
}
