//! Faults on order: a companion can be told to be slow, to fail, to talk nonsense, to break off or to
//! hang up.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the body of `POST /faults` may say, and what `GET /faults` shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<u64>,
    /// By how much the latency may be longer, drawn anew for each request.
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    garbage: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stall: Option<bool>,
    /// Requests whose path begins otherwise do not suffer.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// How many requests are still to suffer; without it, all until `DELETE /faults`.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

const ALLOWED: &str = "a fault is {latency_ms?: number, status?: 200 to 599, drop?: boolean, count?: number from 1, \
    jitter_ms?: number, garbage?: boolean, cut?: boolean, stall?: boolean, path?: a path's beginning with its /}, \
    with at least one of latency_ms, jitter_ms, status, drop, garbage, cut and stall, and at most one of the last five";

/// What one request suffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effect {
    /// How long it waits first.
    pub(crate) latency: Duration,
    /// What becomes of it then.
    pub(crate) end: End,
}

/// How a request that suffers a fault ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// As always.
    Served,
    /// With this status, and without having been carried out.
    Status(StatusCode),
    /// Without an answer, and without having been carried out.
    Dropped,
    /// With bytes that are no answer of the protocol, and without having been carried out.
    Garbage,
    /// Carried out, but the connection breaks in the middle of the answer.
    Cut,
    /// Carried out, but after the middle of the answer nothing more comes.
    Stalled,
}

impl Fault {
    /// Reads a fault, or says what one is.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        let fault: Self =
            serde_json::from_slice(body).map_err(|error| format!("{error}; {ALLOWED}"))?;
        let ends = fault.ends();
        let says_nothing = fault.latency_ms.is_none()
            && fault.jitter_ms.is_none()
            && fault.status.is_none()
            && ends.iter().all(|(told, _)| told.is_none());
        let told_ends = ends.iter().filter(|(told, _)| *told == Some(true)).count();
        let contradicts_itself = told_ends + usize::from(fault.status.is_some()) > 1;
        let wrong_status = fault
            .status
            .is_some_and(|status| !(200..600).contains(&status));
        let wrong_path = fault
            .path
            .as_ref()
            .is_some_and(|path| !path.starts_with('/'));
        if says_nothing
            || contradicts_itself
            || wrong_status
            || wrong_path
            || fault.count == Some(0)
        {
            return Err(ALLOWED.to_owned());
        }
        Ok(fault)
    }

    /// The ends that are told by a name of their own.
    fn ends(&self) -> [(Option<bool>, End); 4] {
        [
            (self.drop, End::Dropped),
            (self.garbage, End::Garbage),
            (self.cut, End::Cut),
            (self.stall, End::Stalled),
        ]
    }

    fn hits(&self, path: &str) -> bool {
        self.path
            .as_ref()
            .is_none_or(|beginning| path.starts_with(beginning))
    }

    fn effect(&self) -> Effect {
        let named = self
            .ends()
            .into_iter()
            .find(|(told, _)| *told == Some(true));
        let status = self
            .status
            .and_then(|status| StatusCode::from_u16(status).ok());
        let end = match (named, status) {
            (Some((_, end)), _) => end,
            (None, Some(status)) => End::Status(status),
            (None, None) => End::Served,
        };
        let latency = self.latency_ms.unwrap_or(0);
        Effect {
            latency: Duration::from_millis(latency.saturating_add(self.drawn_jitter())),
            end,
        }
    }

    fn drawn_jitter(&self) -> u64 {
        let Some(most @ 1..) = self.jitter_ms else {
            return 0;
        };
        // The last eight bytes of such a UUID are random but for their first two bits.
        let (_, random) = Uuid::new_v4().as_u64_pair();
        (random & (u64::MAX >> 2)) % most.saturating_add(1)
    }
}

/// The fault of one companion, if it has one now.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Option<Fault>>);

impl Faults {
    /// Replaces the fault.
    pub(crate) fn set(&self, fault: Option<Fault>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// What is left of the fault.
    pub(crate) fn current(&self) -> Option<Fault> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What the next request suffers, which is for `path`; counted.
    pub(crate) fn take(&self, path: &str) -> Option<Effect> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = slot.as_mut().filter(|fault| fault.hits(path))?;
        let effect = fault.effect();
        if let Some(left) = &mut fault.count {
            *left -= 1;
            if *left == 0 {
                *slot = None;
            }
        }
        Some(effect)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn hits_as_many_requests_as_it_says_and_no_more() {
        let faults = Faults::default();
        faults.set(Some(
            Fault::parse(br#"{"status":503,"latency_ms":5,"count":2}"#).unwrap(),
        ));
        let effect = Effect {
            latency: Duration::from_millis(5),
            end: End::Status(StatusCode::SERVICE_UNAVAILABLE),
        };
        assert_eq!(faults.take("/"), Some(effect));
        assert_eq!(faults.current().and_then(|fault| fault.count), Some(1));
        assert_eq!(faults.take("/"), Some(effect));
        assert_eq!(faults.take("/"), None);
    }

    #[test]
    fn lasts_until_it_is_taken_back_when_it_has_no_count() {
        let faults = Faults::default();
        faults.set(Some(Fault::parse(br#"{"drop":true}"#).unwrap()));
        for _ in 0..3 {
            assert_eq!(
                faults.take("/").map(|effect| effect.end),
                Some(End::Dropped)
            );
        }
        faults.set(None);
        assert_eq!(faults.take("/"), None);
    }

    #[test]
    fn each_end_has_its_name() {
        for (order, end) in [
            (r#"{"garbage":true}"#, End::Garbage),
            (r#"{"cut":true}"#, End::Cut),
            (r#"{"stall":true,"latency_ms":0}"#, End::Stalled),
            (r#"{"drop":true,"cut":false}"#, End::Dropped),
            (r#"{"jitter_ms":0}"#, End::Served),
        ] {
            let effect = Fault::parse(order.as_bytes()).unwrap().effect();
            assert_eq!(
                (effect.end, effect.latency),
                (end, Duration::ZERO),
                "{order}"
            );
        }
    }

    #[test]
    fn jitter_is_drawn_anew_between_the_latency_and_as_much_more() {
        let fault = Fault::parse(br#"{"latency_ms":10,"jitter_ms":3}"#).unwrap();
        let drawn: BTreeSet<_> = (0..200)
            .map(|_| fault.effect().latency.as_millis())
            .collect();
        assert_eq!(drawn, BTreeSet::from([10, 11, 12, 13]));
        let endless =
            Fault::parse(format!(r#"{{"latency_ms":1,"jitter_ms":{}}}"#, u64::MAX).as_bytes());
        assert!(endless.unwrap().effect().latency > Duration::ZERO);
    }

    #[test]
    fn spares_and_does_not_count_requests_for_other_paths() {
        let faults = Faults::default();
        faults.set(Some(
            Fault::parse(br#"{"status":500,"path":"/rest/v1","count":1}"#).unwrap(),
        ));
        assert_eq!(faults.take("/auth/v1/token"), None);
        assert_eq!(
            faults.take("/rest/v1/rpc/x").map(|effect| effect.end),
            Some(End::Status(StatusCode::INTERNAL_SERVER_ERROR))
        );
        assert_eq!(faults.take("/rest/v1/rpc/x"), None);
    }

    #[test]
    fn refuses_what_is_no_fault_and_says_what_is_one() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"count":1}"#,
            r#"{"latency":1}"#,
            r#"{"latency_ms":"1"}"#,
            r#"{"latency_ms":-1}"#,
            r#"{"status":600}"#,
            r#"{"status":101}"#,
            r#"{"drop":1}"#,
            r#"{"drop":true,"status":500}"#,
            r#"{"drop":true,"count":0}"#,
            r#"{"drop":true,"garbage":true}"#,
            r#"{"cut":true,"stall":true}"#,
            r#"{"garbage":true,"status":200}"#,
            r#"{"jitter_ms":"1"}"#,
            r#"{"path":"/rest"}"#,
            r#"{"drop":true,"path":"rest"}"#,
        ] {
            let refused = Fault::parse(body.as_bytes()).unwrap_err();
            assert!(refused.contains("latency_ms?: number"), "{body}: {refused}");
        }
    }
}
