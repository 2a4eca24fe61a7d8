//! `GET /metrics`: what this worker has counted, for Prometheus.

use std::rc::Rc;

use authflow_shared::{host::Host, telemetry::exposition::CONTENT_TYPE};

use crate::{config::Config, failure::Failure, request::Request, response::Response};

/// Whoever may not read it learns nothing, not even that it is there.
pub(crate) async fn handle<H: Host>(
    host: &H,
    config: &Rc<Config>,
    request: &Request,
) -> Result<Response, Failure> {
    let common = &config.common;
    if !common.telemetry.may_read(request.header("authorization")) {
        return Err(Failure::not_found());
    }
    let page = common.telemetry.page(host, &common.exports).await;
    Ok(Response::text(200, "metrics", CONTENT_TYPE, page))
}
