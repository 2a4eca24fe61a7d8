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

impl Outcome {
    /// The status that the client sees.
    pub fn status(&self) -> u16 {
        match self {
            Self::Respond(answer) => answer.status,
            Self::Relay(relay) => relay.status,
        }
    }

    /// Adds a header, beside what there is of that name.
    pub fn add(&mut self, name: &'static str, value: String) {
        match self {
            Self::Respond(answer) => answer.headers.push((name, value)),
            Self::Relay(relay) => relay.add.push((name, value)),
        }
    }

    /// With one header more, in place of the origin's of that name.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let headers = match &mut self {
            Self::Respond(answer) => &mut answer.headers,
            Self::Relay(relay) => &mut relay.set,
        };
        headers.push((name, value.into()));
        self
    }
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Self::Respond(answer)
    }
}
