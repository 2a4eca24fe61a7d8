//! Listens on the loopback addresses and serves a router there.
//!
//! `axum::serve` cannot close a connection without an answer, which a fault must be able to do;
//! hence our own loop.

use std::{io, net::Ipv4Addr, net::Ipv6Addr, pin::pin, time::Duration};

use axum::{Router, http::Response};
use hyper::{body::Incoming, server::conn::http1, service::Service as _, service::service_fn};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

/// How long open requests may go on after the order to stop.
const GRACE: Duration = Duration::from_secs(1);

/// How often a pair of equal ports is looked for when any will do.
const TRIES: usize = 20;

/// Marks a response that must not be sent: the connection closes instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HangUp;

/// One port, on 127.0.0.1 and, where the machine has it, on `::1`: `localhost` may mean either.
#[derive(Debug)]
pub(crate) struct Listener {
    port: u16,
    sockets: Vec<TcpListener>,
}

impl Listener {
    /// Takes `port`, or a free one for 0.
    pub(crate) async fn bind(name: &str, port: u16) -> Result<Self, String> {
        let mut tries = if port == 0 { TRIES } else { 1 };
        loop {
            tries -= 1;
            match Self::bind_both(port).await {
                Ok(listener) => return Ok(listener),
                Err(error) if tries == 0 => {
                    return Err(format!("cannot listen on port {port} for {name}: {error}"));
                }
                Err(_) => {}
            }
        }
    }

    async fn bind_both(port: u16) -> io::Result<Self> {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = first.local_addr()?.port();
        let mut sockets = vec![first];
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(second) => sockets.push(second),
            // Somebody else there would get half of the requests to `localhost`.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(_) => {}
        }
        Ok(Self { port, sockets })
    }

    /// The address to tell a client.
    pub(crate) fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Serves until `stop` says so, then lets open requests end within [`GRACE`].
    pub(crate) async fn serve(self, router: Router, stop: watch::Receiver<bool>) {
        let mut loops = JoinSet::new();
        for socket in self.sockets {
            loops.spawn(accept(socket, router.clone(), stop.clone()));
        }
        while loops.join_next().await.is_some() {}
    }
}

async fn accept(socket: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            Some(_) = connections.join_next() => {}
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, router.clone(), stop.clone()));
                }
                // Out of file handles, most likely: others must close first.
                Err(_) => sleep(Duration::from_millis(20)).await,
            },
        }
    }
    drop(socket);
    // What is still open after the grace is cut off when the set is dropped.
    let _ = timeout(GRACE, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
}

async fn converse(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    // Without it a small answer may wait for the client's acknowledgement of the last one.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let answer = router.call(request);
        async move {
            match answer.await {
                Ok(response) => send_or_hang_up(response),
                Err(never) => match never {},
            }
        }
    });
    let connection = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // How a connection ends is the client's affair; there is nobody to tell.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Hyper closes a connection without a word when its service fails.
fn send_or_hang_up<B>(response: Response<B>) -> Result<Response<B>, io::Error> {
    match response.extensions().get::<HangUp>() {
        Some(HangUp) => Err(io::ErrorKind::ConnectionAborted.into()),
        None => Ok(response),
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A lost sender means that the program ends, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn any_port_is_a_real_one_and_a_taken_port_is_refused_with_its_name() {
        let listener = Listener::bind("the bridge", 0).await.unwrap();
        assert_ne!(listener.port, 0);
        let refused = Listener::bind("the origin", listener.port)
            .await
            .unwrap_err();
        assert!(
            refused.contains("the origin") && refused.contains(&listener.port.to_string()),
            "{refused}"
        );
    }

    #[test]
    fn a_marked_response_is_not_sent() {
        let mut response = Response::new(());
        assert!(send_or_hang_up(response.clone()).is_ok());
        response.extensions_mut().insert(HangUp);
        assert!(send_or_hang_up(response).is_err());
    }
}
