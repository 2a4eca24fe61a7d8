//! Accepts connections and serves them, until it is told to stop.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use futures_util::FutureExt as _;
use hyper::{body::Incoming, server::conn::http1, service::Service as _, service::service_fn};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::{
    drain::{Drain, notice},
    metrics::Metrics,
    patience::{Busy, Patient, Waits},
};

/// The largest head of a request.
const MAX_HEAD: usize = 32 * 1024;

/// How long a connection that seems idle is still listened to at the end: its client may have sent a request
/// before it could know.
const LAST_LOOK: Duration = Duration::from_millis(100);

/// What serving needs beside what is served.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) drain: Arc<Drain>,
    pub(crate) metrics: Arc<Metrics>,
    /// How many connections may be open.
    pub(crate) max_connections: usize,
    /// How long a stop may take.
    pub(crate) budget: Duration,
}

/// The signals that order a stop.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The connections of clients.
struct Connections {
    open: JoinSet<()>,
    router: Router,
    metrics: Arc<Metrics>,
    stop: watch::Sender<bool>,
    max: usize,
}

impl Server {
    /// Serves until a signal comes and what was under way is finished; tells how many requests had to be cut
    /// off. `stopping` is called once, at the signal.
    pub(crate) async fn run(self, signals: &mut Signals, stopping: impl FnOnce()) -> i64 {
        let mut connections = Connections {
            open: JoinSet::new(),
            router: self.router,
            metrics: self.metrics,
            stop: watch::Sender::new(false),
            max: self.max_connections,
        };
        connections.accept(&self.listener, signals.next()).await;
        let deadline = Instant::now() + self.budget;
        let noticed = Instant::now() + notice(self.budget);
        self.drain.begin();
        stopping();
        // A second signal ends it at once.
        let end = async {
            tokio::select! {
                () = sleep_until(deadline) => {}
                () = signals.next() => {}
            }
        };
        let end = end.shared();
        let accepting = async {
            tokio::select! {
                () = sleep_until(noticed) => {}
                () = end.clone() => {}
            }
        };
        connections.accept(&self.listener, accepting).await;
        // Whoever the system has let in already is served, too.
        while let Some(Ok((stream, _))) = self.listener.accept().now_or_never() {
            connections.add(stream);
        }
        drop(self.listener);
        let _ = connections.stop.send(true);
        tokio::select! {
            () = async { while connections.open.join_next().await.is_some() {} } => {}
            () = end => {}
        }
        connections.metrics.in_flight.get()
    }
}

impl Connections {
    async fn accept(&mut self, listener: &TcpListener, until: impl Future<Output = ()>) {
        let mut until = pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return,
                Some(_) = self.open.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => self.add(stream),
                    // Out of file handles, most likely: others must close first.
                    Err(_) => sleep(Duration::from_millis(20)).await,
                },
            }
        }
    }

    fn add(&mut self, stream: TcpStream) {
        while self.open.try_join_next().is_some() {}
        if self.open.len() >= self.max {
            self.metrics
                .refused
                .with_label_values(&["connections"])
                .inc();
            return;
        }
        let metrics = Arc::clone(&self.metrics);
        let conversation = converse(stream, self.router.clone(), self.stop.subscribe());
        metrics.connections.inc();
        self.open.spawn(async move {
            conversation.await;
            metrics.connections.dec();
        });
    }
}

async fn converse(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) {
    // Without it a small answer may wait for the client's acknowledgement of the last one.
    let _ = stream.set_nodelay(true);
    let busy = Busy::default();
    let stream = Patient::new(stream, Waits::default(), busy.clone());
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        busy.set(true);
        let answer = router.call(request);
        let busy = busy.clone();
        async move {
            let answer = answer.await;
            busy.set(false);
            answer
        }
    });
    let connection = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // How a connection ends is the client's affair; there is nobody to tell.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stopped(&mut stop) => {
            if timeout(LAST_LOOK, connection.as_mut()).await.is_err() {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A lost sender means that the program ends, too.
    let _ = stop.wait_for(|stop| *stop).await;
}
