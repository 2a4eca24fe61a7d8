//! `GET /metrics`: what this worker has counted, for Prometheus.

use std::rc::Rc;

use authflow_shared::{host::Host, telemetry::exposition::CONTENT_TYPE};

use crate::{config::Config, request::Request, response::Response};

/// Whether `request` comes with `METRICS_TOKEN`.
pub(crate) fn may_read(config: &Config, request: &Request) -> bool {
    let telemetry = &config.common.telemetry;
    telemetry.may_read(request.header("authorization"))
}

pub(crate) async fn handle<H: Host>(host: &H, config: &Rc<Config>) -> Response {
    let common = &config.common;
    let page = common.telemetry.page(host, &common.exports).await;
    Response::text(200, "metrics", CONTENT_TYPE, page)
}
