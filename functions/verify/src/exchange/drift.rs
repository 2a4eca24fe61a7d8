//! A device that is no longer quite the one that its session is bound to.

use std::rc::Rc;

use authflow_shared::{
    fingerprint::{Device, Factor},
    host::gateway::GatewayHost,
    log::{Level, Line},
    session::{SessionId, SessionRecord},
};

use super::Exchange;
use crate::request_log::SERVICE;

impl<H: GatewayHost> Exchange<'_, H> {
    /// Tells that `device` differs in `factor`, and binds the session to it after the response,
    /// unless it was bound anew of late. Until then the device passes by the same rule as now.
    pub(super) fn follow(
        &self,
        factor: Factor,
        id: &SessionId,
        record: &Rc<SessionRecord>,
        device: &Device<'_>,
    ) {
        self.tell(Level::Info, "audit", id)
            .field("event", "device_drift")
            .field("drift", factor.as_str())
            .field("user_id", record.user_id.as_str())
            .emit(self.host, Level::Info);
        let now = self.host.now();
        if !record.may_rebind(now) {
            return;
        }
        let fingerprinter = &self.gateway.config.common.fingerprinter;
        let (fingerprint, factors) = (fingerprinter.of(device), fingerprinter.factors_of(device));
        let failed = self.tell(Level::Warn, "rebinding_failed", id);
        let (id, record) = (id.clone(), record.clone());
        let (gateway, host, store) = (self.gateway.clone(), self.host.clone(), self.store());
        self.host.spawn(async move {
            let rebound = store
                .rebind(&id, &record, &fingerprint, &factors, now)
                .await;
            // Whether it was or not, Redis knows better than what is remembered.
            gateway.sessions.borrow_mut().forget(&id);
            if let Err(reason) = rebound {
                failed
                    .field("reason", reason.as_str())
                    .emit(&host, gateway.config.common.log_level);
            }
        });
    }

    fn tell(&self, level: Level, msg: &'static str, id: &SessionId) -> Line {
        Line::new(level, SERVICE, msg).field("session", id.log_name().as_str())
    }
}
