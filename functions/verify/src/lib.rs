//! The gateway that every request passes.
//!
//! `driver.js` calls [`configure`] once, [`start`] for each request and [`resume`] for each wait;
//! what it is told to do is in [`wire`]. A request's way is told in [`exchange`]; who may pass is
//! decided in [`decide`](mod@decide).

pub mod answer;
pub mod assertion;
pub mod canonical;
pub mod config;
pub mod decide;
pub mod exchange;
pub mod facts;
pub mod forward;
pub mod gateway;
pub mod health;
#[cfg(feature = "hooks")]
mod hooks;
pub mod jwks;
pub mod limits;
pub mod outcome;
pub mod own_paths;
pub mod problems;
pub mod relay;
pub mod remembered;
mod request_log;
pub mod reserved;
pub mod routes;
pub mod session_cache;
pub mod signin_page;
pub mod wire;

use std::{cell::RefCell, rc::Rc};

use authflow_shared::{
    config::parse_variables,
    host::effects::{
        Runner, at_once,
        wire::{moment, result},
    },
    log::{CONFIG_INVALID, Level, Line},
};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{
    config::{Config, SERVICE},
    gateway::Gateway,
    outcome::Outcome,
};

thread_local! {
    /// The isolate's gateway; `None` until it is configured, and if the configuration is faulty.
    static GATEWAY: RefCell<Option<Rc<Gateway>>> = const { RefCell::new(None) };
    /// The isolate's requests that wait for an effect.
    static RUNNER: RefCell<Runner<Outcome>> = RefCell::default();
}

/// Reads the worker's variables, a JSON object.
///
/// Returns the log lines that name each fault; none if all is well.
#[wasm_bindgen]
#[must_use]
pub fn configure(now_ms: f64, variables: &str) -> Vec<String> {
    let read = Config::read(&parse_variables(variables));
    at_once(moment(now_ms), |host| match read {
        Ok(config) => GATEWAY.set(Some(Rc::new(Gateway::new(config, host)))),
        Err(faults) => {
            GATEWAY.set(None);
            for fault in &faults {
                Line::new(Level::Error, SERVICE, CONFIG_INVALID)
                    .field("variable", fault.name)
                    .field("problem", fault.problem.as_str())
                    .emit(host, Level::Error);
            }
        }
    })
}

/// Takes a request, as [`Facts`] describe it, to its first wait or its end.
#[wasm_bindgen]
#[must_use]
pub fn start(now_ms: f64, facts: String) -> String {
    #[cfg(feature = "hooks")]
    if let Some(message) = hooks::run(&facts) {
        return message;
    }
    let gateway = GATEWAY.with_borrow(Clone::clone);
    let now = moment(now_ms);
    let step = RUNNER.with_borrow_mut(|runner| {
        let has_room = runner.has_room(now);
        runner.start(now, |host| async move {
            match gateway {
                Some(gateway) if has_room => exchange::handle(gateway, host, facts).await,
                Some(gateway) => {
                    let problem = problems::overloaded();
                    exchange::refused(Some(&gateway), &host, &facts, &problem)
                }
                None => exchange::refused(None, &host, &facts, &problems::config_invalid()),
            }
        })
    });
    wire::message(&step)
}

/// Goes on with the request `id`, whose effect came to `status` and `text`.
#[wasm_bindgen]
#[must_use]
pub fn resume(now_ms: f64, id: u32, status: i32, text: String) -> String {
    let step = RUNNER.with_borrow_mut(|runner| {
        runner.resume(moment(now_ms), id, |awaited| result(awaited, status, text))
    });
    wire::message(&step)
}
