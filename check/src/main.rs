//! Reads the workers' configuration as they would, before a deploy, and says what is wrong or
//! dangerous in it. `help.txt` tells how it is asked.

mod arguments;
mod describe;
mod key_pairs;
mod patterns;
mod report;
mod setup;
mod table;
mod target;
#[cfg(test)]
mod test_support;
mod variables;
mod vars_file;
mod warnings;
mod wrangler;

use std::{
    fs,
    io::{self, Write as _},
    process::ExitCode,
};

use authflow_shared::config::Variables;

use crate::{
    arguments::{Arguments, Order},
    report::Report,
    setup::Setup,
    target::{Stage, Target},
    wrangler::Wrangler,
};

fn main() -> ExitCode {
    let arguments = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned());
    let outcome = match arguments::read(arguments) {
        Ok(Order::Help) => say(include_str!("../help.txt")).map(|()| true),
        Ok(Order::Check(arguments)) => check(&arguments),
        Err(text) => Err(text),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(text) => {
            eprintln!("check-config: {text}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all is well.
fn check(arguments: &Arguments) -> Result<bool, String> {
    let setups = setups(arguments)?;
    let report = Report::of(&setups);
    say(&if arguments.json {
        format!("{:#}\n", report.json())
    } else {
        report.text()
    })?;
    Ok(report.faults() == 0 && !(arguments.strict && report.warnings() > 0))
}

fn setups(arguments: &Arguments) -> Result<Vec<Setup>, String> {
    let Arguments {
        config,
        vars,
        targets,
        ..
    } = arguments;
    let wrangler = read(config, "--config names the file with wrangler's settings")?;
    let wrangler = Wrangler::parse(&wrangler).map_err(|fault| format!("{config} {fault}"))?;
    let mut overrides = Variables::new();
    for file in vars {
        let text = match file.as_str() {
            "-" => io::read_to_string(io::stdin())
                .map_err(|error| format!("cannot read standard input: {error}"))?,
            _ => read(file, "--vars names a file of NAME=value lines")?,
        };
        overrides.extend(vars_file::parse(&text).map_err(|fault| format!("{file}: {fault}"))?);
    }
    let setup = |target: &Target| {
        let environment = wrangler.environment(*target).ok_or_else(|| {
            let name = target.name();
            format!(
                "{config} has no [env.{name}]; add it, or check the other worker alone by --env"
            )
        })?;
        Ok(Setup::read(target.worker, environment, &overrides))
    };
    let there = || {
        let staging = wrangler.has(Stage::Staging).then_some(Stage::Staging);
        let stages = [Stage::Production].into_iter().chain(staging);
        stages.flat_map(Target::of).collect()
    };
    let targets = targets.clone().unwrap_or_else(there);
    targets.iter().map(setup).collect()
}

fn read(file: &str, hint: &str) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}; {hint}"))
}

fn say(text: &str) -> Result<(), String> {
    let written = io::stdout().write_all(text.as_bytes());
    written.map_err(|error| format!("cannot write to standard output: {error}"))
}
