//! The environment of `auth`: the Workers runtime through the `worker` crate.

use core::{fmt, time::Duration};
use std::rc::Rc;

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortSignal, Headers, Request, RequestInit, RequestRedirect, Response, WorkerGlobalScope,
};

use super::{
    Background, CallError, Clock, HttpAnswer, HttpCall, HttpClient, LogSink, NoRandomness, Random,
    Sleeper, fill_from_platform,
};
use crate::timestamp::Timestamp;

/// The environment of one request.
#[derive(Clone)]
pub struct WorkerHost(Rc<worker::Context>);

impl WorkerHost {
    /// The environment of the request that `context` came with.
    pub fn new(context: worker::Context) -> Self {
        Self(Rc::new(context))
    }
}

impl fmt::Debug for WorkerHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WorkerHost")
    }
}

impl Clock for WorkerHost {
    fn now(&self) -> Timestamp {
        let millis = js_sys::Date::now();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole milliseconds since 1970, far below 2^53"
        )]
        Timestamp::from_millis(millis as u64)
    }
}

impl Random for WorkerHost {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        fill_from_platform(bytes)
    }
}

impl HttpClient for WorkerHost {
    async fn call(&self, call: HttpCall) -> Result<HttpAnswer, CallError> {
        fetch(call).await.map_err(|error| {
            let name = js_sys::Reflect::get(&error, &"name".into()).ok();
            match name.and_then(|name| name.as_string()).as_deref() {
                Some("TimeoutError") => CallError::Timeout,
                _ => CallError::Connection,
            }
        })
    }
}

impl Sleeper for WorkerHost {
    async fn sleep(&self, duration: Duration) {
        worker::Delay::from(duration).await;
    }
}

impl LogSink for WorkerHost {
    fn emit(&self, line: String) {
        worker::console_log!("{line}");
    }
}

impl Background for WorkerHost {
    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.0.wait_until(task);
    }
}

/// The signal covers the body too: it is read here.
async fn fetch(call: HttpCall) -> Result<HttpAnswer, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in &call.headers {
        headers.set(name, value)?;
    }
    let millis = u32::try_from(call.timeout.as_millis()).unwrap_or(u32::MAX);
    let init = RequestInit::new();
    init.set_method(call.method);
    init.set_headers(&headers);
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(millis)));
    if let Some(body) = &call.body {
        init.set_body(&JsValue::from_str(body));
    }
    let request = Request::new_with_str_and_init(&call.url, &init)?;
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    let response = JsFuture::from(scope.fetch_with_request(&request)).await?;
    let response: Response = response.dyn_into()?;
    let body = JsFuture::from(response.text()?).await?;
    Ok(HttpAnswer {
        status: response.status(),
        body: body.as_string().unwrap_or_default(),
    })
}
