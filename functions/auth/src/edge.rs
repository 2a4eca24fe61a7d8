//! Between the runtime's objects and ours.

use authflow_shared::config::Variables;
use js_sys::{Array, JSON, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, ReadableStream, ReadableStreamDefaultReader, ResponseInit};

use crate::{
    request::{BODY_LIMIT, Body, Request},
    response::Response,
};

/// The variables and secrets among the bindings. One that is no string, as `wrangler.toml` allows,
/// counts as its JSON: it is read as such or found faulty, but never overlooked.
pub fn variables(env: &JsValue) -> Variables {
    let entries = Object::entries(env.unchecked_ref());
    // Not collected: that would bring a sort into the worker.
    let mut variables = Variables::new();
    for entry in entries.iter() {
        let entry: &Array = entry.unchecked_ref();
        if let (Some(name), Some(text)) = (entry.get(0).as_string(), setting(&entry.get(1))) {
            variables.insert(name, text);
        }
    }
    variables
}

/// The text of a plain value; other bindings are instances of classes.
fn setting(value: &JsValue) -> Option<String> {
    let is_plain = !value.is_object()
        || Array::is_array(value)
        || Object::get_prototype_of(value) == Object::get_prototype_of(&Object::new());
    let json = || {
        JSON::stringify(value)
            .ok()
            .and_then(|text| text.as_string())
    };
    value.as_string().or_else(|| is_plain.then(json).flatten())
}

/// What is known of `request`, whose body is read to its end or to the limit.
///
/// # Errors
/// Whatever the runtime threw.
pub async fn read(request: &web_sys::Request) -> Result<Request, JsValue> {
    let url = request.url();
    let (path, query) = split(&url);
    let headers = request.headers();
    let declared = headers.get("content-length")?;
    let body = match request.body() {
        _ if declared.is_some_and(|length| !fits(&length)) => Body::TooLarge,
        None => Body::Text(String::new()),
        Some(stream) => read_body(&stream).await,
    };
    Ok(Request {
        method: request.method(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: Array::from(&headers)
            .iter()
            .filter_map(|entry| pair(&entry))
            .collect(),
        body,
    })
}

/// The runtime's response.
///
/// # Errors
/// Whatever the runtime threw.
pub fn write(response: &Response) -> Result<web_sys::Response, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in &response.headers {
        headers.append(name, value)?;
    }
    let init = ResponseInit::new();
    init.set_status(response.status);
    init.set_headers(&headers);
    web_sys::Response::new_with_opt_str_and_init(response.body.as_deref(), &init)
}

/// The `[name, value]` of two texts.
fn pair(entry: &JsValue) -> Option<(String, String)> {
    let entry: &Array = entry.unchecked_ref();
    Some((entry.get(0).as_string()?, entry.get(1).as_string()?))
}

/// Path and query of an absolute URL, as they are.
fn split(url: &str) -> (&str, &str) {
    let url = url.split('#').next().unwrap_or_default();
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = authority.find('/').and_then(|start| authority.get(start..));
    (path.unwrap_or("/"), query)
}

/// Whether a body that says it has `length` bytes is worth reading.
fn fits(length: &str) -> bool {
    length
        .parse::<usize>()
        .is_ok_and(|length| length <= BODY_LIMIT)
}

/// The body, as far as the limit: what it said of its length may be untrue.
async fn read_body(stream: &ReadableStream) -> Body {
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    loop {
        let Ok(chunk) = JsFuture::from(reader.read()).await else {
            return Body::Unreadable;
        };
        let part = |name: &str| Reflect::get(&chunk, &name.into()).unwrap_or_default();
        if part("done").is_truthy() {
            break;
        }
        let Ok(chunk) = part("value").dyn_into::<Uint8Array>() else {
            return Body::Unreadable;
        };
        bytes.extend(chunk.to_vec());
        if bytes.len() > BODY_LIMIT {
            // Nobody waits for it: the answer does not depend on it.
            let _ = reader.cancel();
            return Body::TooLarge;
        }
    }
    String::from_utf8(bytes).map_or(Body::Unreadable, Body::Text)
}
