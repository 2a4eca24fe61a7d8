//! Workers as the tests need them.

use authflow_shared::config::variables;

use crate::{
    setup::Setup,
    target::{Stage, Target},
    variables::Worker,
    warnings::Warning,
    wrangler::Wrangler,
};

/// A worker with the variables of the tests, `changes` made, and what a `wrangler.toml` says. A
/// variable that is changed to nothing is not given.
pub(crate) fn worker(worker: Worker, changes: &[(&str, &str)], toml: &str) -> Setup {
    let mut variables = variables();
    for (name, value) in changes {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    let target = Target {
        worker,
        stage: Stage::Production,
    };
    let toml = format!("{toml}\n[env.{}]", target.name());
    let wrangler = Wrangler::parse(&toml).unwrap();
    Setup::read(worker, wrangler.environment(target).unwrap(), &variables)
}

/// The gateway with changed variables.
pub(crate) fn verify(changes: &[(&str, &str)]) -> Setup {
    worker(Worker::Verify, changes, "")
}

/// The gateway with these routes: what stands in the braces of each, but for `id` and `upstream`,
/// where they do not matter.
#[track_caller]
pub(crate) fn routes(written: &[&str]) -> Setup {
    let routes: Vec<_> = written
        .iter()
        .zip('a'..)
        .map(|(fields, id)| {
            let upstream = if fields.contains("\"upstream\"") {
                ""
            } else {
                r#""upstream":"https://o.test","#
            };
            format!(r#"{{"id":"{id}",{upstream}{fields}}}"#)
        })
        .collect();
    let setup = verify(&[("ROUTES", &format!("[{}]", routes.join(",")))]);
    assert!(setup.faults.is_empty(), "{:?}", setup.faults);
    setup
}

/// Each warning must have all that stands in its place of `expected`, parted by `|`.
#[track_caller]
pub(crate) fn warns(warnings: &[Warning], expected: &[&str]) {
    assert_eq!(warnings.len(), expected.len(), "{warnings:?}");
    for (warning, expected) in warnings.iter().zip(expected) {
        let text = format!("{}: {}", warning.name, warning.problem);
        for part in expected.split('|') {
            assert!(text.contains(part), "{text}\nlacks {part}");
        }
    }
}
