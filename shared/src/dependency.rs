//! Something that we call and that may be away: Redis, Supabase, the database, an origin.
//!
//! Every call goes through here, so that a dependency in trouble costs us little: its
//! [`Breaker`] stops the calls, and one isolate never holds more of them at once than it has room
//! for. What is safe to be done twice is tried again, within the time that the call has in all.

use core::{
    cell::{Cell, RefCell},
    fmt,
    time::Duration,
};
use std::{collections::VecDeque, rc::Rc};

use crate::{
    breaker::{Breaker, Settings, Standing, Transition},
    host::{CallError, Clock, Host, HttpAnswer, HttpCall},
    log::{Level, Line, Log},
    retry::backoff,
    telemetry::Telemetry,
    timestamp::Timestamp,
};

/// The most calls on their way to one dependency at once. At 300 ms each, the slowest that Redis may
/// be, these are more than 3,000 a second; and some 10 KB each, in wasm and around it.
pub const MOST_CALLS: usize = 1000;
/// What is kept free for calls that go past the breaker: ends of sessions among them.
const RESERVED: usize = 50;
/// The time beyond a call's own after which it takes no place any more: its client has left, and nobody
/// will come back with its answer.
const GRACE: Duration = Duration::from_millis(100);

/// See the module. It lives as long as its isolate.
pub struct Dependency {
    name: Rc<str>,
    telemetry: Rc<Telemetry>,
    breaker: RefCell<Breaker>,
    most_calls: usize,
    /// The calls on their way, in the order in which they began: a number, and when nobody waits any more.
    calls: RefCell<VecDeque<(u32, Timestamp)>>,
    next: Cell<u32>,
    failures: Cell<u32>,
}

/// The permission for one call, and the place it takes until it ends or is dropped.
#[derive(Debug)]
pub struct Permit {
    dependency: Rc<Dependency>,
    number: u32,
    since: Timestamp,
    /// Whether the breaker was not asked.
    is_past_breaker: bool,
}

/// How a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It may take effect twice, so it is made once.
    Once,
    /// It changes nothing, or the same when done twice: it is made again after a failure.
    Idempotent,
    /// It is made once, whatever the breaker says: because it has to find out whether the dependency is
    /// back, or because others may reach that already. An answer closes the breaker.
    PastBreaker,
}

/// An answer whose reader says whether it is one.
#[derive(Debug)]
pub struct Answered {
    /// The answer.
    pub answer: HttpAnswer,
    /// None if its status told of a failure.
    permit: Option<Permit>,
}

impl fmt::Debug for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dependency({})", self.name)
    }
}

// === impl Dependency ===

impl Dependency {
    /// The dependency `name`, of which we make at most [`MOST_CALLS`] calls at once.
    pub fn new(name: &str, settings: Settings, telemetry: &Rc<Telemetry>) -> Rc<Self> {
        Self::with_room(name, settings, telemetry, MOST_CALLS)
    }

    /// The same for an origin. What waits for one is counted with all requests of the isolate: some
    /// let their clients wait on purpose.
    pub fn origin(name: &str, settings: Settings, telemetry: &Rc<Telemetry>) -> Rc<Self> {
        Self::with_room(name, settings, telemetry, usize::MAX)
    }

    fn with_room(
        name: &str,
        settings: Settings,
        telemetry: &Rc<Telemetry>,
        most_calls: usize,
    ) -> Rc<Self> {
        telemetry.introduce(name);
        Rc::new(Self {
            name: name.into(),
            telemetry: telemetry.clone(),
            breaker: RefCell::new(Breaker::new(settings)),
            most_calls,
            calls: RefCell::default(),
            next: Cell::default(),
            failures: Cell::default(),
        })
    }

    /// Where its breaker stands.
    pub fn standing(&self) -> Standing {
        self.breaker.borrow().standing()
    }

    /// Whoever counts its calls, and tells of it.
    pub const fn telemetry(&self) -> &Rc<Telemetry> {
        &self.telemetry
    }

    /// How often it failed so far. If two looks at it are the same, it was well in between, as far as
    /// this isolate knows.
    pub fn failures(&self) -> u32 {
        self.failures.get()
    }

    /// Counts an answer that came in time and was none as a failure, but not against its breaker: it
    /// may be about one thing alone.
    pub fn doubt(&self) {
        self.failures.set(self.failures.get().wrapping_add(1));
    }

    /// Asks for one call, which takes at most `timeout`.
    ///
    /// # Errors
    /// [`CallError::BreakerOpen`] or [`CallError::Overloaded`]; the call must not be made then.
    pub fn ask(self: &Rc<Self>, host: &impl Log, timeout: Duration) -> Result<Permit, CallError> {
        let permit = self.permit(host, timeout);
        if let Err(error) = &permit {
            self.telemetry.call(&self.name, error.as_str(), None);
        }
        permit
    }

    fn permit(self: &Rc<Self>, host: &impl Log, timeout: Duration) -> Result<Permit, CallError> {
        let permit = self.admit(host.now(), timeout, false)?;
        let asked = self.breaker.borrow_mut().ask(host.now());
        let transition = asked.map_err(|_| CallError::BreakerOpen)?;
        self.tell(host, transition, "the time is over");
        Ok(permit)
    }

    fn admit(
        self: &Rc<Self>,
        now: Timestamp,
        timeout: Duration,
        is_past_breaker: bool,
    ) -> Result<Permit, CallError> {
        let mut calls = self.calls.borrow_mut();
        while calls.front().is_some_and(|(_, until)| *until < now) {
            calls.pop_front();
        }
        let reserved = if is_past_breaker { 0 } else { RESERVED };
        if calls.len().saturating_add(reserved) >= self.most_calls {
            return Err(CallError::Overloaded);
        }
        let number = self.next.get();
        self.next.set(number.wrapping_add(1));
        calls.push_back((number, now.after(timeout).after(GRACE)));
        drop(calls);
        let dependency = self.clone();
        Ok(Permit {
            dependency,
            number,
            since: now,
            is_past_breaker,
        })
    }

    /// Makes a call; an answer whose status is `bad` is a failure, and returned.
    ///
    /// # Errors
    /// [`CallError`] if there is no answer within the call's own time, tries and all.
    pub async fn call<H: Host>(
        self: &Rc<Self>,
        host: &H,
        mut call: HttpCall,
        manner: Manner,
        bad: fn(u16) -> bool,
    ) -> Result<Answered, CallError> {
        let (started, budget) = (host.now(), call.timeout);
        let left = || {
            let spent = Duration::from_millis(host.now().since(started));
            budget.saturating_sub(spent)
        };
        for attempt in 0.. {
            let permit = match manner {
                Manner::PastBreaker => self.admit(host.now(), call.timeout, true)?,
                Manner::Once | Manner::Idempotent => self.ask(host, call.timeout)?,
            };
            let mut this = match manner {
                Manner::Idempotent => call.clone(),
                Manner::Once | Manner::PastBreaker => core::mem::take(&mut call),
            };
            let context = host.context();
            let traced = context.as_ref().and_then(|it| it.call(&self.name, host));
            if let Some(traced) = &traced {
                this.headers
                    .push(("traceparent", traced.traceparent().to_owned()));
            }
            let result = host.call(this).await;
            if let Some(context) = context {
                let status = result.as_ref().ok().map(|answer| answer.status);
                let error = result.as_ref().err().map(|error| error.as_str());
                let error = error.or(status.filter(|status| bad(*status)).map(|_| "status"));
                context.called(traced, status, error, host);
            }
            let failed = match result {
                Ok(answer) if !bad(answer.status) => {
                    let permit = Some(permit);
                    return Ok(Answered { answer, permit });
                }
                Ok(answer) => {
                    permit.failed(host, "status");
                    let permit = None;
                    Ok(Answered { answer, permit })
                }
                Err(error) => {
                    permit.failed(host, error.as_str());
                    Err(error)
                }
            };
            if manner != Manner::Idempotent || matches!(failed, Err(CallError::Timeout)) {
                return failed;
            }
            match backoff(attempt, left(), host) {
                Some(wait) => host.sleep(wait).await,
                None => return failed,
            }
            call.timeout = left();
        }
        Err(CallError::Connection)
    }

    fn tell(&self, host: &impl Log, transition: Option<Transition>, reason: &'static str) {
        let Some(Transition { from, to }) = transition else {
            return;
        };
        let until = self.breaker.borrow().until();
        self.telemetry.transition(&self.name, to, until);
        Line::new(Level::Warn, self.telemetry.service, "breaker")
            .field("dependency", &*self.name)
            .field("from", from.as_str())
            .field("to", to.as_str())
            .field("reason", reason)
            .emit(host, self.telemetry.threshold);
    }
}

// === impl Permit ===

impl Permit {
    /// The call came to an answer.
    pub fn succeeded(self, host: &impl Log) {
        self.count(host, "ok");
        let mut breaker = self.dependency.breaker.borrow_mut();
        let transition = if self.is_past_breaker {
            breaker.recovered()
        } else {
            breaker.succeeded()
        };
        drop(breaker);
        self.dependency.tell(host, transition, "answered");
    }

    /// The call failed for `reason`, which may be its caller's doing, and says nothing of the dependency.
    pub fn abandoned(self, host: &impl Log, reason: &'static str) {
        self.count(host, reason);
    }

    fn count(&self, clock: &impl Clock, result: &'static str) {
        let (dependency, took) = (&self.dependency, clock.now().since(self.since));
        let telemetry = &dependency.telemetry;
        telemetry.call(&dependency.name, result, Some(took));
    }

    /// The call failed for `reason`.
    pub fn failed(self, host: &impl Log, reason: &'static str) {
        self.count(host, reason);
        self.dependency.doubt();
        if !self.is_past_breaker {
            let transition = self.dependency.breaker.borrow_mut().failed(host.now());
            self.dependency.tell(host, transition, reason);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut calls = self.dependency.calls.borrow_mut();
        // Numbers begin anew at the end of their kind, so each counts from the first.
        let Some((first, _)) = calls.front().copied() else {
            return;
        };
        let of = |number: u32| number.wrapping_sub(first);
        let place = calls.binary_search_by_key(&of(self.number), |(number, _)| of(*number));
        if let Ok(place) = place {
            calls.remove(place);
        }
    }
}

// === impl Answered ===

impl Answered {
    /// The answer; notes whether what it was read as is `good`. What cannot be read is a failure.
    pub fn judge(self, host: &impl Log, good: bool) -> HttpAnswer {
        match self.permit {
            Some(permit) if good => permit.succeeded(host),
            Some(permit) => permit.failed(host, "unreadable"),
            None => {}
        }
        self.answer
    }
}

#[cfg(any(test, feature = "fake"))]
impl Dependency {
    /// One with the settings that there are by default; for tests.
    pub fn example(name: &str) -> Rc<Self> {
        let telemetry = Telemetry::new("test", Level::Info, crate::telemetry::Settings::default());
        Self::new(name, Settings::default(), &telemetry)
    }
}

#[cfg(test)]
mod tests;
