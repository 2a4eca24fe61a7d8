//! How often one client may use a route.

use core::time::Duration;
use std::rc::Rc;

use authflow_shared::{config::is_word, json::Value, rate_limit::Quota};

use super::Fields;

/// The range of `requests`.
const REQUESTS: core::ops::RangeInclusive<u64> = 1..=1_000_000;
/// The range of `seconds`.
const SECONDS: core::ops::RangeInclusive<u64> = 1..=86_400;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The limit.
    pub quota: Quota,
    /// Who is counted.
    pub by: By,
    /// Where.
    pub counted: Counted,
}

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Each client address; of an IPv6 address, its /64.
    Address,
    /// Each session.
    Session,
}

/// Where requests are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counted {
    /// In each isolate's memory.
    Isolate,
    /// There, and by a limiter of the platform, which counts over a place's isolates.
    Platform(Rc<str>),
    /// In Redis: exact over all isolates and places.
    Redis,
}

impl RateLimit {
    /// Reads `rate_limit` of a route.
    pub(super) fn read(
        value: Value,
        is_public: bool,
        fault: &mut dyn FnMut(String),
    ) -> Option<Self> {
        let mut fields = Fields::of(value, "rate_limit.", fault)?;
        let requests = fields.number("requests").unwrap_or_default();
        let seconds = fields.number("seconds").unwrap_or_default();
        let by = fields.choice("by", &["address", "session"]);
        let exact = fields.flag("exact").unwrap_or(false);
        let binding = fields.text("binding");
        if !REQUESTS.contains(&requests) || !SECONDS.contains(&seconds) {
            fields.fault(format!(
                "`rate_limit` must have `requests` from {} to {} and `seconds` from {} to {}",
                REQUESTS.start(),
                REQUESTS.end(),
                SECONDS.start(),
                SECONDS.end()
            ));
        }
        let by = match by {
            Some(0) => By::Address,
            None if is_public => By::Address,
            _ => By::Session,
        };
        if is_public && by == By::Session {
            fields.fault("a public route has no sessions to limit; set `by` to \"address\"");
        }
        let counted = match (exact, binding) {
            (true, Some(_)) => {
                fields.fault("`rate_limit` is either `exact`, in Redis, or by a `binding`");
                return None;
            }
            (true, None) => Counted::Redis,
            (false, Some(binding)) => {
                if !is_word(&binding) {
                    fields.fault("`rate_limit` needs the name of a limiter in `binding`");
                }
                Counted::Platform(binding.into())
            }
            (false, None) => Counted::Isolate,
        };
        fields.finish();
        Some(Self {
            quota: Quota {
                requests,
                window: Duration::from_secs(seconds),
            },
            by,
            counted,
        })
    }
}
