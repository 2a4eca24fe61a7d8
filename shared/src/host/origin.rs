//! Handing the present request on to an origin.

use core::time::Duration;
use std::rc::Rc;

use super::CallError;

/// Sends the request that is being handled to an origin, its body untouched.
#[expect(
    async_fn_in_trait,
    reason = "no caller needs `Send`: a worker has one thread"
)]
pub trait OriginClient {
    /// Sends it as `plan` says and returns the head of the answer. The body stays where it is and
    /// is handed to the client when the request ends in an outcome that relays it.
    ///
    /// # Errors
    /// [`CallError`] if no head came within [`ForwardPlan::timeout`].
    async fn forward(&self, plan: ForwardPlan) -> Result<OriginHead, CallError>;
}

/// How the request goes to the origin: everything that differs from what the client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardPlan {
    /// The absolute URL.
    pub url: String,
    /// Names of client headers that must not pass.
    pub remove: Rc<[String]>,
    /// Headers that replace whatever the client sent under their name.
    pub set: Rc<[(&'static str, String)]>,
    /// The signed word on who asks, which is for this origin alone.
    pub assertion: Option<String>,
    /// Whether caches between here and the origin may take part; not where the answer depends on
    /// who asks.
    pub may_use_caches: bool,
    /// The time until the head of the answer must have arrived; the body may take longer.
    pub timeout: Duration,
    /// Whether the request's body is sent.
    pub has_body: bool,
    /// The most bytes of a body whose length nobody announced; the request breaks off past them.
    pub body_limit: Option<u64>,
}

/// The head of an origin's answer, as far as the gateway reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginHead {
    /// The status code; an origin may send any number.
    pub status: u16,
    /// `Cache-Control`, empty if there is none.
    pub cache_control: String,
    /// All of `Set-Cookie`, joined; empty if there is none.
    pub set_cookie: String,
}
