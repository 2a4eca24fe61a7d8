//! How often a client may come.
//!
//! | limit | counted | if that cannot be asked |
//! |---|---|---|
//! | of every address (`GATEWAY_LIMIT`) | in the isolate, and by the platform where `GATEWAY_LIMIT_BINDING` names a limiter | the isolate's count holds alone |
//! | of a route (`rate_limit`) | in the isolate, and by the platform where `binding` names a limiter | the isolate's count holds alone |
//! | of a route, `exact` | in Redis | the isolate counts in its stead |
//!
//! So no limit is ever away: at worst each isolate holds it for itself.
//!
//! Keys are canonical: the route's id, and the client's network, or the session's id and the device
//! that it is used from, never a text that the client wrote. The device is in it, so that whoever
//! stole a token cannot use up its owner's limit. Where devices may drift, it is their network
//! alone: whoever has a session could give every request a language of its own.

use std::rc::Rc;

use authflow_shared::{
    client_ip::ClientIp,
    host::gateway::{AdmitOrder, GatewayHost},
    log::{Level, Line},
    rate_limit::{Counter, Quota, Verdict},
    redis::{Command, Reply, Unavailable},
    session::{SessionId, find, store::SessionLookup},
    timestamp::Timestamp,
};

use super::{Exchange, session::Seen};
use crate::{
    config::SERVICE,
    limits::Tally,
    routes::{By, Counted, Route},
};

/// A request that Redis is to count.
pub(super) struct RedisCount {
    key: String,
    quota: Quota,
    /// The moment, which places it in a window.
    at: Timestamp,
}

impl<H: GatewayHost> Exchange<'_, H> {
    /// The limit of the client's address, if the request is over it.
    pub(super) async fn address_limit(&self, client_ip: ClientIp) -> Option<Tally> {
        let config = &self.gateway.config.limit;
        let quota = config.quota?;
        let key = format!("address:{}", client_ip.network());
        let tally = self.count("address", key, quota, config.binding.as_ref());
        Some(tally.await).filter(Tally::is_exceeded)
    }

    /// What the route's limit says, unless Redis is to count it.
    pub(super) async fn limit_without_redis(
        &self,
        route: &Route,
        session: Option<&SessionId>,
        seen: &Seen<'_>,
    ) -> Option<Tally> {
        let limit = route.rate_limit.as_ref()?;
        let binding = match &limit.counted {
            Counted::Isolate => None,
            Counted::Platform(binding) => Some(binding),
            Counted::Redis => return None,
        };
        let key = self.key(route, limit.by, session, seen)?;
        Some(self.count("route", key, limit.quota, binding).await)
    }

    /// What Redis is to count, if the route asks for it.
    pub(super) fn redis_count(
        &self,
        route: &Route,
        session: Option<&SessionId>,
        seen: &Seen<'_>,
    ) -> Option<RedisCount> {
        let limit = route.rate_limit.as_ref()?;
        if limit.counted != Counted::Redis {
            return None;
        }
        Some(RedisCount {
            key: self.key(route, limit.by, session, seen)?,
            quota: limit.quota,
            at: self.host.now(),
        })
    }

    /// Counts in Redis alone.
    pub(super) async fn redis_limit(&self, count: RedisCount) -> Tally {
        let reply = self.redis().command(&Self::command(&count, false)).await;
        self.read_or_teach(count, reply).await
    }

    /// Looks the session up and counts, in one round trip.
    pub(super) async fn find_and_count(
        &self,
        id: &SessionId,
        count: RedisCount,
    ) -> (SessionLookup, find::Source, Tally) {
        let command = Self::command(&count, false);
        let (lookup, source, reply) = self.store().find_and(id, command, count.at).await;
        (lookup, source, self.read_or_teach(count, reply).await)
    }

    /// Counts in the isolate first: whoever is over the limit here need not be counted elsewhere.
    async fn count(
        &self,
        name: &'static str,
        key: String,
        quota: Quota,
        binding: Option<&Rc<str>>,
    ) -> Tally {
        let mut verdict = self.take(&key, quota);
        if let Some(binding) = binding.filter(|_| verdict.allowed) {
            let order = AdmitOrder {
                limiter: binding.clone(),
                key,
            };
            match self.host.admit(order).await {
                Ok(admitted) => verdict.allowed = admitted,
                Err(error) => self.warn(error.as_str()),
            }
        }
        Tally {
            name,
            quota,
            verdict,
        }
    }

    /// Reads the reply; a server that has forgotten the script learns it, once.
    async fn read_or_teach(
        &self,
        count: RedisCount,
        mut reply: Result<Reply, Unavailable>,
    ) -> Tally {
        if matches!(&reply, Ok(reply) if reply.is_error("NOSCRIPT")) {
            reply = self.redis().command(&Self::command(&count, true)).await;
        }
        self.tally(count, reply)
    }

    /// What the reply says; where it says nothing, what this isolate counts.
    fn tally(&self, count: RedisCount, reply: Result<Reply, Unavailable>) -> Tally {
        let RedisCount { key, quota, at } = count;
        let verdict = reply.and_then(|reply| Counter::verdict(&reply, quota, at));
        let verdict = verdict.unwrap_or_else(|reason| {
            self.warn(reason.as_str());
            self.take(&key, quota)
        });
        Tally {
            name: "route",
            quota,
            verdict,
        }
    }

    fn command(count: &RedisCount, whole: bool) -> Command {
        let RedisCount { key, quota, at } = count;
        Counter::command(key, *quota, *at, whole)
    }

    /// Who is counted; `None` where a session is, and there is none.
    fn key(
        &self,
        route: &Route,
        by: By,
        session: Option<&SessionId>,
        seen: &Seen<'_>,
    ) -> Option<String> {
        let id = &route.id;
        Some(match by {
            By::Address => format!("route:{id}:{}", seen.client_ip.network()),
            By::Session => {
                let session = session?.as_str();
                let device = self
                    .gateway
                    .config
                    .common
                    .fingerprinter
                    .place_of(&seen.device);
                format!("route:{id}:{session}:{device}")
            }
        })
    }

    fn take(&self, key: &str, quota: Quota) -> Verdict {
        let mut limits = self.gateway.limits.borrow_mut();
        limits.take(key, quota, self.host.now())
    }

    fn warn(&self, reason: &str) {
        Line::new(Level::Warn, SERVICE, "limiter_unavailable")
            .field("reason", reason)
            .emit(self.host, self.gateway.config.common.log_level);
    }
}
