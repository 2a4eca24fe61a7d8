//! Signs people up, in and out, and makes their sessions.
//!
//! This file is the event shell: it turns what the runtime gives into a [`request::Request`], has
//! [`app::answer`] answer it, and turns the [`response::Response`] back. Everything else is plain
//! Rust over the traits of [`authflow_shared::host`], and is tested natively.
//!
//! Its way through the files: `app` decides what a request is for and whether it may; `api` and
//! `pages` hold a file for each endpoint; both sign in through `open_session` and out through
//! `end_session`.

mod api;
pub mod app;
mod audit;
mod change_password;
pub mod config;
mod csrf;
mod device_label;
#[cfg(target_arch = "wasm32")]
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
mod one_time;
mod open_session;
mod pages;
mod profile;
pub mod request;
mod reset_link;
pub mod response;
mod second_factor;
mod signed_in;
#[cfg(test)]
mod test_support;

#[cfg(target_arch = "wasm32")]
mod shell {
    use core::{cell::OnceCell, convert::Infallible};
    use std::rc::Rc;

    use authflow_shared::host::worker::WorkerHost;
    use wasm_bindgen::JsValue;

    use crate::{app, config::Config, edge};

    thread_local! {
        /// The configuration of this isolate; `None` if it has faults.
        static CONFIG: OnceCell<Option<Rc<Config>>> = const { OnceCell::new() };
    }

    /// The fetch event. It has no error that could be printed: the code that prints those of the
    /// `worker` crate weighs more than a page.
    #[worker::event(fetch)]
    async fn fetch(
        request: web_sys::Request,
        env: worker::Env,
        context: worker::Context,
    ) -> Result<web_sys::Response, Infallible> {
        let answer = answer(request, env, context).await;
        // What the runtime threw; nothing of ours is in the answer then.
        Ok(answer.unwrap_or_else(|_| web_sys::Response::error()))
    }

    async fn answer(
        request: web_sys::Request,
        env: worker::Env,
        context: worker::Context,
    ) -> Result<web_sys::Response, JsValue> {
        let host = WorkerHost::new(context);
        let load = || app::load(&edge::variables(&env), &host).map(Rc::new);
        let config = CONFIG.with(|config| config.get_or_init(load).clone());
        let request = edge::read(&request).await?;
        let response = app::answer(&host, config.as_ref(), &request).await;
        edge::write(&response)
    }
}
