//! What `wrangler.toml` says beside the variables.

use super::Warning;
use crate::{setup::Setup, variables::Variable};

/// An address under `workers.dev`.
pub(super) fn workers_dev(setup: &Setup) -> Vec<Warning> {
    unless_off("workers_dev", setup.environment.workers_dev)
}

/// Addresses of versions under `workers.dev`.
pub(super) fn preview_urls(setup: &Setup) -> Vec<Warning> {
    unless_off("preview_urls", setup.environment.preview_urls)
}

fn unless_off(name: &str, value: Option<bool>) -> Vec<Warning> {
    let problem = format!(
        "`{name}` is not false, so that the worker could be reached under an address of \
         workers.dev, past all that guards your domain; set it to false"
    );
    let is_on = value != Some(false);
    is_on
        .then(|| Warning::new("wrangler.toml", problem))
        .into_iter()
        .collect()
}

/// A secret where everybody can read it who can read the repository.
pub(super) fn secret_in_the_open(setup: &Setup) -> Vec<Warning> {
    let known = setup
        .environment
        .vars
        .keys()
        .filter_map(|name| Variable::named(name));
    known
        .filter(|known| known.is_secret)
        .map(|Variable { name, .. }| {
            let worker = setup.environment.target.name();
            Warning::new(
                name,
                format!(
                    "is a secret, and stands in wrangler.toml; make a new one, take it out there, \
                     and give it by `wrangler secret put {name} -e {worker}`"
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        test_support::{warns, worker},
        variables::Worker,
    };

    fn with(toml: &str) -> Setup {
        worker(Worker::Auth, &[], toml)
    }

    #[test]
    fn warns_of_an_address_under_workers_dev() {
        for toml in ["", "workers_dev = true"] {
            warns(
                &workers_dev(&with(toml)),
                &["wrangler.toml|`workers_dev`|set it to false"],
            );
        }
        warns(&workers_dev(&with("workers_dev = false")), &[]);
    }

    #[test]
    fn warns_of_preview_urls() {
        for toml in ["", "preview_urls = true"] {
            warns(
                &preview_urls(&with(toml)),
                &["wrangler.toml|`preview_urls`"],
            );
        }
        warns(&preview_urls(&with("preview_urls = false")), &[]);
    }

    #[test]
    fn warns_of_a_secret_in_wrangler_toml() {
        let setup = with("[env.auth.vars]\nSESSION_SECRET = 'hunter2'\nLOG_LEVEL = 'info'");
        let warnings = secret_in_the_open(&setup);
        warns(
            &warnings,
            &["SESSION_SECRET|wrangler secret put SESSION_SECRET -e auth"],
        );
        assert!(!warnings[0].problem.contains("hunter2"));
    }
}
