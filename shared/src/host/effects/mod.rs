//! The environment of both workers: their code awaits no JavaScript.
//!
//! A request is an ordinary future. When it waits for something, the future is kept here under an
//! id and a description of the wait, an [`Effect`], goes out; whoever performs it comes back with
//! the result, and the future goes on. So a request crosses into wasm once to start and once for
//! each wait, and no promise or closure is ever held on this side.
//!
//! The idea is that of sans-I/O protocol libraries. The runner is our own, because the library
//! that does this (`asansio`) passes its messages through a waker by untyped pointers, which this
//! workspace forbids, and keeps no set of waiting tasks.
//!
//! A client that goes away leaves its future here, never to be resumed. [`Runner::start`]
//! therefore drops those that have waited longer than their effect can take.

mod effect;
mod environment;
mod lines;
mod pool;
#[cfg(test)]
mod tests;
pub mod wire;

use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::collections::VecDeque;

pub use self::{
    effect::{Awaited, Effect, EffectResult},
    environment::EffectHost,
    lines::Lines,
};
use super::Clock;
use crate::timestamp::Timestamp;

/// Time beyond an effect's own after which nobody will come back with its result.
const GRACE: Duration = Duration::from_secs(10);
/// The most futures that wait at once; past it new ones are [not let in](Runner::has_room). With all
/// that the platform keeps around each, some 20 KB, they take most of an isolate's 128 MB.
const CAPACITY: usize = 4_000;
/// The time after which one makes room for a new one: most likely its client is gone. An honest one gets
/// an error then, but nobody can keep all others out by asking for what is slow, and leaving.
const LONG: Duration = Duration::from_secs(10);
/// Abandoned futures are looked for no oftener than this.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Where a future stands after it was started or resumed.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<T> {
    /// Log lines written since the last step.
    pub log: Vec<String>,
    /// What it waits for, or what it came to.
    pub state: State<T>,
}

/// See [`Step`].
#[derive(Debug, PartialEq, Eq)]
pub enum State<T> {
    /// It waits for `effect`; [`Runner::resume`] with `id` goes on.
    Waiting {
        /// The future's id.
        id: u32,
        /// What it waits for.
        effect: Effect,
    },
    /// It is done. `background` is what goes on after the response has been sent, if anything.
    Done {
        /// What the future returned.
        output: T,
        /// The first wait of the background work.
        background: Option<(u32, Effect)>,
    },
    /// A background future is done.
    Finished,
    /// Nobody knows this id: its future was reclaimed, or belonged to another instance.
    Unknown,
    /// The future waits for something that is no effect. This is a bug; the request is refused.
    Stalled,
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// All futures of an isolate that wait for an effect.
pub struct Runner<T> {
    next_id: u32,
    next_sweep: Timestamp,
    /// In the order of their ids. A queue is much less code than a map, and there are few: whoever
    /// is to go on came lately.
    waiting: VecDeque<Box<Waiting<T>>>,
}

struct Waiting<T> {
    id: u32,
    task: Task<T>,
    host: EffectHost,
    awaited: Awaited,
    since: Timestamp,
    reclaim_at: Timestamp,
}

enum Task<T> {
    Request(BoxFuture<T>),
    Background(BoxFuture<()>),
}

impl<T> fmt::Debug for Runner<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runner({} waiting)", self.waiting.len())
    }
}

impl<T> Default for Runner<T> {
    fn default() -> Self {
        Self {
            next_id: 0,
            next_sweep: Timestamp::default(),
            waiting: VecDeque::new(),
        }
    }
}

/// Does `work`, which waits for nothing, in an environment at `now`. Gives what it logged.
pub fn at_once(now: Timestamp, work: impl FnOnce(&EffectHost)) -> Vec<String> {
    let host = EffectHost::new(now);
    work(&host);
    host.take_log()
}

// === impl Runner ===

impl<T> Runner<T> {
    /// Starts the future that `make` builds over its environment, and drives it to its first wait.
    pub fn start<F>(&mut self, now: Timestamp, make: impl FnOnce(EffectHost) -> F) -> Step<T>
    where
        F: Future<Output = T> + 'static,
    {
        self.reclaim(now);
        let host = EffectHost::new(now);
        let task = Task::Request(Box::pin(make(host.clone())));
        self.drive(task, &host)
    }

    /// Goes on with the future `id`, whose effect came to what `result` makes of its kind.
    pub fn resume(
        &mut self,
        now: Timestamp,
        id: u32,
        result: impl FnOnce(Awaited) -> EffectResult,
    ) -> Step<T> {
        let Some(waiting) = self.take(id) else {
            return Step {
                log: Vec::new(),
                state: State::Unknown,
            };
        };
        let Waiting {
            task,
            host,
            awaited,
            ..
        } = *waiting;
        host.answer(now, result(awaited));
        self.drive(task, &host)
    }

    fn take(&mut self, id: u32) -> Option<Box<Waiting<T>>> {
        // Ids begin anew at the end of their numbers, so each counts from the first.
        let first = self.waiting.front()?.id;
        let found = self
            .waiting
            .binary_search_by_key(&id.wrapping_sub(first), |waiting| {
                waiting.id.wrapping_sub(first)
            });
        self.waiting.remove(found.ok()?)
    }

    /// Whether one more can be started at `now`.
    pub fn has_room(&mut self, now: Timestamp) -> bool {
        self.reclaim(now);
        if self.waiting.len() < CAPACITY {
            return true;
        }
        let front = self.waiting.front();
        let makes_room = front.is_some_and(|oldest| oldest.since.after(LONG) <= now);
        if makes_room {
            self.waiting.pop_front();
        }
        makes_room
    }

    /// How many futures wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn drive(&mut self, task: Task<T>, host: &EffectHost) -> Step<T> {
        let state = self.poll(task, host);
        Step {
            log: host.take_log(),
            state,
        }
    }

    fn poll(&mut self, task: Task<T>, host: &EffectHost) -> State<T> {
        let mut context = Context::from_waker(Waker::noop());
        match task {
            Task::Request(mut future) => match future.as_mut().poll(&mut context) {
                Poll::Ready(output) => {
                    let background = host.take_background().and_then(|task| {
                        match self.poll(Task::Background(task), host) {
                            State::Waiting { id, effect } => Some((id, effect)),
                            _ => None,
                        }
                    });
                    State::Done { output, background }
                }
                Poll::Pending => self.keep(Task::Request(future), host),
            },
            Task::Background(mut future) => match future.as_mut().poll(&mut context) {
                // What it has left in its turn comes next.
                Poll::Ready(()) => match host.take_background() {
                    Some(task) => self.poll(Task::Background(task), host),
                    None => State::Finished,
                },
                Poll::Pending => self.keep(Task::Background(future), host),
            },
        }
    }

    fn keep(&mut self, task: Task<T>, host: &EffectHost) -> State<T> {
        let Some(effect) = host.take_asked() else {
            return State::Stalled;
        };
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        let reclaim_at = host.now().after(effect.limit()).after(GRACE);
        let waiting = Waiting {
            id,
            task,
            host: host.clone(),
            awaited: effect.awaited(),
            since: host.now(),
            reclaim_at,
        };
        self.waiting.push_back(Box::new(waiting));
        State::Waiting { id, effect }
    }

    /// Drops the futures that nobody will resume.
    fn reclaim(&mut self, now: Timestamp) {
        if now < self.next_sweep {
            return;
        }
        self.next_sweep = now.after(SWEEP_INTERVAL);
        self.waiting.retain(|waiting| waiting.reclaim_at > now);
    }
}
