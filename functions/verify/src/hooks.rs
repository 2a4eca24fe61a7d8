//! What tests of the driver need: a trap, and a look at what the module holds. Never in a release.

use authflow_shared::host::effects::{Runner, State, Step};

use crate::{RUNNER, answer::Answer, facts::Facts, outcome::Outcome, wire};

/// Bytes of a page of WebAssembly memory.
const PAGE: usize = 65_536;

/// `x-test-hook: trap` ends this instance; `x-test-hook: memory` tells how many requests wait and
/// how many bytes of memory the module has.
pub(crate) fn run(facts: &str) -> Option<String> {
    if Facts::parse(facts)?.header("x-test-hook")? == "trap" {
        trap();
    }
    let waiting = RUNNER.with_borrow(Runner::waiting);
    let bytes = memory_pages() * PAGE;
    let body = format!(r#"{{"waiting":{waiting},"bytes":{bytes}}}"#);
    let output = Outcome::Respond(Answer::json(200, body, "test"));
    let state = State::Done {
        output,
        background: None,
    };
    Some(wire::message(&Step {
        log: Vec::new(),
        state,
    }))
}

#[cfg(target_arch = "wasm32")]
fn memory_pages() -> usize {
    core::arch::wasm32::memory_size(0)
}

#[cfg(target_arch = "wasm32")]
fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn memory_pages() -> usize {
    0
}

#[cfg(not(target_arch = "wasm32"))]
fn trap() -> ! {
    std::process::abort()
}
