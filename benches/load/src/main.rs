//! The load generator of `scripts/bench`.
//!
//! Reads a [`Job`] from standard input, sends its requests over connections that stay open, checks
//! every answer, and writes a [`Report`] to standard output. It has one thread, so that it takes
//! little of a machine that it shares with what it measures, and talks to loopback addresses alone.

mod check;
mod connection;
mod job;
mod plan;
mod report;

use std::{
    io::{Read as _, Write as _},
    process::ExitCode,
};

use crate::{job::Job, report::Report};

fn main() -> ExitCode {
    match run() {
        Ok(report) => {
            let sent = std::io::stdout().write_all(report.into_json().as_bytes());
            if sent.is_ok() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(text) => {
            eprintln!("authflow-load: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Report, String> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| format!("standard input: {error}"))?;
    let job = Job::parse(&text)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?
        .block_on(plan::carry_out(job))
}
