//! One place in the pool: a connection that is kept open, and opened again when it ends.
//!
//! Nobody but the keeper opens connections, so any number of requests cost Redis one try at a time. A
//! request that finds none wakes the keeper and waits for what that try comes to.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, watch},
    time::sleep,
};

use super::{
    connect::{Live, Problem, Unfit},
    connector::Connector,
    observer::Observer,
};

/// The pauses between tries: doubled from the first to the last while nobody asks.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The pause that even those who ask wait for.
const LEAST_PAUSE: Duration = Duration::from_millis(10);

/// How the place is.
#[derive(Debug)]
enum State {
    Opening,
    Open(Live),
    /// The number of the try that failed, and why it did.
    Closed(u64, String),
}

/// A place as requests see it.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    state: watch::Receiver<State>,
    wanted: Arc<Notify>,
}

impl Slot {
    /// A place, and what keeps it, which ends only if what is there can never be used.
    pub(super) fn new(
        connector: Arc<Connector>,
        observer: Arc<dyn Observer>,
    ) -> (Self, impl Future<Output = Unfit>) {
        let (sender, state) = watch::channel(State::Opening);
        let wanted = Arc::new(Notify::new());
        let slot = Self {
            state,
            wanted: Arc::clone(&wanted),
        };
        (slot, keep(connector, observer, sender, wanted))
    }

    /// The connection, if there is one.
    pub(super) fn open(&self) -> Option<Live> {
        match &*self.state.borrow() {
            State::Open(live) if !live.is_finished() => Some(live.clone()),
            _ => None,
        }
    }

    /// The connection, or what the next try to open one comes to.
    pub(super) async fn opened(&self) -> Result<Live, String> {
        let mut state = self.state.clone();
        let mut failed = 0;
        if let State::Closed(number, _) = &*state.borrow_and_update() {
            failed = *number;
            self.wanted.notify_one();
        }
        loop {
            match &*state.borrow_and_update() {
                State::Open(live) if !live.is_finished() => return Ok(live.clone()),
                State::Closed(number, problem) if *number > failed => return Err(problem.clone()),
                _ => {}
            }
            if state.changed().await.is_err() {
                return Err("the bridge is stopping".to_owned());
            }
        }
    }
}

async fn keep(
    connector: Arc<Connector>,
    observer: Arc<dyn Observer>,
    state: watch::Sender<State>,
    wanted: Arc<Notify>,
) -> Unfit {
    let mut pause = PAUSES.0;
    let mut failed = 0;
    loop {
        state.send_replace(State::Opening);
        match connector.open().await {
            Ok((live, task)) => {
                pause = PAUSES.0;
                observer.connected(&live.address);
                state.send_replace(State::Open(live));
                // It ends when Redis closes it, or when somebody gives it up.
                let _ = task.await;
                observer.lost();
            }
            Err(Problem::Unfit(unfit)) => return unfit,
            Err(Problem::Other(problem)) => {
                failed += 1;
                observer.unreachable(&problem);
                state.send_replace(State::Closed(failed, problem));
                sleep(LEAST_PAUSE).await;
                tokio::select! {
                    () = sleep(pause) => {}
                    () = wanted.notified() => {}
                }
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
}
