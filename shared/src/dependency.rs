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
        self.telemetry.transition(&self.name, to);
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
    pub fn spoiled(self, host: &impl Log, reason: &'static str) {
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
use crate::telemetry;

#[cfg(any(test, feature = "fake"))]
impl Dependency {
    /// One with the settings that there are by default; for tests.
    pub fn example(name: &str) -> Rc<Self> {
        let telemetry = Telemetry::new("test", Level::Info, telemetry::Settings::default());
        Self::new(name, Settings::default(), &telemetry)
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::{
        host::fake::{Breakage, FakeHost},
        timestamp::Timestamp,
    };

    fn dependency() -> Rc<Dependency> {
        Dependency::example("redis")
    }

    fn http_call() -> HttpCall {
        HttpCall {
            method: "GET",
            timeout: Duration::from_millis(300),
            ..HttpCall::default()
        }
    }

    fn answering(status: u16) -> FakeHost {
        FakeHost::new(Timestamp::from_seconds(1_800_000_000), move |_| {
            Ok(HttpAnswer {
                status,
                body: String::new(),
            })
        })
    }

    /// Makes one call, and gives the status or the error.
    fn call(
        dependency: &Rc<Dependency>,
        host: &FakeHost,
        manner: Manner,
    ) -> Result<u16, CallError> {
        let bad = |status| status >= 500;
        let answered = block_on(dependency.call(host, http_call(), manner, bad))?;
        let status = answered.answer.status;
        answered.judge(host, true);
        Ok(status)
    }

    #[test]
    fn what_is_idempotent_is_tried_three_times_and_nothing_else() {
        for (manner, tries) in [(Manner::Idempotent, 3), (Manner::Once, 1)] {
            let host = answering(500);
            assert_eq!(call(&dependency(), &host, manner), Ok(500));
            assert_eq!(host.calls().len(), tries, "{manner:?}");
            assert_eq!(host.slept().len(), tries - 1);
        }
        let host = answering(200);
        host.break_next(Breakage::Before(CallError::Connection));
        assert_eq!(call(&dependency(), &host, Manner::Idempotent), Ok(200));
    }

    #[test]
    fn all_tries_together_have_the_time_of_one() {
        let host = answering(500);
        call(&dependency(), &host, Manner::Idempotent).unwrap();
        let spent: Duration = host.slept().iter().sum();
        let last = host.calls().pop().unwrap();
        let left = Duration::from_millis(300).saturating_sub(spent);
        assert!(left.abs_diff(last.timeout) < Duration::from_millis(2));
        let host = answering(200);
        host.break_next(Breakage::Before(CallError::Timeout));
        let late = call(&dependency(), &host, Manner::Idempotent);
        assert_eq!(late, Err(CallError::Timeout), "no time is left");
    }

    #[test]
    fn after_five_failures_in_a_row_no_call_is_made_until_its_time_is_over() {
        let (dependency, host) = (dependency(), answering(500));
        for _ in 0..5 {
            assert_eq!(call(&dependency, &host, Manner::Once), Ok(500));
        }
        let refused = Err(CallError::BreakerOpen);
        assert_eq!(call(&dependency, &host, Manner::Idempotent), refused);
        assert_eq!((host.calls().len(), host.slept().len()), (5, 0));
        host.advance(Duration::from_mins(1));
        assert_eq!(call(&dependency, &host, Manner::Once), Ok(500));
        assert_eq!(call(&dependency, &host, Manner::Once), refused);
    }

    #[test]
    fn what_goes_past_the_breaker_closes_it_if_it_is_answered() {
        let (dependency, host) = (dependency(), answering(200));
        for _ in 0..5 {
            host.break_next(Breakage::Before(CallError::Timeout));
            let _ = call(&dependency, &host, Manner::Once);
        }
        host.break_next(Breakage::Before(CallError::Timeout));
        let failed = call(&dependency, &host, Manner::PastBreaker);
        assert_eq!(failed, Err(CallError::Timeout));
        assert_eq!(dependency.standing(), Standing::Open);
        assert_eq!(call(&dependency, &host, Manner::PastBreaker), Ok(200));
        assert_eq!(call(&dependency, &host, Manner::Once), Ok(200));
    }

    #[test]
    fn each_transition_is_one_line_with_its_reason() {
        let (dependency, host) = (dependency(), answering(200));
        for _ in 0..5 {
            host.break_next(Breakage::After(CallError::Connection));
            let _ = call(&dependency, &host, Manner::Once);
        }
        host.advance(Duration::from_mins(1));
        call(&dependency, &host, Manner::Once).unwrap();
        let shown: Vec<_> = host
            .lines()
            .iter()
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                let field = |name: &str| line[name].as_str().unwrap().to_owned();
                assert_eq!(field("msg") + &field("dependency"), "breakerredis");
                [field("from"), field("to"), field("reason")].join(" ")
            })
            .collect();
        assert_eq!(
            shown,
            [
                "closed open connection",
                "open half_open the time is over",
                "half_open closed answered"
            ]
        );
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_a_failure() {
        let (dependency, host) = (dependency(), answering(200));
        for _ in 0..5 {
            let call = dependency.call(&host, http_call(), Manner::Once, |_| false);
            block_on(call).unwrap().judge(&host, false);
        }
        assert_eq!(dependency.standing(), Standing::Open);
        assert_eq!(dependency.failures(), 5);
    }

    #[test]
    fn no_more_calls_are_made_at_once_than_there_is_room_for() {
        let (dependency, host) = (dependency(), answering(200));
        let timeout = Duration::from_millis(300);
        let ask = || dependency.ask(&host, timeout);
        let mut held: Vec<_> = (RESERVED..MOST_CALLS).map(|_| ask().unwrap()).collect();
        assert_eq!(ask().unwrap_err(), CallError::Overloaded);
        assert_eq!(call(&dependency, &host, Manner::PastBreaker), Ok(200));
        held.remove(5);
        held.push(ask().unwrap());
        assert!(ask().is_err());
        assert_eq!(dependency.standing(), Standing::Closed);
    }

    #[test]
    fn whoever_leaves_takes_a_place_no_longer_than_the_call_could_take() {
        let (dependency, host) = (dependency(), answering(200));
        let timeout = Duration::from_millis(300);
        let left: Vec<_> = (RESERVED..MOST_CALLS)
            .map(|_| dependency.ask(&host, timeout).unwrap())
            .collect();
        host.advance(timeout + GRACE);
        assert!(dependency.ask(&host, timeout).is_err());
        host.advance(Duration::from_millis(1));
        let mut kept = vec![dependency.ask(&host, timeout).unwrap()];
        // What is dropped late frees nobody else's place.
        drop(left);
        kept.extend((RESERVED + 1..MOST_CALLS).map(|_| dependency.ask(&host, timeout).unwrap()));
        assert!(dependency.ask(&host, timeout).is_err());
    }
}
