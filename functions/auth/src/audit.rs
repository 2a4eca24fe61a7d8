//! What an operator must be able to look up later: who did what to which account.
//!
//! Each event is a log line whose `msg` is `audit`. It names people by their ids, and a client by
//! its network.

use authflow_shared::{
    fingerprint::Factor,
    host::Host,
    log::{Level, Line},
};

use crate::{
    exchange::{Exchange, SERVICE},
    signed_in::SignedIn,
};

impl<H: Host> Exchange<'_, H> {
    /// Records that `event` happened to the account `user_id`; `actor` did it, where that is
    /// somebody else.
    pub(crate) fn audit(&self, event: &'static str, user_id: &str, actor: Option<&str>) {
        self.event(event, user_id)
            .maybe("actor", actor)
            .emit(self.host, Level::Info);
    }

    /// Records, as the gateway does, that the device of `signed_in` differs in `factor`.
    pub(crate) fn audit_drift(&self, factor: Factor, signed_in: &SignedIn) {
        self.event("device_drift", signed_in.user_id())
            .field("drift", factor.as_str())
            .field("session", signed_in.id.log_name().as_str())
            .emit(self.host, Level::Info);
    }

    /// The line of an event, which is never below the threshold.
    fn event(&self, event: &'static str, user_id: &str) -> Line {
        Line::new(Level::Info, SERVICE, "audit")
            .field("event", event)
            .field("user_id", user_id)
            .field("network", self.client_ip.network().to_string().as_str())
    }
}
