//! Signs people up, in and out, and makes their sessions.
//!
//! `driver.js` calls [`configure`] once, [`start`] for each request, [`tick`] each minute and [`resume`] for each wait;
//! what crosses between them is in [`edge`]. [`app::answer`] answers a request; it and everything
//! else is plain Rust over the traits of [`authflow_shared::host`], and is tested natively.
//!
//! Its way through the files: `app` decides what a request is for and whether it may; `api` and
//! `pages` hold a file for each endpoint; both sign in through `open_session` and out through
//! `end_session`.

mod administration;
mod api;
pub mod app;
mod audit;
mod change_email;
mod change_password;
mod chores;
pub mod config;
mod csrf;
mod delete_account;
mod device_label;
pub mod edge;
mod email;
mod end_session;
mod endpoint;
mod even_time;
mod exchange;
mod failure;
mod fields;
mod form;
mod limits;
mod new_device;
mod oauth;
mod one_time;
mod open_session;
mod own_factors;
mod pages;
mod personal_data;
mod profile;
mod qr_code;
pub mod request;
mod reset_link;
pub mod response;
mod second_factor;
mod signed_in;
#[cfg(test)]
mod test_support;
#[cfg(test)]
mod unprinted;
mod user_data;

use std::{cell::RefCell, rc::Rc};

use authflow_shared::{
    config::parse_variables,
    host::effects::{
        EffectHost, Runner,
        wire::{moment, result},
    },
};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{config::Config, response::Response};

thread_local! {
    /// The isolate's configuration; `None` until it is read, and if it has faults.
    static CONFIG: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
    /// The isolate's requests that wait for an effect.
    static RUNNER: RefCell<Runner<Response>> = RefCell::default();
}

/// Reads the worker's variables, a JSON object.
///
/// Returns the log lines that name each fault; none if all is well.
#[wasm_bindgen]
#[must_use]
pub fn configure(now_ms: f64, variables: &str) -> Vec<String> {
    let variables = parse_variables(variables);
    // The runner is only borrowed for its environment here: nothing waits.
    let step = Runner::default().start(moment(now_ms), |host| async move {
        CONFIG.set(app::load(&variables, &host).map(Rc::new));
    });
    step.log
}

/// Takes a request, as [`edge::read`] understands it, to its first wait or its end.
#[wasm_bindgen]
#[must_use]
pub fn start(now_ms: f64, facts: &str, body: String) -> String {
    let config = CONFIG.with_borrow(Clone::clone);
    let request = edge::read(facts, body);
    let now = moment(now_ms);
    let step = RUNNER.with_borrow_mut(|runner| {
        let has_room = runner.has_room(now);
        runner.start(now, |host: EffectHost| async move {
            if has_room {
                app::answer(&host, config.as_ref(), &request).await
            } else {
                app::overloaded(&host, config.as_deref(), &request)
            }
        })
    });
    edge::message(&step)
}

/// Begins what is done each minute, to its first wait or its end. It answers nobody.
#[wasm_bindgen]
#[must_use]
pub fn tick(now_ms: f64) -> String {
    let config = CONFIG.with_borrow(Clone::clone);
    let work = |host: EffectHost| async move {
        if let Some(config) = config.as_ref() {
            chores::run(&host, config).await;
        }
        Response::empty(204, "done")
    };
    let step = RUNNER.with_borrow_mut(|runner| runner.start(moment(now_ms), work));
    edge::message(&step)
}

/// Goes on with the request `id`, whose effect came to `status` and `text`.
#[wasm_bindgen]
#[must_use]
pub fn resume(now_ms: f64, id: u32, status: i32, text: String) -> String {
    let step = RUNNER.with_borrow_mut(|runner| {
        runner.resume(moment(now_ms), id, |awaited| result(awaited, status, text))
    });
    edge::message(&step)
}
