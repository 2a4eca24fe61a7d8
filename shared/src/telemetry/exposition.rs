//! What `/metrics` answers: Prometheus' text format, version 0.0.4.

use super::{
    histogram::NO_BOUND,
    metrics::{standing_field, standing_name},
    store::Totals,
};
use crate::{breaker::Standing, sorted::Sorted, timestamp::Timestamp};

/// The media type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is kept in Redis, by name, type and meaning. In the order of their names.
const COUNTED: [(&str, &str, &str); 9] = [
    (
        "authflow_breaker_transitions_total",
        "counter",
        "Changes of a circuit breaker, by what it came to.",
    ),
    (
        "authflow_decisions_total",
        "counter",
        "What the gateway decided on requests, and why.",
    ),
    (
        "authflow_dependency_duration_seconds",
        "histogram",
        "How long calls of a dependency took.",
    ),
    (
        "authflow_dependency_requests_total",
        "counter",
        "Calls of a dependency, by what came of them.",
    ),
    (
        "authflow_metrics_overflow_total",
        "counter",
        "What could not be counted under its labels, because there were too many.",
    ),
    (
        "authflow_request_duration_seconds",
        "histogram",
        "Time until a request was answered, to the head of an origin's answer.",
    ),
    (
        "authflow_requests_total",
        "counter",
        "Requests that were answered.",
    ),
    (
        "authflow_signins_total",
        "counter",
        "Attempts to sign in, by what came of them.",
    ),
    (
        "authflow_spans_dropped_total",
        "counter",
        "Spans that were not exported, because there were too many or nobody took them.",
    ),
];

/// What an isolate tells of itself.
pub(super) struct Own {
    /// The worker.
    pub(super) service: &'static str,
    /// Its version.
    pub(super) version: &'static str,
    /// Where its breakers stand.
    pub(super) standings: Vec<(String, Standing)>,
}

/// The page of a worker at `now`. Without `totals`, which nobody can know then, no counter is on it: one that is
/// missing is not taken for one that began anew.
pub(super) fn page(own: &Own, totals: Option<Totals>, now: Timestamp) -> String {
    let mut page = Page(String::with_capacity(8192));
    let about = [
        "{service=\"",
        own.service,
        "\",version=\"",
        own.version,
        "\"}",
    ]
    .concat();
    page.family(
        "authflow_build_info",
        "gauge",
        "The worker and its version.",
    );
    page.sample(&["authflow_build_info", &about], "1");
    page.family(
        "authflow_metrics_store_up",
        "gauge",
        "Whether Redis could be asked for what all isolates counted.",
    );
    page.sample(
        &["authflow_metrics_store_up"],
        if totals.is_some() { "1" } else { "0" },
    );

    let (series, sessions) = totals.map_or((Sorted::new(), None), |totals| {
        (totals.series, Some(totals.sessions))
    });
    page.family("authflow_breaker_state", "gauge", "Where a circuit breaker stands: 0 closed, 1 half-open, 2 open; of all isolates, the worst in half a minute.");
    let mut standings: Sorted<Standing> = own.standings.iter().cloned().collect();
    // This isolate need not have asked what another one found away.
    for name in series.keys().filter_map(|field| standing_name(field)) {
        standings.entry(name.to_owned(), || Standing::Closed);
    }
    for (dependency, standing) in &standings {
        let state = state(dependency, *standing, &series, now);
        page.sample(
            &["authflow_breaker_state{dependency=\"", dependency, "\"}"],
            state,
        );
    }
    if let Some(sessions) = sessions {
        page.family(
            "authflow_sessions_active",
            "gauge",
            "Sessions that are alive.",
        );
        page.sample(&["authflow_sessions_active"], &sessions.to_string());
    }
    for (family, kind, help) in COUNTED {
        let is_of = |name: &str| {
            let rest = name.strip_prefix(family);
            rest.is_some_and(|rest| rest.starts_with('{') || kind == "histogram")
        };
        let mut samples = series.iter().filter(|(name, _)| is_of(name)).peekable();
        if samples.peek().is_some() {
            page.family(family, kind, help);
        }
        for (name, count) in samples {
            page.counted(name, count);
        }
    }
    page.0
}

/// Where a breaker stands, in this isolate or, of late, in another.
fn state(dependency: &str, own: Standing, series: &Sorted<String>, now: Timestamp) -> &'static str {
    let is = |standing| {
        let field = standing_field(dependency, standing);
        let until = series.get(&field).and_then(|until| until.parse().ok());
        own == standing || until.is_some_and(|until: u64| now.millis() < until)
    };
    if is(Standing::Open) {
        "2"
    } else if is(Standing::HalfOpen) {
        "1"
    } else {
        "0"
    }
}

/// A page in the making.
struct Page(String);

impl Page {
    fn line(&mut self, parts: &[&str]) {
        self.0.extend(parts.iter().copied());
        self.0.push('\n');
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(&["# HELP ", name, " ", help]);
        self.line(&["# TYPE ", name, " ", kind]);
    }

    fn sample(&mut self, name: &[&str], value: &str) {
        self.0.extend(name.iter().copied());
        self.line(&[" ", value]);
    }

    /// A series as it is kept: a sum in milliseconds, and its last bound under a name that sorts last.
    fn counted(&mut self, name: &str, count: &str) {
        if let Some(name) = name.strip_suffix(&*["le=\"", NO_BOUND, "\"}"].concat()) {
            self.sample(&[name, "le=\"+Inf\"}"], count);
        } else if name
            .split('{')
            .next()
            .is_some_and(|name| name.ends_with("_seconds_sum"))
        {
            let millis: u64 = count.parse().unwrap_or_default();
            let rest = (1000 + millis % 1000).to_string();
            let rest = rest.get(1..).unwrap_or_default();
            self.sample(&[name], &[&(millis / 1000).to_string(), ".", rest].concat());
        } else {
            self.sample(&[name], count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn own(standings: Vec<(String, Standing)>) -> Own {
        Own {
            service: "verify",
            version: "1.2.3",
            standings,
        }
    }

    fn standings() -> Vec<(String, Standing)> {
        let standings = [
            ("redis", Standing::Closed),
            ("http://o.test", Standing::HalfOpen),
        ];
        standings
            .map(|(name, standing)| (name.to_owned(), standing))
            .to_vec()
    }

    fn totals(series: &[(&str, &str)]) -> Totals {
        let owned = |(name, count): &(&str, &str)| ((*name).to_owned(), (*count).to_owned());
        Totals {
            series: series.iter().map(owned).collect(),
            sessions: 3,
        }
    }

    #[test]
    fn a_page_has_each_family_once_with_its_samples_in_order() {
        let totals = totals(&[
            (
                "authflow_requests_total{service=\"verify\",route=\"app\",method=\"GET\",status=\"200\"}",
                "7",
            ),
            (
                "authflow_request_duration_seconds_sum{service=\"verify\",route=\"app\"}",
                "12005",
            ),
            (
                "authflow_request_duration_seconds_bucket{service=\"verify\",route=\"app\",le=\"Inf\"}",
                "7",
            ),
            (
                "authflow_request_duration_seconds_bucket{service=\"verify\",route=\"app\",le=\"5\"}",
                "6",
            ),
            (
                "authflow_request_duration_seconds_count{service=\"verify\",route=\"app\"}",
                "7",
            ),
            ("something_of_a_later_version", "1"),
        ]);
        insta::assert_snapshot!(page(&own(standings()), Some(totals), NOW), @r#"
        # HELP authflow_build_info The worker and its version.
        # TYPE authflow_build_info gauge
        authflow_build_info{service="verify",version="1.2.3"} 1
        # HELP authflow_metrics_store_up Whether Redis could be asked for what all isolates counted.
        # TYPE authflow_metrics_store_up gauge
        authflow_metrics_store_up 1
        # HELP authflow_breaker_state Where a circuit breaker stands: 0 closed, 1 half-open, 2 open; of all isolates, the worst in half a minute.
        # TYPE authflow_breaker_state gauge
        authflow_breaker_state{dependency="http://o.test"} 1
        authflow_breaker_state{dependency="redis"} 0
        # HELP authflow_sessions_active Sessions that are alive.
        # TYPE authflow_sessions_active gauge
        authflow_sessions_active 3
        # HELP authflow_request_duration_seconds Time until a request was answered, to the head of an origin's answer.
        # TYPE authflow_request_duration_seconds histogram
        authflow_request_duration_seconds_bucket{service="verify",route="app",le="5"} 6
        authflow_request_duration_seconds_bucket{service="verify",route="app",le="+Inf"} 7
        authflow_request_duration_seconds_count{service="verify",route="app"} 7
        authflow_request_duration_seconds_sum{service="verify",route="app"} 12.005
        # HELP authflow_requests_total Requests that were answered.
        # TYPE authflow_requests_total counter
        authflow_requests_total{service="verify",route="app",method="GET",status="200"} 7
        "#);
    }

    #[test]
    fn a_breaker_that_another_isolate_opened_is_open_for_half_a_minute() {
        let later = (NOW.millis() + 1).to_string();
        let sooner = NOW.millis().to_string();
        for (until, state) in [(later, 2), (sooner, 0)] {
            let other = ("until open http://other.test", until.as_str());
            let totals = totals(&[("until open redis", &until), other]);
            let page = page(&own(standings()), Some(totals), NOW);
            for name in ["redis", "http://other.test"] {
                let line = format!("authflow_breaker_state{{dependency=\"{name}\"}} {state}\n");
                assert!(page.contains(&line), "{page}");
            }
            assert!(!page.contains("until"));
        }
    }

    #[test]
    fn without_redis_no_counter_is_told_as_nothing() {
        let page = page(&own(standings()), None, NOW);
        assert!(page.contains("authflow_metrics_store_up 0\n"), "{page}");
        assert!(page.contains("authflow_breaker_state{dependency=\"http://o.test\"} 1\n"));
        assert!(
            !page.contains("_total") && !page.contains("sessions"),
            "{page}"
        );
    }

    #[test]
    fn the_families_are_in_order_and_none_is_the_start_of_another() {
        assert!(COUNTED.is_sorted_by(|a, b| a.0 < b.0 && !b.0.starts_with(a.0)));
    }
}
