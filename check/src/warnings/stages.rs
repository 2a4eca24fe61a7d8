//! What staging and production must not have in common.

use super::Warning;
use crate::setup::Setup;

/// Stores that both would write: what is tried in staging would reach people's sessions.
pub(super) fn shared(production: &Setup, staging: &Setup) -> Vec<Warning> {
    let is_shared = |name: &&str| {
        let value = |setup: &Setup| setup.given.get(name).map(|url| url.trim().to_owned());
        value(production).is_some() && value(production) == value(staging)
    };
    ["UPSTASH_REDIS_REST_URL", "SUPABASE_URL"]
        .into_iter()
        .filter(is_shared)
        .map(|name| {
            let problem = "is that of production, so that what is tried in staging changes \
                           people's sessions and accounts; give staging one of its own";
            Warning::new(name, problem)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{verify, warns};

    #[test]
    fn warns_of_stores_that_both_stages_have() {
        let own = verify(&[
            ("UPSTASH_REDIS_REST_URL", "https://staging.test"),
            ("SUPABASE_URL", "https://staging.test"),
        ]);
        warns(&shared(&verify(&[]), &own), &[]);
        let theirs = verify(&[("SUPABASE_URL", "https://staging.test")]);
        warns(
            &shared(&verify(&[]), &theirs),
            &["UPSTASH_REDIS_REST_URL|of its own"],
        );
        let none = verify(&[("UPSTASH_REDIS_REST_URL", ""), ("SUPABASE_URL", "")]);
        warns(&shared(&none, &none), &[]);
    }
}
