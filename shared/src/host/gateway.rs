//! What only the gateway asks of its platform: signatures and rate limiters.

use core::fmt;
use std::rc::Rc;

use super::{CallError, Host, origin::OriginClient};
use crate::secret::Secret;

/// All that the gateway needs.
pub trait GatewayHost: Host + OriginClient + Signer + PlatformLimiter {}

impl<T> GatewayHost for T where T: Host + OriginClient + Signer + PlatformLimiter {}

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
