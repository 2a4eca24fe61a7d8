//! A device that is no longer quite the one that its session is bound to.

use std::rc::Rc;

use authflow_shared::{
    audit::Event,
    fingerprint::{Device, Factor},
    host::gateway::GatewayHost,
    log::{Level, Line},
    session::{SessionId, SessionRecord},
};

use super::Exchange;
use crate::config::SERVICE;

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
        let event = Event {
            event: "device_drift",
            user_id: Some(&record.user_id),
            session: Some(&id.log_name()),
            detail: Some(("drift", factor.as_str())),
            ..Event::default()
        };
        event.tell(self.host, device.ip, &self.gateway.config.common.telemetry);
        let now = self.host.now();
        if !record.may_rebind(now) {
            return;
        }
        let fingerprinter = &self.gateway.config.common.fingerprinter;
        let (fingerprint, factors) = (fingerprinter.of(device), fingerprinter.factors_of(device));
        let failed = Line::new(Level::Warn, SERVICE, "rebinding_failed")
            .field("session", id.log_name().as_str());
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
}
