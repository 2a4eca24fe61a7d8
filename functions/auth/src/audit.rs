//! What an operator must be able to look up later: who did what to which account.
//!
//! Each event is a log line whose `msg` is `audit`. It names people by their ids, and a client by
//! its network.

use authflow_shared::{host::Host, log::Level};

use crate::exchange::Exchange;

impl<H: Host> Exchange<'_, H> {
    /// Records that `event` happened to the account `user_id`; `actor` did it, where that is
    /// somebody else.
    pub(crate) fn audit(&self, event: &'static str, user_id: &str, actor: Option<&str>) {
        self.ids
            .line(Level::Info, "audit")
            .field("event", event)
            .field("user_id", user_id)
            .maybe("actor", actor)
            .field("network", self.client_ip.network().to_string().as_str())
            // An audit event is never below the threshold.
            .emit(self.host, Level::Info);
    }
}
