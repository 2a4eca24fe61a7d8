//! What was found, for people and for programs.

use authflow_shared::rate_limit::Quota;
use serde_json::{Value, json};

use crate::{
    setup::Setup,
    table::{self, Row},
    warnings::{self, Warning},
};

/// What was found in one worker.
#[derive(Debug)]
struct Section<'a> {
    setup: &'a Setup,
    warnings: Vec<Warning>,
    rows: Vec<Row>,
}

/// What was found in all.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    sections: Vec<Section<'a>>,
}

impl<'a> Report<'a> {
    /// Looks at `setups`.
    pub(crate) fn of(setups: &'a [Setup]) -> Self {
        let section = |(index, setup): (usize, &'a Setup)| {
            let mut warnings = warnings::of(setup);
            for before in setups.iter().take(index) {
                warnings.extend(warnings::between(before, setup));
            }
            Section {
                setup,
                warnings,
                rows: table::rows(setup),
            }
        };
        Self {
            sections: setups.iter().enumerate().map(section).collect(),
        }
    }

    /// How many faults there are.
    pub(crate) fn faults(&self) -> usize {
        let each = self.sections.iter();
        each.map(|section| section.setup.faults.len()).sum()
    }

    /// How many warnings there are.
    pub(crate) fn warnings(&self) -> usize {
        let each = self.sections.iter();
        each.map(|section| section.warnings.len()).sum()
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut lines = Vec::new();
        for section in &self.sections {
            lines.extend(section.lines());
            lines.push(String::new());
        }
        let (faults, warnings) = (self.faults(), self.warnings());
        lines.push(format!("{faults} faults, {warnings} warnings\n"));
        lines.join("\n")
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let workers: Vec<_> = self.sections.iter().map(Section::json).collect();
        json!({ "faults": self.faults(), "warnings": self.warnings(), "workers": workers })
    }
}

impl Section<'_> {
    fn lines(&self) -> Vec<String> {
        let setup = self.setup;
        let secrets = setup.secrets_to_set.iter();
        let secrets = secrets.map(|name| format!("  to be set as a secret: {name}"));
        let faults = setup
            .faults
            .iter()
            .map(|fault| format!("  fault    {fault}"));
        let warnings = self.warnings.iter();
        let warnings =
            warnings.map(|Warning { name, problem }| format!("  warning  {name}: {problem}"));
        let mut lines = vec![setup.environment.target.name().to_owned()];
        lines.extend(secrets.chain(faults).chain(warnings));
        if !self.rows.is_empty() {
            lines.push(String::new());
            lines.extend(
                table::lines(&self.rows)
                    .iter()
                    .map(|row| format!("  {row}")),
            );
        }
        if let Some(Quota { requests, window }) = self.address_limit() {
            let seconds = window.as_secs();
            lines.push(format!(
                "  every address: {requests} in {seconds} s, on all routes together"
            ));
        }
        lines
    }

    fn json(&self) -> Value {
        let finding = |name: &str, problem: &str| json!({ "name": name, "problem": problem });
        let faults = self.setup.faults.iter();
        let warnings = self.warnings.iter();
        let limit = self.address_limit();
        json!({
            "worker": self.setup.worker.name(),
            "environment": self.setup.environment.target.name(),
            "secrets_to_set": self.setup.secrets_to_set,
            "faults": faults.map(|fault| finding(fault.name, &fault.problem)).collect::<Vec<_>>(),
            "warnings": warnings
                .map(|warning| finding(&warning.name, &warning.problem))
                .collect::<Vec<_>>(),
            "routes": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "address_limit": limit.map(|Quota { requests, window }| {
                json!({ "requests": requests, "seconds": window.as_secs() })
            }),
        })
    }

    fn address_limit(&self) -> Option<Quota> {
        let config = self.setup.gateway().filter(|_| !self.rows.is_empty());
        config?.limit.quota
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        test_support::{verify, worker},
        variables::Worker,
    };

    #[test]
    fn the_last_line_counts_what_stands_above() {
        let setups = [
            verify(&[("LOG_LEVEL", "loud"), ("ROUTES", "[]")]),
            worker(
                Worker::Auth,
                &[("FERNET_KEYS", "x"), ("SESSION_SECRET", "")],
                "",
            ),
        ];
        let report = Report::of(&setups);
        let text = report.text();
        let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(count("  fault  "), 3);
        assert_eq!(report.faults(), 3);
        assert_eq!(count("  warning  "), report.warnings());
        let end = format!("3 faults, {} warnings\n", report.warnings());
        assert!(text.ends_with(&end), "{text}");
        assert!(text.contains("  to be set as a secret: SESSION_SECRET\n"));
    }

    #[test]
    fn programs_are_told_the_same_as_people() {
        let setups = [verify(&[("LOG_LEVEL", "loud")])];
        let report = Report::of(&setups);
        let (text, json) = (report.text(), report.json());
        let found = &json["workers"][0];
        for (kind, label) in [("faults", "fault  "), ("warnings", "warning")] {
            for item in found[kind].as_array().unwrap() {
                let text_of = |name: &str| item[name].as_str().unwrap().to_owned();
                let line = format!("  {label}  {}: {}\n", text_of("name"), text_of("problem"));
                assert!(text.contains(&line), "{line}");
            }
        }
        for row in found["routes"].as_array().unwrap() {
            assert!(text.contains(row["path"].as_str().unwrap()));
        }
        assert_eq!(json["warnings"], report.warnings());
        assert_eq!(found["address_limit"]["requests"], 6000);
    }

    #[test]
    fn no_secret_is_shown() {
        let short = [("SESSION_SECRET", "hunter2"), ("ASSERTION_KEYS", "hunter2")];
        let setups = [
            verify(&short),
            worker(Worker::Auth, &[("SESSION_SECRET", "hunter3")], ""),
        ];
        let report = Report::of(&setups);
        let all = format!("{}{}", report.text(), report.json());
        assert!(!all.contains("hunter"), "{all}");
    }
}
