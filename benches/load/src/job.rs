//! What is to be sent.

use std::net::SocketAddr;

use serde::Deserialize;

/// The most requests of one job.
const MAX_REQUESTS: u64 = 2_000_000;
/// The most seconds of one job.
const MAX_SECONDS: f64 = 600.0;
/// The most connections of one job.
const MAX_CONNECTIONS: usize = 256;

/// A job: one request, sent many times.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    /// Where to: an address of this machine.
    pub(crate) address: SocketAddr,
    /// The path and query.
    pub(crate) target: String,
    /// Header names and values, `Host` among them.
    pub(crate) headers: Vec<(String, String)>,
    /// Values of a further `Cookie` header, one request after the other; may be empty.
    #[serde(default)]
    pub(crate) cookies: Vec<String>,
    /// What is posted; without it, the request is a GET.
    #[serde(default)]
    pub(crate) body: Option<String>,
    /// How many connections at once.
    pub(crate) connections: usize,
    /// In which order.
    pub(crate) shape: Shape,
    /// What each answer must be.
    pub(crate) expect: Expect,
}

/// When requests are sent.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "snake_case")]
pub(crate) enum Shape {
    /// As fast as the answers come, `requests` in all.
    Closed { requests: u64 },
    /// `rate` a second whether answers come or not, for `seconds`.
    Open { rate: f64, seconds: f64 },
    /// As a browser loads pages, one after the other: one request, and once it is answered the
    /// others of the page over all connections. Each page has a cookie of its own.
    Pages { pages: u64, requests: u64 },
}

/// What an answer must be, so that no measurement is one of errors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// The status.
    pub(crate) status: u16,
    /// Texts that the body must hold: what only the origin can have said.
    #[serde(default)]
    pub(crate) body: Vec<String>,
}

impl Job {
    /// Reads a job, and refuses one without bounds or to another machine.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let job: Self = serde_json::from_str(text).map_err(|error| format!("the job: {error}"))?;
        let bounded = match job.shape {
            Shape::Closed { requests } => requests <= MAX_REQUESTS,
            Shape::Open { rate, seconds } => {
                rate > 0.0 && rate.is_finite() && seconds <= MAX_SECONDS && seconds > 0.0
            }
            Shape::Pages { pages, requests } => {
                requests > 0 && pages.saturating_mul(requests) <= MAX_REQUESTS
            }
        };
        if !bounded || !(1..=MAX_CONNECTIONS).contains(&job.connections) {
            return Err("the job: more than is sent at once".into());
        }
        if !job.address.ip().is_loopback() {
            return Err("the job: only addresses of this machine".into());
        }
        Ok(job)
    }

    /// The cookie of the request or page `number`.
    pub(crate) fn cookie(&self, number: u64) -> Option<&str> {
        let count = u64::try_from(self.cookies.len()).ok()?;
        let index = usize::try_from(number.checked_rem(count)?).ok()?;
        self.cookies.get(index).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(address: &str, shape: &str) -> Result<Job, String> {
        Job::parse(&format!(
            r#"{{"address": "{address}", "target": "/", "headers": [], "cookies": ["a", "b"],
                "connections": 2, "shape": {shape}, "expect": {{"status": 200}}}}"#
        ))
    }

    #[test]
    fn sends_nothing_to_another_machine() {
        let shape = r#"{"kind": "closed", "requests": 1}"#;
        assert!(parse("127.0.0.1:80", shape).is_ok());
        assert!(parse("192.0.2.1:80", shape).is_err());
    }

    #[test]
    fn refuses_a_job_without_bounds() {
        for shape in [
            r#"{"kind": "closed", "requests": 2000001}"#,
            r#"{"kind": "open", "rate": 10, "seconds": 601}"#,
            r#"{"kind": "open", "rate": 0, "seconds": 1}"#,
            r#"{"kind": "pages", "pages": 1, "requests": 0}"#,
        ] {
            assert!(parse("127.0.0.1:80", shape).is_err(), "{shape}");
        }
    }

    #[test]
    fn takes_one_cookie_after_the_other() {
        let job = parse("[::1]:80", r#"{"kind": "closed", "requests": 1}"#).unwrap();
        let cookies: Vec<_> = (0..3).filter_map(|number| job.cookie(number)).collect();
        assert_eq!(cookies, ["a", "b", "a"]);
    }
}
