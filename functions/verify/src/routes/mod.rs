//! Which requests go where, and who may send them.

mod cors;
mod lookalike;
mod parse;
mod rate_limit;
mod readings;

use core::{fmt, time::Duration};
use std::rc::Rc;

use authflow_shared::redirect::Origin;

pub use self::{
    cors::Cors,
    parse::parse,
    rate_limit::{By, Counted, RateLimit},
};
use self::{
    lookalike::Shape,
    parse::Fields,
    readings::{names_a_host, readings},
};
use crate::canonical::{Ambiguity, CanonicalRequest, Escapes};

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
    pub id: Rc<str>,
    /// The paths it serves.
    pub pattern: Pattern,
    /// The origins, any of which may answer; there is at least one.
    pub upstreams: Rc<[Upstream]>,
    /// Who may use it.
    pub policy: Policy,
    /// The methods it takes; empty for all.
    pub methods: Vec<String>,
    /// Whether the origin gets the path without the pattern's prefix.
    pub strip_prefix: bool,
    /// Escapes of delimiters that the path may hold.
    pub allow_encoded: Escapes,
    /// Reserved headers that the client may send all the same, in lower case.
    pub keep_headers: Vec<String>,
    /// Which pages of other origins may use it; `None` leaves that to the origin.
    pub cors: Option<Cors>,
    /// How often one client may use it.
    pub rate_limit: Option<RateLimit>,
    /// The time until the head of the origin's answer must have arrived.
    pub timeout: Duration,
    /// The most bytes of a request's body.
    pub max_body_bytes: Option<u64>,
}

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Scheme, host and port.
    pub origin: Origin,
    /// The origin and the path that all requests' paths are appended to, without a slash at the
    /// end.
    pub base: String,
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
pub struct RouteTable {
    routes: Vec<Route>,
    /// The shape of each route's pattern.
    shapes: Vec<Shape>,
    /// Whether all routes have one policy, so that none can be mistaken for another.
    is_uniform: bool,
}

// === impl Policy ===

impl Policy {
    /// Whether somebody may pass here who may not pass under `other`.
    fn admits_more_than(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Public) => false,
            (Self::Public, Self::Session { .. }) => true,
            (
                Self::Session {
                    roles,
                    second_factor,
                },
                Self::Session {
                    roles: wanted,
                    second_factor: both,
                },
            ) => {
                let is_wanted = |role: &String| wanted.contains(role);
                let by_role =
                    !wanted.is_empty() && (roles.is_empty() || !roles.iter().all(is_wanted));
                by_role || (*both && !second_factor)
            }
        }
    }
}

// === impl Pattern ===

impl Pattern {
    /// The path without `/*`.
    pub fn literal(&self) -> &str {
        match self {
            Self::Exact(literal) | Self::Prefix(literal) => literal,
        }
    }

    /// Whether it matches what is below, too.
    pub fn is_prefix(&self) -> bool {
        matches!(self, Self::Prefix(_))
    }

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

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = if self.is_prefix() { "/*" } else { "" };
        write!(f, "{}{below}", self.literal())
    }
}

// === impl Route ===

impl Route {
    /// The path the origin gets for `path`, which the route matches.
    pub fn upstream_path<'a>(&self, path: &'a str) -> &'a str {
        let Pattern::Prefix(prefix) = &self.pattern else {
            return path;
        };
        if !self.strip_prefix {
            return path;
        }
        let rest = path.strip_prefix(prefix.as_str()).unwrap_or(path);
        if rest.is_empty() { "/" } else { rest }
    }

    /// Whether a client may send the reserved header `name`.
    pub fn keeps(&self, name: &str) -> bool {
        self.keep_headers.iter().any(|kept| kept == name)
    }

    /// Whether its demands are others than those of `route`, which has been met.
    fn asks_other_than(&self, route: &Self) -> bool {
        self.policy != Policy::Public && self.policy != route.policy
    }

    /// Whether the route takes `method`.
    pub fn takes(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|taken| taken == method)
    }
}

// === impl RouteTable ===

impl RouteTable {
    fn new(written: Vec<Route>) -> Self {
        // Put in one by one: a sort for long lists would be 4 KB of code.
        let mut routes = Vec::<Route>::with_capacity(written.len());
        for route in written {
            let specificity = route.pattern.specificity();
            let place = routes.partition_point(|one| one.pattern.specificity() >= specificity);
            routes.insert(place, route);
        }
        let shapes = routes
            .iter()
            .map(|route| Shape::of(route.pattern.literal()))
            .collect();
        let is_uniform = routes
            .windows(2)
            .all(|pair| matches!(pair, [one, other] if one.policy == other.policy));
        Self {
            routes,
            shapes,
            is_uniform,
        }
    }

    /// The routes, the most specific first.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The route of a request.
    ///
    /// # Errors
    /// [`Ambiguity`] if the path holds an escape that its route does not allow, or if an origin
    /// could take it for one that asks for more than its route does.
    pub fn find(&self, request: &CanonicalRequest) -> Result<Option<&Route>, Ambiguity> {
        let Some((route, shape)) = self.longest_match(&request.path) else {
            // Refused before it is not found, as everywhere.
            return if request.escapes.is_empty() {
                Ok(None)
            } else {
                Err(Ambiguity::Escape)
            };
        };
        if !request.escapes.within(route.allow_encoded) {
            return Err(Ambiguity::Escape);
        }
        if !self.is_uniform && self.resembles_stricter(route, shape, &request.path) {
            return Err(Ambiguity::Policy);
        }
        if !request.escapes.is_empty() {
            // What remains without the prefix must not begin with another host.
            if names_a_host(route.upstream_path(&request.path)) {
                return Err(Ambiguity::EmptySegment);
            }
            for reading in readings(&request.path)? {
                let other = self.longest_match(&reading);
                if other.is_some_and(|(other, _)| other.asks_other_than(route))
                    || self.resembles_stricter(route, shape, &reading)
                {
                    return Err(Ambiguity::Policy);
                }
            }
        }
        Ok(Some(route))
    }

    /// The route that matches `path`, and the shape of its pattern.
    fn longest_match(&self, path: &str) -> Option<(&Route, &Shape)> {
        let mut routes = self.routes.iter().zip(&self.shapes);
        routes.find(|(route, _)| route.pattern.matches(path))
    }

    /// Whether an origin that ignores case, trailing dots and spaces could take `path`, which
    /// `route` of the shape `own` matches, for one with other demands: of a route that is at least
    /// as specific, for a less specific one would not win there either.
    fn resembles_stricter(&self, route: &Route, own: &Shape, path: &str) -> bool {
        let mut candidates = self
            .routes
            .iter()
            .zip(&self.shapes)
            .filter(|(other, pattern)| other.asks_other_than(route) && pattern.len() >= own.len())
            .peekable();
        // Mostly there is none, and no shape need be made.
        if candidates.peek().is_none() {
            return false;
        }
        let shape = Shape::of(path);
        candidates.any(|(other, pattern)| {
            shape.begins_with(pattern)
                && (other.pattern.is_prefix() || shape.len() == pattern.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;

    fn table(paths: &[&str]) -> RouteTable {
        let route = |path: &&str| {
            format!(r#"{{"id":"{path}","path":"{path}","upstream":"http://o.test"}}"#)
        };
        let routes: Vec<_> = paths.iter().map(route).collect();
        parse(&format!("[{}]", routes.join(","))).unwrap()
    }

    fn find<'a>(table: &'a RouteTable, path: &str) -> Result<Option<&'a str>, Ambiguity> {
        let url = format!("https://a.test{path}");
        let facts = Facts {
            method: "GET",
            url: &url,
            ..Facts::default()
        };
        let request = CanonicalRequest::parse(&facts).unwrap();
        let route = table.find(&request)?;
        Ok(route.map(|route| &*route.id))
    }

    #[track_caller]
    fn finds(table: &RouteTable, path: &str, expected: Option<&str>) {
        assert_eq!(find(table, path), Ok(expected), "{path}");
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
        let mut route = table(&["/app/*"]).routes[0].clone();
        assert_eq!(route.upstream_path("/app/a"), "/app/a");
        route.strip_prefix = true;
        assert_eq!(route.upstream_path("/app/a"), "/a");
        assert_eq!(route.upstream_path("/app/"), "/");
        assert_eq!(route.upstream_path("/app"), "/");
    }

    #[test]
    fn what_remains_without_the_prefix_is_never_another_host() {
        let table = parse(
            r#"[{"id":"a","path":"/app/*","upstream":"http://o.test","strip_prefix":true,
                 "allow_encoded":["%2f","%5c","%25"]}]"#,
        )
        .unwrap();
        for path in [
            "/app/%2Fevil.test",
            "/app/%5Cevil.test",
            "/app/%252fevil.test",
        ] {
            assert_eq!(find(&table, path), Err(Ambiguity::EmptySegment), "{path}");
        }
        finds(&table, "/app/a%2F%2Fb", Some("a"));
    }

    /// `/site/*` for everybody, `/site/admin/*` for people, `/site/admin/root/*` for some.
    fn mixed(allow_encoded: &str) -> RouteTable {
        parse(&format!(
            r#"[{{"id":"site","path":"/site/*","upstream":"http://o.test","access":"public"}},
                {{"id":"admin","path":"/site/admin/*","upstream":"http://o.test",
                  "allow_encoded":{allow_encoded}}},
                {{"id":"root","path":"/site/admin/root/*","upstream":"http://o.test",
                  "roles":["root"]}},
                {{"id":"login","path":"/site/admin/login","upstream":"http://o.test",
                  "access":"public"}}]"#
        ))
        .unwrap()
    }

    #[test]
    fn a_path_that_resembles_one_with_stricter_rules_is_refused() {
        let table = mixed("[]");
        for path in [
            "/site/ADMIN",
            "/site/Admin/x",
            "/site/admin./x",
            "/site/admin%20/x",
            "/site/%20/admin",
            "/site/%EF%BD%81dmin",
            "/site/admin/Root",
        ] {
            assert_eq!(find(&table, path), Err(Ambiguity::Policy), "{path}");
        }
        finds(&table, "/site/admin/login/", Some("admin"));
        finds(&table, "/site/administration", Some("site"));
        finds(&table, "/site/caf%C3%A9", Some("site"));
        finds(&table, "/site/admin/login", Some("login"));
        finds(&table, "/site/admin/LOGIN", Some("admin"));
    }

    #[test]
    fn an_escape_passes_where_the_route_allows_it_and_nowhere_else() {
        let table = mixed(r#"["%2f","%25"]"#);
        finds(&table, "/site/admin/a%2fb%2525", Some("admin"));
        for path in [
            "/site/admin/a%3bb",
            "/site/a%2fb",
            "/elsewhere/a%2fb",
            "/site%2fadmin",
        ] {
            assert_eq!(find(&table, path), Err(Ambiguity::Escape), "{path}");
        }
    }

    #[test]
    fn no_escape_leads_to_other_rules() {
        let table = mixed(r#"["%2f","%5c","%3b","%25","%23","%3f"]"#);
        for path in [
            "/site/admin/root%2fx",
            "/site/admin/%2froot",
            "/site/admin/r%256fot",
            "/site/admin/root%5cx",
            "/site/admin/root%3bx",
            "/site/admin/root%23x",
            "/site/admin/root%3fx",
            "/site/admin/ROOT%2fx",
        ] {
            assert_eq!(find(&table, path), Err(Ambiguity::Policy), "{path}");
        }
        for path in ["/site/admin/..%2fx", "/site/admin/x%2f..%2fy"] {
            assert_eq!(find(&table, path), Err(Ambiguity::DotSegment), "{path}");
        }
    }
}
