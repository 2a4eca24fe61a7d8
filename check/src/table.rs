//! The routes in the order in which they match, and the gateway's own paths.

use authflow_shared::rate_limit::Quota;
use authflow_verify::{
    config::Config,
    routes::{By, Counted, RateLimit, Route},
};
use serde_json::{Value, json};

use crate::{
    describe::{access, demands},
    setup::Setup,
};

/// A path, and what becomes of requests to it.
#[derive(Debug)]
pub(crate) struct Row {
    /// The route's id; none for a path of the gateway's own.
    id: Option<String>,
    path: String,
    access: &'static str,
    demands: String,
    /// Where requests go.
    upstreams: Vec<String>,
    limits: Vec<String>,
}

/// Where requests to our own paths stay.
const ITSELF: &str = "the gateway itself";
/// What the columns are called.
const HEADINGS: [&str; 6] = ["path", "access", "demands", "route", "goes to", "limits"];

/// All rows; none where there are no routes to tell of.
pub(crate) fn rows(setup: &Setup) -> Vec<Row> {
    let (routes, Some(config)) = (setup.routes(), setup.gateway()) else {
        return Vec::new();
    };
    if routes.is_empty() {
        return Vec::new();
    }
    routes.iter().map(of_route).chain(own(config)).collect()
}

fn of_route(route: &Route) -> Row {
    let methods = (!route.methods.is_empty()).then(|| route.methods.join(" "));
    let body = route
        .max_body_bytes
        .map(|most| format!("body {most} bytes"));
    let limits = [
        methods,
        route.rate_limit.as_ref().map(rate_limit),
        body,
        Some(format!("{} ms", route.timeout.as_millis())),
    ];
    Row {
        id: Some(route.id.to_string()),
        path: route.pattern.to_string(),
        access: access(&route.policy),
        demands: demands(&route.policy),
        upstreams: route
            .upstreams
            .iter()
            .map(|upstream| upstream.base.clone())
            .collect(),
        limits: limits.into_iter().flatten().collect(),
    }
}

fn rate_limit(limit: &RateLimit) -> String {
    let by = match limit.by {
        By::Address => "an address",
        By::Session => "a session",
    };
    let counted = match &limit.counted {
        Counted::Isolate => String::new(),
        Counted::Platform(binding) => format!(" by {binding}"),
        Counted::Redis => " by Redis".to_owned(),
    };
    format!("{} {by}{counted}", quota(limit.quota))
}

fn quota(quota: Quota) -> String {
    format!("{} in {} s", quota.requests, quota.window.as_secs())
}

/// The gateway's own paths, which no route can have.
fn own(config: &Config) -> Vec<Row> {
    let auth = config.common.auth_url.as_str();
    [
        ("/auth/*", auth),
        ("/api/v1/simple_auth/*", auth),
        ("/health", ITSELF),
        ("/metrics", ITSELF),
        ("/.well-known/authflow/jwks.json", ITSELF),
    ]
    .into_iter()
    .map(|(path, goes_to)| Row {
        id: None,
        path: path.to_owned(),
        access: "public",
        demands: String::new(),
        upstreams: vec![goes_to.to_owned()],
        limits: Vec::new(),
    })
    .collect()
}

/// The lines of a table, as wide as it needs.
pub(crate) fn lines(rows: &[Row]) -> Vec<String> {
    let cells: Vec<_> = [HEADINGS.map(str::to_owned)]
        .into_iter()
        .chain(rows.iter().map(Row::cells))
        .collect();
    let mut lines = vec![String::new(); cells.len()];
    for column in 0..HEADINGS.len() {
        let width = lines.iter().map(|line| line.chars().count()).max();
        let start = width.map_or(0, |width| if width == 0 { 0 } else { width + 2 });
        for (line, cells) in lines.iter_mut().zip(&cells) {
            let gap = start.saturating_sub(line.chars().count());
            line.extend(core::iter::repeat_n(' ', gap));
            line.push_str(cells.get(column).map_or("", String::as_str));
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

// === impl Row ===

impl Row {
    fn cells(&self) -> [String; HEADINGS.len()] {
        [
            self.path.clone(),
            self.access.to_owned(),
            self.demands.clone(),
            self.id.clone().unwrap_or_default(),
            self.upstreams.join(", "),
            self.limits.join("; "),
        ]
    }

    /// The row for a program.
    pub(crate) fn json(&self) -> Value {
        json!({
            "path": self.path,
            "access": self.access,
            "demands": self.demands,
            "route": self.id,
            "upstreams": self.upstreams,
            "limits": self.limits,
        })
    }
}

#[cfg(test)]
mod tests {
    use authflow_verify::own_paths::is_own_path;

    use super::*;
    use crate::test_support::{routes, verify};

    #[test]
    fn routes_stand_in_the_order_in_which_they_match_and_the_gateways_own_paths_last() {
        let rows = rows(&routes(&[
            r#""path":"/*","access":"public""#,
            r#""path":"/app/admin/*","roles":["admin"],"aal":"aal2""#,
            r#""path":"/app/*""#,
        ]));
        let paths: Vec<_> = rows.iter().map(|row| row.path.as_str()).collect();
        assert_eq!(paths[..3], ["/app/admin/*", "/app/*", "/*"]);
        assert_eq!(
            (rows[0].access, rows[0].demands.as_str()),
            ("session", "role admin, aal2")
        );
        assert_eq!((rows[2].access, rows[2].demands.as_str()), ("public", ""));
        for own in &rows[3..] {
            assert!(is_own_path(own.path.trim_end_matches("/*")), "{own:?}");
        }
    }

    #[test]
    fn a_row_says_where_a_route_leads_and_what_limits_it() {
        let rows = rows(&routes(&[
            r#""path":"/app/*","methods":["GET"],"timeout_ms":900,
            "upstream":["https://a.test/x","https://b.test"],"max_body_bytes":7,
            "rate_limit":{"requests":5,"seconds":60,"binding":"L"}"#,
        ]));
        assert_eq!(rows[0].upstreams, ["https://a.test/x", "https://b.test"]);
        let limits = ["GET", "5 in 60 s a session by L", "body 7 bytes", "900 ms"];
        assert_eq!(rows[0].limits, limits);
    }

    #[test]
    fn columns_begin_at_one_place() {
        let lines = lines(&rows(&routes(&[
            r#""path":"/a""#,
            r#""path":"/a/longer/path/*","access":"public""#,
        ])));
        let place = |line: &String, text| line.find(text).unwrap();
        assert_eq!(place(&lines[1], "public"), place(&lines[0], "access"));
        assert_eq!(place(&lines[2], "session"), place(&lines[0], "access"));
        assert!(lines.iter().all(|line| line.trim_end() == line));
    }

    #[test]
    fn there_is_no_table_of_faulty_routes() {
        assert!(rows(&verify(&[("ROUTES", "[]")])).is_empty());
    }
}
