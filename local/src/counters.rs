//! How often a companion was asked, and for what, so that a test can tell what a request cost.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use authflow_bridge::Observer;
use serde_json::{Value, json};

/// How many different names are kept; a client chooses them, so there is an end to it.
const MAX_NAMES: usize = 1000;

/// Where all further names are counted.
const OTHER: &str = "other";

/// The counters of one companion.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: Tally,
    commands: Option<Tally>,
}

impl Counters {
    /// Counters that count Redis commands as well.
    pub(crate) fn with_commands() -> Self {
        Self {
            requests: Tally::default(),
            commands: Some(Tally::default()),
        }
    }

    /// Counts one request.
    pub(crate) fn request(&self, kind: &str) {
        self.requests.add(kind);
    }

    /// What `GET /counters` answers.
    pub(crate) fn to_json(&self) -> Value {
        let requests = self.requests.read();
        match &self.commands {
            None => json!({ "requests": requests }),
            Some(commands) => {
                let commands = commands.read();
                json!({
                    "requests": requests,
                    "commands": commands.values().sum::<u64>(),
                    "commands_by_name": commands,
                })
            }
        }
    }
}

impl Observer for Counters {
    fn command(&self, name: &str) {
        if let Some(commands) = &self.commands {
            commands.add(name);
        }
    }
}

#[derive(Debug, Default)]
struct Tally(Mutex<BTreeMap<String, u64>>);

impl Tally {
    fn add(&self, name: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(name) {
            *count += 1;
        } else {
            let name = if counts.len() < MAX_NAMES {
                name
            } else {
                OTHER
            };
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }

    fn read(&self) -> BTreeMap<String, u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_requests_by_kind_and_commands_by_name_and_in_all() {
        let counters = Counters::with_commands();
        counters.request("pipeline");
        counters.request("pipeline");
        counters.command("get");
        counters.command("set");
        counters.command("get");
        assert_eq!(
            counters.to_json(),
            json!({ "requests": { "pipeline": 2 }, "commands": 3, "commands_by_name": { "get": 2, "set": 1 } })
        );
    }

    #[test]
    fn shows_no_commands_where_there_are_none() {
        let counters = Counters::default();
        counters.request("GET /a");
        counters.command("get");
        assert_eq!(counters.to_json(), json!({ "requests": { "GET /a": 1 } }));
    }

    #[test]
    fn keeps_a_bounded_number_of_names() {
        let counters = Counters::default();
        for number in 0..MAX_NAMES + 5 {
            counters.request(&format!("GET /{number}"));
        }
        assert_eq!(counters.to_json()["requests"][OTHER], 5);
    }
}
