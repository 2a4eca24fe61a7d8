//! Whose request it is, and how its session lives on.

use authflow_shared::{
    client_ip::ClientIp,
    fingerprint::Device,
    host::edge::Edge,
    log::{Level, Line},
    redis::Redis,
    session::{Presented, SessionId, SessionRecord, SessionStore, store::SessionLookup},
};

use super::Exchange;
use crate::{
    account::SERVICE,
    decide::Credential,
    limits::Limited,
    routes::{Policy, Route},
};

impl<H: Edge> Exchange<'_, H> {
    /// The session that the request's token names, or what stands in its place.
    ///
    /// A public route asks for none, so that no answer of it depends on a session.
    ///
    /// # Errors
    /// The [`Credential`] of a request without a token of ours.
    pub(super) fn session_id(
        &self,
        policy: &Policy,
        presented: &Presented,
    ) -> Result<SessionId, Credential> {
        let Presented::Token { token, .. } = presented else {
            return Err(Credential::None);
        };
        if matches!(policy, Policy::Public) {
            return Err(Credential::None);
        }
        let keys = &self.gateway.config.common.token_keys;
        keys.open(token.expose()).map_err(|_| Credential::Forged)
    }

    /// What the request shows of its session, and what the limit that Redis counts says, in one
    /// round trip; in none, where neither is asked for.
    pub(super) async fn credential(
        &self,
        route: &Route,
        session_id: Result<&SessionId, &Credential>,
        client_ip: ClientIp,
    ) -> (Credential, Option<Limited>) {
        let key = self.redis_limit_key(route, session_id.ok(), client_ip);
        match session_id {
            Err(credential) => {
                // Whoever is refused anyway is not worth a round trip.
                let counted = match key.filter(|_| route.policy == Policy::Public) {
                    Some(count) => Some(self.redis_limit(count).await),
                    None => None,
                };
                (credential.clone(), counted)
            }
            Ok(id) => {
                let (lookup, counted) = match key {
                    Some(count) => self.find_and_count(id, count).await,
                    None => (self.store().find(id, self.host.now()).await, None),
                };
                (self.shown(lookup, client_ip), counted)
            }
        }
    }

    fn shown(&self, lookup: SessionLookup, client_ip: ClientIp) -> Credential {
        let device = Device::of(client_ip, |name| self.facts.header(name));
        let same_device = lookup.record().is_some_and(|record| {
            let fingerprinter = &self.gateway.config.common.fingerprinter;
            // Browsers send no client hints with a WebSocket's handshake.
            if self.facts.is_websocket() && device.platform.is_none() && device.mobile.is_none() {
                fingerprinter.matches_without_hints(&device, &record.factors)
            } else {
                fingerprinter.matches(&device, &record.device_fingerprint)
            }
        });
        Credential::Session {
            lookup,
            same_device,
        }
    }

    /// Lets the session live on, after the response.
    pub(super) fn renew(&self, id: &SessionId, record: &SessionRecord) {
        let now = self.host.now();
        if !self.gateway.renewals.borrow_mut().take(id, record, now) {
            return;
        }
        let (gateway, host, store) = (self.gateway.clone(), self.host.clone(), self.store());
        let (id, record) = (id.clone(), record.clone());
        let request_id = self.request_id.to_string();
        self.host.spawn(async move {
            if let Err(reason) = store.renew(&id, &record, now).await {
                gateway.renewals.borrow_mut().failed(&id);
                Line::new(Level::Warn, SERVICE, "renewal_failed")
                    .field("request_id", request_id)
                    .field("session", id.log_name())
                    .field("reason", reason.as_str())
                    .emit(&host, gateway.config.common.log_level);
            }
        });
    }

    pub(super) fn store(&self) -> SessionStore<H> {
        let common = &self.gateway.config.common;
        let redis = Redis::new(self.host.clone(), common.redis.clone());
        SessionStore::new(redis, common.lifetimes)
    }
}
