//! One request on its way, with everything an endpoint needs to answer it.

use std::rc::Rc;

use authflow_shared::{
    client_ip::ClientIp,
    fingerprint::Device,
    host::Host,
    log::{Level, Line},
    redis::Redis,
    request_id::RequestId,
    session::{SessionId, SessionStore},
    supabase::AuthClient,
    timestamp::Timestamp,
    trace::Trace,
};

use crate::{config::Config, request::Request};

/// The service's name in log lines.
pub(crate) const SERVICE: &str = "auth";

/// See the module.
#[derive(Debug)]
pub(crate) struct Exchange<'a, H> {
    pub(crate) host: &'a H,
    pub(crate) config: &'a Rc<Config>,
    pub(crate) request: &'a Request,
    pub(crate) ids: &'a Ids,
    pub(crate) client_ip: ClientIp,
    /// The session the request presents, if its token is one of ours; whether it is still alive
    /// nobody has asked yet.
    pub(crate) session: Option<SessionId>,
}

/// When a request came, and its names.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    pub(crate) started: Timestamp,
    pub(crate) request_id: RequestId,
    pub(crate) trace: Option<Trace>,
}

impl<H: Host> Exchange<'_, H> {
    /// The store of sessions.
    pub(crate) fn store(&self) -> SessionStore<H> {
        let redis = Redis::new(self.host.clone(), self.config.common.redis.clone());
        SessionStore::new(redis, self.config.common.lifetimes)
    }

    /// Supabase, on behalf of whoever asks.
    pub(crate) fn supabase(&self) -> AuthClient<H> {
        let settings = self.config.supabase.clone();
        AuthClient::new(self.host.clone(), settings, Some(self.client_ip))
    }

    /// What the request shows of its device.
    pub(crate) fn device(&self) -> Device<'_> {
        Device::of(self.client_ip, |name| self.request.header(name))
    }

    /// Waits until the answer tells nothing by its time.
    pub(crate) async fn even_out(&self) {
        let floor = self.config.answer_floor;
        crate::even_time::wait(self.host, self.ids.started, floor).await;
    }

    /// Runs `task` after the answer. What it returns is why it failed, for the log.
    pub(crate) fn afterwards(
        &self,
        msg: &'static str,
        task: impl Future<Output = Result<(), String>> + 'static,
    ) {
        let (host, threshold) = (self.host.clone(), self.config.common.log_level);
        let ids = self.ids.clone();
        self.host.spawn(async move {
            if let Err(cause) = task.await {
                ids.line(Level::Warn, msg)
                    .field("cause", cause.as_str())
                    .emit(&host, threshold);
            }
        });
    }
}

impl Ids {
    /// A log line that belongs to the request.
    pub(crate) fn line(&self, level: Level, msg: &'static str) -> Line {
        Line::new(level, SERVICE, msg)
            .field("request_id", self.request_id.as_str())
            .maybe("trace_id", self.trace.as_ref().map(Trace::trace_id))
    }
}
