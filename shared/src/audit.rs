//! What an operator must be able to look up later: who did what to which account.
//!
//! A stream of its own: each event is a log line whose `msg` is `audit`, whatever the level, and, where
//! `AUDIT_DATASET` names a binding, a data point of Workers Analytics Engine. It names people by their ids, an
//! address that somebody typed by a keyed hash of it, and a client by its network.

use std::rc::Rc;

use crate::{
    client_ip::ClientIp,
    host::Host,
    log::{Level, Line},
    telemetry::Telemetry,
};

/// What happened. `Default` is nothing known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Event<'a> {
    /// Its name, in snake case.
    pub event: &'static str,
    /// What came of it, where it could fail: the outcome, or the code of the refusal.
    pub result: Option<&'static str>,
    /// Where it was asked for: the name of the endpoint.
    pub route: Option<&'static str>,
    /// Whose account it is, if that is known.
    pub user_id: Option<&'a str>,
    /// The address that was typed, by its [name](crate::fingerprint::Fingerprinter::account_name).
    pub account: Option<&'a str>,
    /// Who did it, where that is somebody else.
    pub actor: Option<&'a str>,
    /// The session, by its name in logs.
    pub session: Option<&'a str>,
    /// Whether the device had not been seen before.
    pub new_device: Option<bool>,
    /// What it came to, by its name: the `role`, or the factor in which a device is in `drift`.
    pub detail: Option<(&'static str, &'a str)>,
}

/// A data point of Workers Analytics Engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataPoint {
    /// The binding of the dataset.
    pub dataset: Rc<str>,
    /// What samples are drawn by.
    pub index: String,
    /// Texts, in their order.
    pub blobs: Vec<String>,
}

impl Event<'_> {
    /// Tells of it, as something that `client_ip` did.
    pub fn tell<H: Host>(&self, host: &H, client_ip: ClientIp, telemetry: &Telemetry) {
        let network = client_ip.network().to_string();
        let line = Line::new(Level::Info, telemetry.service, "audit")
            .field("event", self.event)
            .maybe("result", self.result)
            .maybe("route", self.route)
            .maybe("user_id", self.user_id)
            .maybe("account", self.account)
            .maybe("actor", self.actor)
            .maybe("session", self.session)
            .maybe("new_device", self.new_device)
            .field("network", network.as_str());
        let line = match self.detail {
            Some((name, value)) => line.field(name, value),
            None => line,
        };
        line.emit(host, Level::Info);
        let Some(dataset) = telemetry.audit_dataset() else {
            return;
        };
        let new_device = self
            .new_device
            .map(|is_new| if is_new { "true" } else { "false" });
        let context = host.context();
        let blobs = [
            Some(self.event),
            self.result,
            self.route,
            self.user_id,
            self.account,
            self.actor,
            self.session,
            new_device,
            self.detail.map(|(_, value)| value),
            Some(&network),
            Some(telemetry.service),
            context.as_ref().map(|context| context.request_id()),
        ];
        let blobs = blobs
            .map(|blob| blob.unwrap_or_default().to_owned())
            .to_vec();
        let index = self.user_id.or(self.account).unwrap_or(self.event);
        let point = DataPoint {
            dataset: dataset.clone(),
            index: index.to_owned(),
            blobs,
        };
        let later = host.clone();
        let (service, threshold) = (telemetry.service, telemetry.threshold);
        host.spawn(async move {
            if !later.record(point).await {
                Line::new(Level::Warn, service, "audit_not_kept").emit(&later, threshold);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{host::fake::FakeHost, telemetry::Settings};

    fn told(dataset: Option<&str>) -> FakeHost {
        let host = FakeHost::answering("");
        let settings = Settings {
            audit_dataset: dataset.map(Rc::from),
            ..Settings::default()
        };
        let telemetry = Telemetry::new("auth", Level::Error, settings);
        let event = Event {
            event: "sign_in",
            result: Some("invalid_credentials"),
            account: Some("0123456789abcdef"),
            ..Event::default()
        };
        event.tell(&host, ClientIp::parse("192.0.2.7").unwrap(), &telemetry);
        while let Some(task) = host.next_task() {
            futures_executor::block_on(task);
        }
        host
    }

    #[test]
    fn an_event_is_a_line_whatever_the_level_and_names_nobody() {
        let host = told(None);
        let line: Value = serde_json::from_str(&host.lines()[0]).unwrap();
        assert_eq!(
            (&line["msg"], &line["event"]),
            (&"audit".into(), &"sign_in".into())
        );
        assert_eq!(line["account"], "0123456789abcdef");
        assert!(line.get("user_id").is_none());
        assert!(host.points().is_empty());
    }

    #[test]
    fn an_event_is_a_data_point_where_there_is_a_dataset() {
        let points = told(Some("AUDIT")).points();
        let [point] = &points[..] else {
            panic!("{points:?}")
        };
        assert_eq!(&*point.dataset, "AUDIT");
        assert_eq!(point.index, "0123456789abcdef");
        assert_eq!(point.blobs.len(), 12);
        assert_eq!(point.blobs[..2], ["sign_in", "invalid_credentials"]);
        assert_eq!(point.blobs[10], "auth");
    }
}
