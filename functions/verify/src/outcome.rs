//! What becomes of a request.

use crate::{answer::Answer, forward::Relay};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The gateway answers itself.
    Respond(Answer),
    /// The origin's answer goes to the client.
    Relay(Relay),
}
