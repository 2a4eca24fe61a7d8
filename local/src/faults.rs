//! Faults on order: a companion can be told to be slow, to fail or to hang up.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

/// What the body of `POST /faults` may say, and what `GET /faults` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Option<bool>,
    /// How many requests are still to suffer; without it, all until `DELETE /faults`.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

const ALLOWED: &str = "a fault is {latency_ms?: number, status?: 200 to 599, drop?: boolean, count?: number from 1}, \
    with at least one of latency_ms, status and drop, and not both of status and drop";

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
}

impl Fault {
    /// Reads a fault, or says what one is.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        let fault: Self =
            serde_json::from_slice(body).map_err(|error| format!("{error}; {ALLOWED}"))?;
        let says_nothing =
            fault.latency_ms.is_none() && fault.status.is_none() && fault.drop.is_none();
        let contradicts_itself = fault.status.is_some() && fault.drop == Some(true);
        let wrong_status = fault
            .status
            .is_some_and(|status| !(200..600).contains(&status));
        if says_nothing || contradicts_itself || wrong_status || fault.count == Some(0) {
            return Err(ALLOWED.to_owned());
        }
        Ok(fault)
    }

    fn effect(&self) -> Effect {
        let status = self
            .status
            .and_then(|status| StatusCode::from_u16(status).ok());
        let end = match (self.drop, status) {
            (Some(true), _) => End::Dropped,
            (_, Some(status)) => End::Status(status),
            _ => End::Served,
        };
        Effect {
            latency: Duration::from_millis(self.latency_ms.unwrap_or(0)),
            end,
        }
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

    /// What the next request suffers, counted.
    pub(crate) fn take(&self) -> Option<Effect> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = slot.as_mut()?;
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
        assert_eq!(faults.take(), Some(effect));
        assert_eq!(faults.current().and_then(|fault| fault.count), Some(1));
        assert_eq!(faults.take(), Some(effect));
        assert_eq!(faults.take(), None);
    }

    #[test]
    fn lasts_until_it_is_taken_back_when_it_has_no_count() {
        let faults = Faults::default();
        faults.set(Some(Fault::parse(br#"{"drop":true}"#).unwrap()));
        for _ in 0..3 {
            assert_eq!(faults.take().map(|effect| effect.end), Some(End::Dropped));
        }
        faults.set(None);
        assert_eq!(faults.take(), None);
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
        ] {
            let refused = Fault::parse(body.as_bytes()).unwrap_err();
            assert!(refused.contains("latency_ms?: number"), "{body}: {refused}");
        }
    }
}
