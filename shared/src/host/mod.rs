//! The environment as traits, so that nothing else knows where it runs.
//!
//! * [`effects`] implements them for the workers: each wait becomes an effect that a driver
//!   performs.
//! * `fake` implements them for tests, with failures on demand.
//!
//! The futures need no `Send`: a worker has one thread.

pub mod effects;
#[cfg(any(test, feature = "fake"))]
pub mod fake;
pub mod gateway;
pub mod origin;

use core::{fmt, time::Duration};
use std::rc::Rc;

use crate::{audit::DataPoint, telemetry::Context, timestamp::Timestamp};

/// Tells the time.
pub trait Clock {
    /// The present moment. In production it stands still between two waits.
    fn now(&self) -> Timestamp;
}

/// Gives unpredictable bytes.
pub trait Random {
    /// Fills `bytes` from the platform's cryptographic source.
    ///
    /// # Errors
    /// [`NoRandomness`] if the platform has none to give; nothing secret may be made then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The platform gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandomness;

/// Makes small HTTP calls whose bodies fit in memory: to Redis and Supabase, never to an origin.
#[expect(
    async_fn_in_trait,
    reason = "no caller needs `Send`: a worker has one thread"
)]
pub trait HttpClient {
    /// Makes the call and reads the whole answer. Redirects are not followed.
    ///
    /// # Errors
    /// [`CallError`] if no whole answer came within [`HttpCall::timeout`].
    async fn call(&self, call: HttpCall) -> Result<HttpAnswer, CallError>;
}

/// Waits.
#[expect(
    async_fn_in_trait,
    reason = "no caller needs `Send`: a worker has one thread"
)]
pub trait Sleeper {
    /// Returns after `duration`.
    async fn sleep(&self, duration: Duration);
}

/// Takes finished log lines.
pub trait LogSink {
    /// Emits one line, a JSON object without a line break.
    fn emit(&self, line: String);
}

/// Knows which request it is the environment of.
pub trait InRequest {
    /// What belongs to the request from now on, and to all that it leaves for after the response.
    fn enter(&self, context: Rc<Context>);

    /// It is the environment of no request any more.
    fn leave(&self);

    /// What belongs to the request; none where there is no request, or before it has a name.
    fn context(&self) -> Option<Rc<Context>>;
}

/// Runs work that the person need not wait for.
pub trait Background {
    /// Runs `task` after the response has been sent. It may be cut off, so it must be optional.
    fn spawn(&self, task: impl Future<Output = ()> + 'static);
}

/// Keeps data points where an operator can ask for them.
#[expect(
    async_fn_in_trait,
    reason = "no caller needs `Send`: a worker has one thread"
)]
pub trait Recorder {
    /// Hands on a data point; gives whether there was anybody to take it.
    async fn record(&self, point: DataPoint) -> bool;
}

/// All of the environment. A clone is a cheap handle to the same environment.
pub trait Host:
    Clock
    + Random
    + HttpClient
    + Sleeper
    + LogSink
    + InRequest
    + Recorder
    + Background
    + Clone
    + 'static
{
}

impl<T> Host for T where
    T: Clock
        + Random
        + HttpClient
        + Sleeper
        + LogSink
        + InRequest
        + Recorder
        + Background
        + Clone
        + 'static
{
}

/// One HTTP call. `Debug` shows neither headers nor body, which carry secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HttpCall {
    /// The method, in capitals.
    pub method: &'static str,
    /// The absolute URL.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body, if the method has one.
    pub body: Option<String>,
    /// The time until the whole answer must have arrived.
    pub timeout: Duration,
}

impl fmt::Debug for HttpCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

/// The answer to an [`HttpCall`]. `Debug` shows the status alone.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The body as text; bytes that are not UTF-8 arrive as U+FFFD.
    pub body: String,
}

impl fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpAnswer({})", self.status)
    }
}

/// Why an [`HttpCall`] has no answer. Whether it took effect is unknown, where it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The time was over.
    Timeout,
    /// The connection could not be made, or broke.
    Connection,
    /// The body that was to be sent is longer than was allowed.
    TooLarge,
    /// It was not made: the other side has failed of late ([`breaker`](crate::breaker)).
    BreakerOpen,
    /// It was not made: too many wait for the other side already.
    Overloaded,
}

impl CallError {
    /// The word for log lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::TooLarge => "too_large",
            Self::BreakerOpen => "breaker_open",
            Self::Overloaded => "overloaded",
        }
    }
}

/// Fills from the platform's source; wasm and native have one behind the `getrandom` crate.
fn fill_from_platform(bytes: &mut [u8]) -> Result<(), NoRandomness> {
    getrandom::fill(bytes).map_err(|_| NoRandomness)
}
