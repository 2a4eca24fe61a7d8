//! How the driver hears what becomes of a request. All else that crosses between them is in
//! [`authflow_shared::host::effects::wire`].
//!
//! ```text
//! outcome = respond | relay
//! relay   = "relay", cookie to drop, names to remove, headers to set, headers to add
//! ```

use authflow_shared::host::effects::{
    Lines, Step,
    wire::{self, borrowed},
};

use crate::{outcome::Outcome, relay::Relay};

/// The message for the driver after a step.
pub fn message(step: &Step<Outcome>) -> String {
    wire::message(step, |lines, outcome| match outcome {
        Outcome::Respond(answer) => {
            wire::respond(lines, answer.status, &answer.headers, &answer.body)
        }
        Outcome::Relay(plan) => relay(lines, plan),
    })
}

fn relay(mut lines: Lines, plan: &Relay) -> Option<String> {
    lines.line("relay");
    lines.line(plan.drop_cookie.unwrap_or_default());
    lines.list(plan.remove.iter().copied());
    lines.headers(borrowed(&plan.set));
    lines.headers(borrowed(&plan.add));
    lines.finish()
}
