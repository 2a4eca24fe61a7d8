//! What each answer on a route says beside what it answers.

use crate::{
    facts::Facts,
    limits::Tally,
    outcome::Outcome,
    routes::{Cors, Route},
};

/// See the module.
#[derive(Debug)]
pub(super) struct Words {
    /// Who may read the answer across origins, where the route speaks of it.
    cors: Option<Vec<(&'static str, String)>>,
    /// The state of the client's limit, where it has one.
    pub(super) tally: Option<Tally>,
}

impl Words {
    /// What is said on `route` to the client of `facts`.
    pub(super) fn of(route: Option<&Route>, facts: &Facts<'_>) -> Self {
        let cors = route.and_then(|route| route.cors.as_ref());
        let words = |cors: &Cors| {
            if Cors::is_preflight(facts) {
                cors.on_preflight(facts)
            } else {
                cors.on_answer(facts)
            }
        };
        Self {
            cors: cors.map(words),
            tally: None,
        }
    }

    /// Says it. A limit is spoken of where the request met it: passed on, or refused for it.
    pub(super) fn on(self, mut outcome: Outcome) -> Outcome {
        if let Some(words) = self.cors {
            match &mut outcome {
                Outcome::Relay(relay) => relay.replace_cors(words),
                Outcome::Respond(answer) => {
                    answer.headers.extend(words);
                    answer.headers.push(("vary", "Origin".to_owned()));
                }
            }
        }
        let is_met = matches!(outcome, Outcome::Relay(_)) || outcome.status() == 429;
        if let Some(tally) = self.tally.filter(|_| is_met) {
            for (name, value) in tally.headers() {
                outcome.set(name, value);
            }
        }
        outcome
    }
}
