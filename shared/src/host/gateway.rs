//! What only the gateway asks of its platform: signatures, rate limiters, and a place for a page.

use core::{fmt, time::Duration};
use std::rc::Rc;

use super::{CallError, Host, HttpAnswer, origin::OriginClient};
use crate::secret::Secret;

/// All that the gateway needs.
pub trait GatewayHost: Host + OriginClient + Signer + PlatformLimiter + PageCache {}

impl<T> GatewayHost for T where T: Host + OriginClient + Signer + PlatformLimiter + PageCache {}

/// Signs with ECDSA over P-256 and SHA-256 (RFC 7518, section 3.4).
#[expect(
    async_fn_in_trait,
    reason = "no caller needs `Send`: a worker has one thread"
)]
pub trait Signer {
    /// The signature of `data` in base64url without padding.
    ///
    /// # Errors
    /// [`CallError`] if the platform cannot use the key.
    async fn sign(&self, order: SignOrder) -> Result<String, CallError>;
}

/// A signature that is asked for. `Debug` shows nothing of the key.
#[derive(Clone)]
pub struct SignOrder {
    /// The private key: a JSON Web Key (RFC 7517).
    pub key: Rc<Secret>,
    /// What is signed.
    pub data: String,
}

impl PartialEq for SignOrder {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.key, &other.key) && self.data == other.data
    }
}

impl Eq for SignOrder {}

impl fmt::Debug for SignOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignOrder({} bytes)", self.data.len())
    }
}

/// Counts requests over all isolates of a place, without a round trip of ours.
#[expect(
    async_fn_in_trait,
    reason = "no caller needs `Send`: a worker has one thread"
)]
pub trait PlatformLimiter {
    /// Counts one request under the order's key, and says whether it is within the limit.
    ///
    /// # Errors
    /// [`CallError`] if there is no such limiter or it gave no answer.
    async fn admit(&self, order: AdmitOrder) -> Result<bool, CallError>;
}

/// A count that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmitOrder {
    /// The name of the platform's limiter, which holds the limit itself.
    pub limiter: Rc<str>,
    /// Who is counted.
    pub key: String,
}

/// Gets a page of the auth worker, and keeps it where all isolates of a place find it.
#[expect(
    async_fn_in_trait,
    reason = "no caller needs `Send`: a worker has one thread"
)]
pub trait PageCache {
    /// Asks for a page. The body of the answer is the values of [`PageOrder::report`], a line each,
    /// and then the page.
    ///
    /// # Errors
    /// [`CallError`] if no whole answer came in time.
    async fn page(&self, order: PageOrder) -> Result<HttpAnswer, CallError>;

    /// Keeps a text under an address, in place of what was kept there. It may fail.
    async fn keep(&self, order: KeepOrder);

    /// What is kept under the address `key`, if it still is.
    async fn recall(&self, key: String) -> Option<String>;
}

/// A page that is asked for. Nothing of a client's stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOrder {
    /// The address.
    pub url: String,
    /// The platform's binding that leads to the worker; empty where the address itself does.
    pub binding: Rc<str>,
    /// The language asked for; empty for the worker's own.
    pub language: &'static str,
    /// The place in our trace that the worker is told; empty for none.
    pub traceparent: String,
    /// The names of the headers that are told of, in lower case.
    pub report: &'static [&'static str],
    /// The time until the whole answer must have arrived.
    pub timeout: Duration,
}

/// A text that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepOrder {
    /// An absolute URL of ours.
    pub key: String,
    /// For how long, as `Cache-Control` says it.
    pub cache_control: &'static str,
    /// The text, of any number of lines.
    pub text: String,
}
