//! One request on its way, with everything an endpoint needs to answer it.

use core::{
    cell::{Cell, RefCell},
    pin::Pin,
    time::Duration,
};
use std::rc::Rc;

use authflow_shared::{
    client_ip::ClientIp,
    fingerprint::Device,
    host::Host,
    log::{Level, Line},
    redacted::redacted,
    redis::Redis,
    request_id::RequestId,
    session::{SessionId, SessionStore, devices::DeviceEntry},
    supabase::AuthClient,
    telemetry::{Context, Telemetry},
    timestamp::Timestamp,
    trace::Trace,
};

use crate::{
    config::{Config, SERVICE},
    device_label,
    request::Request,
};

/// The characters kept of a `User-Agent`.
const LONGEST_USER_AGENT: usize = 200;

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
    /// The account that it is about, by its name in the audit.
    pub(crate) account: RefCell<Option<String>>,
    /// Whose account that is, once somebody has proved to know its password, or a mail of it.
    pub(crate) user_id: RefCell<Option<String>>,
    /// Whether a session was opened on a device that nobody had seen.
    pub(crate) new_device: Cell<bool>,
    store: SessionStore<H>,
    supabase: AuthClient<H>,
    redis: Redis<H>,
}

/// When a request came, and its names.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    pub(crate) started: Timestamp,
    pub(crate) request_id: RequestId,
    pub(crate) context: Rc<Context>,
    /// The path, as logs show it.
    pub(crate) path: String,
}

impl<'a, H: Host> Exchange<'a, H> {
    /// The request of `client_ip`, which presents `session`.
    pub(crate) fn new(
        host: &'a H,
        config: &'a Rc<Config>,
        request: &'a Request,
        ids: &'a Ids,
        client_ip: ClientIp,
        session: Option<SessionId>,
    ) -> Self {
        let common = &config.common;
        let redis = Redis::new(host.clone(), common.redis.clone());
        Self {
            host,
            config,
            request,
            ids,
            client_ip,
            session,
            account: RefCell::default(),
            user_id: RefCell::default(),
            new_device: Cell::default(),
            store: SessionStore::new(redis.clone(), config.database.clone(), common.lifetimes),
            supabase: AuthClient::new(host.clone(), config.supabase.clone(), Some(client_ip)),
            redis,
        }
    }

    /// Redis.
    pub(crate) const fn redis(&self) -> &Redis<H> {
        &self.redis
    }

    /// The store of sessions.
    pub(crate) const fn store(&self) -> &SessionStore<H> {
        &self.store
    }

    /// Supabase, on behalf of whoever asks.
    pub(crate) const fn supabase(&self) -> &AuthClient<H> {
        &self.supabase
    }

    /// What the request shows of its device.
    pub(crate) fn device(&self) -> Device<'_> {
        Device::of(self.client_ip, |name| self.request.header(name))
    }

    /// What the owner of the account is told of the device.
    pub(crate) fn device_entry(&self) -> DeviceEntry {
        let user_agent = self.request.header("user-agent");
        DeviceEntry {
            label: device_label::of(user_agent),
            ip_hint: self.client_ip.hint(),
            user_agent: user_agent
                .unwrap_or_default()
                .chars()
                .take(LONGEST_USER_AGENT)
                .collect(),
            ..DeviceEntry::default()
        }
    }

    /// Waits until the answer tells nothing by its time.
    pub(crate) async fn even_out(&self) {
        self.even_out_after(Duration::ZERO).await;
    }

    /// Waits until the answer tells nothing by its time, and `longer`.
    pub(crate) async fn even_out_after(&self, longer: Duration) {
        let floor = self.config.answer_floor.saturating_add(longer);
        crate::even_time::wait(self.host, self.ids.started, floor).await;
    }

    /// Runs `task` after the answer. What it returns is why it failed, for the log.
    pub(crate) fn afterwards(
        &self,
        msg: &'static str,
        task: impl Future<Output = Result<(), String>> + 'static,
    ) {
        self.later(msg, Box::pin(task));
    }

    /// The same for every task, so that there is one of it.
    fn later(&self, msg: &'static str, task: Pin<Box<dyn Future<Output = Result<(), String>>>>) {
        let (host, threshold) = (self.host.clone(), self.config.common.log_level);
        self.host.spawn(async move {
            if let Err(cause) = task.await {
                Line::new(Level::Warn, SERVICE, msg)
                    .field("cause", cause.as_str())
                    .emit(&host, threshold);
            }
        });
    }
}

impl Ids {
    /// Those of a request that comes just now, whose environment has them from now on.
    pub(crate) fn begin<H: Host>(
        host: &H,
        request: &Request,
        telemetry: Option<Rc<Telemetry>>,
    ) -> Self {
        let one_in = telemetry.as_ref().map_or(1, |it| it.trace_one_in());
        let trace = Trace::enter(request.header("traceparent"), one_in, host).ok();
        let request_id = RequestId::random(host);
        let context = Context::new(&request_id, trace, telemetry);
        host.enter(context.clone());
        Self {
            started: host.now(),
            request_id,
            context,
            path: redacted(&request.path),
        }
    }
}
