//! The name of one request: in its answer, in its log lines, and in what an origin is told.

use core::fmt;
use std::rc::Rc;

use crate::host::Random;

/// A random UUID (version 4) of ours, never a client's. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Rc<str>);

impl RequestId {
    /// Makes a new one. Where the platform has no randomness, the nil UUID: the request will be
    /// refused for that, and its refusal needs a name too.
    pub fn random(source: &impl Random) -> Self {
        let mut bytes = [0; 16];
        let uuid = match source.fill(&mut bytes) {
            Ok(()) => uuid::Builder::from_random_bytes(bytes).into_uuid(),
            Err(_) => uuid::Uuid::nil(),
        };
        let text = &mut uuid::Uuid::encode_buffer();
        Self(Rc::from(&*uuid.hyphenated().encode_lower(text)))
    }

    /// The UUID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    #[test]
    fn each_request_has_a_name_of_its_own() {
        let host = FakeHost::answering("");
        let first = RequestId::random(&host);
        assert_eq!(first.as_str(), "00010203-0405-4607-8809-0a0b0c0d0e0f");
        assert_ne!(first, RequestId::random(&host));
    }
}
