//! Which requests go where, and who may send them.

mod config;

use core::time::Duration;

pub use self::config::parse;

/// Who may use a route. There is no default in code that opens one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Everybody, without identity.
    Public,
    /// Whoever has a session that meets the demands.
    Session {
        /// One of these roles; empty for any.
        roles: Vec<String>,
        /// Whether a second factor must have been used.
        second_factor: bool,
    },
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The name in logs, metrics and limiter keys.
    pub id: String,
    /// The paths it serves.
    pub pattern: Pattern,
    /// The origin's base URL, without a slash at the end.
    pub upstream: String,
    /// Who may use it.
    pub policy: Policy,
    /// The methods it takes; empty for all.
    pub methods: Vec<String>,
    /// Whether the origin gets the path without the pattern's prefix.
    pub strip_prefix: bool,
    /// The time until the head of the origin's answer must have arrived.
    pub timeout: Duration,
}

/// The paths of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// This path alone.
    Exact(String),
    /// This path, with and without a slash, and all below. Holds no slash at its end.
    Prefix(String),
}

/// All routes, the most specific first.
#[derive(Clone, Debug)]
pub struct RouteTable(Vec<Route>);

// === impl Pattern ===

impl Pattern {
    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => path == exact,
            Self::Prefix(prefix) => path
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }

    /// Longer patterns are more specific, and of equally long ones the exact one.
    fn specificity(&self) -> (usize, bool) {
        match self {
            Self::Exact(path) => (path.len(), true),
            Self::Prefix(path) => (path.len(), false),
        }
    }
}

// === impl Route ===

impl Route {
    /// The path the origin gets for `path`, which the route matches.
    pub fn upstream_path<'a>(&self, path: &'a str) -> &'a str {
        match &self.pattern {
            Pattern::Prefix(prefix) if self.strip_prefix => {
                let rest = path.strip_prefix(prefix.as_str()).unwrap_or(path);
                if rest.is_empty() { "/" } else { rest }
            }
            _ => path,
        }
    }

    /// Whether the route takes `method`.
    pub fn takes(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|taken| taken == method)
    }
}

// === impl RouteTable ===

impl RouteTable {
    fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| core::cmp::Reverse(route.pattern.specificity()));
        Self(routes)
    }

    /// The route of a canonical path.
    pub fn find(&self, path: &str) -> Option<&Route> {
        self.0.iter().find(|route| route.pattern.matches(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(paths: &[&str]) -> RouteTable {
        let route = |path: &&str| {
            format!(r#"{{"id":"{path}","path":"{path}","upstream":"http://o.test"}}"#)
        };
        let routes: Vec<_> = paths.iter().map(route).collect();
        parse(&format!("[{}]", routes.join(","))).unwrap()
    }

    #[track_caller]
    fn finds(table: &RouteTable, path: &str, expected: Option<&str>) {
        assert_eq!(
            table.find(path).map(|route| route.id.as_str()),
            expected,
            "{path}"
        );
    }

    #[test]
    fn a_prefix_is_whole_segments() {
        let table = table(&["/app/*"]);
        for path in ["/app", "/app/", "/app/a/b"] {
            finds(&table, path, Some("/app/*"));
        }
        for path in ["/", "/apple", "/App", "/ap", "/x/app"] {
            finds(&table, path, None);
        }
    }

    #[test]
    fn the_longest_match_wins_in_whatever_order_they_stand() {
        for paths in [
            ["/*", "/app/*", "/app/admin/*", "/app"],
            ["/app", "/app/admin/*", "/app/*", "/*"],
        ] {
            let table = table(&paths);
            finds(&table, "/x", Some("/*"));
            finds(&table, "/", Some("/*"));
            finds(&table, "/app", Some("/app"));
            finds(&table, "/app/", Some("/app/*"));
            finds(&table, "/app/admin", Some("/app/admin/*"));
            finds(&table, "/app/administrator", Some("/app/*"));
        }
    }

    #[test]
    fn an_exact_path_is_that_path_alone() {
        let table = table(&["/app"]);
        finds(&table, "/app", Some("/app"));
        finds(&table, "/app/", None);
    }

    #[test]
    fn a_stripped_prefix_leaves_a_path() {
        let mut route = table(&["/app/*"]).0.remove(0);
        assert_eq!(route.upstream_path("/app/a"), "/app/a");
        route.strip_prefix = true;
        assert_eq!(route.upstream_path("/app/a"), "/a");
        assert_eq!(route.upstream_path("/app/"), "/");
        assert_eq!(route.upstream_path("/app"), "/");
    }
}
