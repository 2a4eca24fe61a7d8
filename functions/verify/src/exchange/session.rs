//! Whose request it is.

use authflow_shared::{
    client_ip::ClientIp,
    fingerprint::{Device, Likeness},
    host::gateway::GatewayHost,
    redis::Redis,
    session::{Presented, SessionId, SessionStore, find, store::SessionLookup},
};

use super::{Exchange, limit::RedisCount};
use crate::{
    decide::Credential,
    limits::Tally,
    request_log::Source,
    routes::{Policy, Route},
};

/// Whom the request's token names.
pub(super) enum Named {
    /// Nobody: there is no token, or nobody asked.
    Nobody,
    /// Nobody: the token is not ours.
    Forged,
    /// The session of this id, whether it is alive or not.
    Session(SessionId),
}

/// Where the request came from.
pub(super) struct Seen<'a> {
    pub(super) client_ip: ClientIp,
    pub(super) device: Device<'a>,
}

impl Named {
    pub(super) fn session(&self) -> Option<&SessionId> {
        match self {
            Self::Session(id) => Some(id),
            Self::Nobody | Self::Forged => None,
        }
    }

    pub(super) fn into_session(self) -> Option<SessionId> {
        match self {
            Self::Session(id) => Some(id),
            Self::Nobody | Self::Forged => None,
        }
    }
}

impl<H: GatewayHost> Exchange<'_, H> {
    /// Whom the token names. A public route asks for nobody, so that no answer of it depends on a
    /// session.
    pub(super) fn named(&self, policy: &Policy, presented: &Presented) -> Named {
        let Presented::Token { token, .. } = presented else {
            return Named::Nobody;
        };
        if matches!(policy, Policy::Public) {
            return Named::Nobody;
        }
        let keys = &self.gateway.config.common.token_keys;
        match keys.open(token.expose()) {
            Ok(id) => Named::Session(id),
            Err(_) => Named::Forged,
        }
    }

    pub(super) fn seen(&self, client_ip: ClientIp) -> Seen<'_> {
        Seen {
            client_ip,
            device: Device::of(client_ip, |name| self.facts.header(name)),
        }
    }

    /// What the request shows of its session, and what the limit that Redis counts says, in one
    /// round trip; in none, where neither is asked for.
    pub(super) async fn credential(
        &self,
        route: &Route,
        named: &Named,
        seen: &Seen<'_>,
    ) -> (Credential, Option<Source>, Option<Tally>) {
        let count = self.redis_count(route, named.session(), seen);
        let credential = match named {
            Named::Session(id) => {
                let (lookup, source, tally) = self.look_up(id, count).await;
                return (self.shown(lookup, &seen.device), Some(source), tally);
            }
            Named::Nobody => Credential::None,
            Named::Forged => Credential::Forged,
        };
        // Whoever is refused anyway is not worth a round trip.
        let tally = match count.filter(|_| route.policy == Policy::Public) {
            Some(count) => Some(self.redis_limit(count).await),
            None => None,
        };
        (credential, None, tally)
    }

    /// Asks Redis for what is not remembered; for nothing, where all is.
    async fn look_up(
        &self,
        id: &SessionId,
        count: Option<RedisCount>,
    ) -> (SessionLookup, Source, Option<Tally>) {
        let asked_at = self.host.now();
        let remembered = self.gateway.sessions.borrow_mut().find(id, asked_at);
        if let Some((record, age_ms)) = remembered {
            let tally = match count {
                Some(count) => Some(self.redis_limit(count).await),
                None => None,
            };
            return (
                SessionLookup::Found(record),
                Source::Memory { age_ms },
                tally,
            );
        }
        let (lookup, source, tally) = if let Some(count) = count {
            let (lookup, source, tally) = self.find_and_count(id, count).await;
            (lookup, source, Some(tally))
        } else {
            let (lookup, source) = self.store().find(id, asked_at).await;
            (lookup, source, None)
        };
        let mut sessions = self.gateway.sessions.borrow_mut();
        let source = match source {
            find::Source::Redis => {
                sessions.keep(id, &lookup, asked_at);
                Source::Redis
            }
            // Not remembered: whatever Redis said before is not extended.
            find::Source::Database => {
                if lookup == SessionLookup::Absent {
                    sessions.forget(id);
                }
                Source::Database
            }
        };
        (lookup, source, tally)
    }

    fn shown(&self, lookup: SessionLookup, device: &Device<'_>) -> Credential {
        let device = lookup.record().map_or(Likeness::Other, |record| {
            let fingerprinter = &self.gateway.config.common.fingerprinter;
            // Browsers send no client hints with a WebSocket's handshake.
            if self.facts.is_websocket() && device.platform.is_none() && device.mobile.is_none() {
                fingerprinter.compare_without_hints(device, record)
            } else {
                fingerprinter.compare(device, record)
            }
        });
        Credential::Session { lookup, device }
    }

    pub(super) fn store(&self) -> SessionStore<H> {
        let config = &self.gateway.config;
        SessionStore::new(
            self.redis(),
            config.database.clone(),
            config.common.lifetimes,
        )
    }

    pub(super) fn redis(&self) -> Redis<H> {
        Redis::new(self.host.clone(), self.gateway.config.common.redis.clone())
    }
}
