//! The environments of `wrangler.toml`: either worker in either stage.

use crate::variables::Worker;

/// Where a worker is deployed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// For people.
    #[default]
    Production,
    /// For those who look before people do.
    Staging,
}

/// One environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) worker: Worker,
    pub(crate) stage: Stage,
}

impl Target {
    /// Both workers of a stage.
    pub(crate) fn of(stage: Stage) -> Vec<Self> {
        Worker::ALL.map(|worker| Self { worker, stage }).to_vec()
    }

    /// Those that `name` means: an environment, or a stage with both of its own.
    pub(crate) fn named(name: &str) -> Option<Vec<Self>> {
        match name {
            "production" => Some(Self::of(Stage::Production)),
            "staging" => Some(Self::of(Stage::Staging)),
            _ => [Stage::Production, Stage::Staging]
                .into_iter()
                .flat_map(Self::of)
                .find(|target| target.name() == name)
                .map(|target| vec![target]),
        }
    }

    /// The environment's name.
    pub(crate) const fn name(self) -> &'static str {
        match (self.worker, self.stage) {
            (Worker::Verify, Stage::Production) => "verify",
            (Worker::Auth, Stage::Production) => "auth",
            (Worker::Verify, Stage::Staging) => "verify-staging",
            (Worker::Auth, Stage::Staging) => "auth-staging",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_an_environment_or_a_stage() {
        let names = |name: &str| {
            Target::named(name)
                .map(|targets| targets.into_iter().map(Target::name).collect::<Vec<_>>())
        };
        assert_eq!(names("production").unwrap(), ["verify", "auth"]);
        assert_eq!(
            names("staging").unwrap(),
            ["verify-staging", "auth-staging"]
        );
        for one in ["verify", "auth", "verify-staging", "auth-staging"] {
            assert_eq!(names(one).unwrap(), [one]);
        }
        for none in ["", "prod", "verify-production", "Staging"] {
            assert_eq!(names(none), None);
        }
    }
}
