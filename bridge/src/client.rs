//! Two small clients, for images in which there is no other: a health check, and a call every so often.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderValue, Method, Request, StatusCode, Uri, header},
};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    log::{Level, Log},
    redis::{Tls, TlsFiles},
    serve::Signals,
};

/// How long a check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a call may take.
const CALL_TIMEOUT: Duration = Duration::from_mins(1);

/// The largest answer that is read.
const MAX_ANSWER: usize = 1024 * 1024;

/// Where to send requests.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    host: String,
    port: u16,
    is_encrypted: bool,
    authority: HeaderValue,
    path: String,
}

impl Destination {
    /// Reads a URL, or says what one is.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let fault = || "the address is no URL such as http://127.0.0.1:8079/health".to_owned();
        let uri: Uri = url.parse().map_err(|_| fault())?;
        let is_encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(fault()),
        };
        let authority = uri.authority().ok_or_else(fault)?;
        if authority.as_str().contains('@') {
            return Err("a URL with a user or a password is not taken".to_owned());
        }
        let host = authority.host().trim_matches(['[', ']']);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            host: host.to_owned(),
            port: authority
                .port_u16()
                .unwrap_or(if is_encrypted { 443 } else { 80 }),
            is_encrypted,
            authority: authority.as_str().parse().map_err(|_| fault())?,
            path: path.to_owned(),
        })
    }

    /// Sends a request without a body, and reads the whole answer.
    async fn send(&self, method: Method) -> Result<StatusCode, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|error| error.to_string())?;
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = self.path.parse().map_err(|_| "no path".to_owned())?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.authority.clone());
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        if self.is_encrypted {
            let tls = Tls::new(&TlsFiles::default())?;
            exchange(tls.connect(&self.host, stream).await?, request).await
        } else {
            exchange(stream, request).await
        }
    }

    /// The same within `limit`; anything but a 2xx is a failure.
    async fn succeed(&self, method: Method, limit: Duration) -> Result<(), String> {
        match timeout(limit, self.send(method)).await {
            Ok(Ok(status)) if status.is_success() => Ok(()),
            Ok(Ok(status)) => Err(format!("status {status}")),
            Ok(Err(problem)) => Err(problem),
            Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
        }
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Body>,
) -> Result<StatusCode, String> {
    let (mut sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let answer = sender.send_request(request).await;
    let (head, body) = answer.map_err(|error| error.to_string())?.into_parts();
    to_bytes(Body::new(body), MAX_ANSWER)
        .await
        .map_err(|error| error.to_string())?;
    Ok(head.status)
}

/// Whether `url` answers, as a probe asks.
pub(crate) async fn check(destination: &Destination) -> Result<(), String> {
    destination.succeed(Method::GET, CHECK_TIMEOUT).await
}

/// Calls `url` now and every so often, until a signal comes.
pub(crate) async fn call(
    destination: &Destination,
    every: Duration,
    signals: &mut Signals,
    log: Log,
) {
    let path = destination.path.split('?').next().unwrap_or_default();
    let calls = async {
        loop {
            match destination.succeed(Method::POST, CALL_TIMEOUT).await {
                Ok(()) => log.write(Level::Debug, "called", &[("path", path.into())]),
                Err(problem) => log.write(
                    Level::Warn,
                    "call_failed",
                    &[("path", path.into()), ("reason", problem.into())],
                ),
            }
            sleep(every).await;
        }
    };
    tokio::select! {
        () = calls => {}
        () = signals.next() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_urls() {
        let place = |url| {
            let destination = Destination::parse(url).unwrap();
            (destination.host, destination.port, destination.path)
        };
        assert_eq!(
            place("http://[::1]:8079/health?ready"),
            ("::1".to_owned(), 8079, "/health?ready".to_owned())
        );
        assert_eq!(
            place("https://a.example"),
            ("a.example".to_owned(), 443, "/".to_owned())
        );
        for url in ["", "localhost:8079", "ftp://a/", "http://u:p@a/"] {
            assert!(Destination::parse(url).is_err(), "{url}");
        }
    }
}
