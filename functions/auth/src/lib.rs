//! Signs people up, in and out.

/// The fetch event.
#[worker::event(fetch)]
pub async fn fetch(
    _request: web_sys::Request,
    _env: worker::Env,
    _context: worker::Context,
) -> worker::Result<web_sys::Response> {
    Ok(web_sys::Response::new()?)
}
