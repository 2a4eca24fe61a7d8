//! What becomes of a request.

use crate::{answer::Answer, relay::Relay};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The gateway answers itself.
    Respond(Answer),
    /// The origin's answer goes to the client.
    Relay(Relay),
}

impl Outcome {
    /// The status that the client sees.
    pub fn status(&self) -> u16 {
        match self {
            Self::Respond(answer) => answer.status,
            Self::Relay(relay) => relay.status,
        }
    }

    /// Sets a header, in place of what there is of that name.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        match self {
            Self::Respond(answer) => {
                answer.headers.retain(|(known, _)| *known != name);
                answer.headers.push((name, value.into()));
            }
            Self::Relay(relay) => relay.set.push((name, value.into())),
        }
    }

    /// Adds a header, beside what there is of that name.
    pub fn append(&mut self, name: &'static str, value: String) {
        match self {
            Self::Respond(answer) => answer.headers.push((name, value)),
            Self::Relay(relay) => relay.add.push((name, value)),
        }
    }
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Self::Respond(answer)
    }
}
