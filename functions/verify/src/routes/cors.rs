//! Which pages of other origins may use a route (Fetch standard, section 3.2).
//!
//! Where a route says it, the gateway speaks of cross-origin use alone: it answers preflights,
//! which carry no session, and its words replace the origin's, on refusals too.

use authflow_shared::{
    json::{Object, Value},
    redirect::Origin,
};

use super::Fields;
use crate::{canonical::is_token, facts::Facts};

/// Seconds a browser may remember a preflight's answer.
const MAX_AGE_SECONDS: u64 = 600;
/// Methods that are allowed where neither `cors` nor the route names some.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// The origins; `None` for any, which then use the route without credentials.
    origins: Option<Vec<String>>,
    credentials: bool,
    methods: String,
    headers: Option<String>,
    expose: Option<String>,
    max_age_seconds: u64,
}

impl Cors {
    /// Reads `cors` of a route that takes `methods`; a list stands for its `origins` alone.
    pub(super) fn read(
        value: Value,
        route_methods: &[String],
        fault: &mut dyn FnMut(String),
    ) -> Option<Self> {
        let value = match value {
            Value::Array(_) => Object::new().with("origins", value).into(),
            other => other,
        };
        let mut fields = Fields::of(value, "cors.", fault)?;
        let origins = fields.texts("origins").unwrap_or_default();
        let credentials = fields.flag("credentials");
        let methods = fields.texts("methods");
        let headers = fields.texts("headers");
        let expose = fields.texts("expose");
        let max_age_seconds = fields.number("max_age_seconds").unwrap_or(MAX_AGE_SECONDS);
        let any = origins.iter().any(|origin| origin == "*");
        if origins.is_empty() || (any && origins.len() > 1) {
            fields.fault("`cors` must name origins, or \"*\" alone");
        }
        if any && credentials == Some(true) {
            fields.fault(
                "`cors` cannot let every origin use people's sessions; name the origins, or set \
                 `credentials` to false",
            );
        }
        let is_written_by_browsers =
            |text: &str| Origin::parse(text).is_some_and(|origin| origin.as_str() == text);
        for text in origins
            .iter()
            .filter(|text| !any && !is_written_by_browsers(text))
        {
            fields.fault(format!(
                "`cors` has the origin {text}, which no browser would send; write it as in \
                 https://app.example.com"
            ));
        }
        let lists = [&methods, &headers, &expose];
        if lists
            .into_iter()
            .flatten()
            .flatten()
            .any(|name| !is_token(name))
        {
            fields.fault("`cors` has a method or header that is no name");
        }
        fields.finish();
        let methods = methods.unwrap_or_else(|| {
            if route_methods.is_empty() {
                METHODS.map(str::to_owned).to_vec()
            } else {
                route_methods.to_vec()
            }
        });
        Some(Self {
            origins: (!any).then_some(origins),
            credentials: credentials.unwrap_or(!any),
            methods: methods.join(", "),
            headers: headers.map(|names| names.join(", ")),
            expose: expose.map(|names| names.join(", ")),
            max_age_seconds,
        })
    }

    /// Whether pages of every origin may use the route.
    pub fn is_for_any_origin(&self) -> bool {
        self.origins.is_none()
    }

    /// Whether `facts` are a preflight, which asks whether another request may be made.
    pub fn is_preflight(facts: &Facts<'_>) -> bool {
        facts.method == "OPTIONS"
            && facts.header("origin").is_some()
            && facts.header("access-control-request-method").is_some()
    }

    /// What is said on each answer to `facts`; nothing to an origin that is not allowed.
    pub fn on_answer(&self, facts: &Facts<'_>) -> Vec<(&'static str, String)> {
        let Some(origin) = self.allowed(facts) else {
            return Vec::new();
        };
        let mut headers = vec![("access-control-allow-origin", origin)];
        if self.credentials {
            headers.push(("access-control-allow-credentials", "true".to_owned()));
        }
        headers.extend(
            self.expose
                .clone()
                .map(|names| ("access-control-expose-headers", names)),
        );
        headers
    }

    /// What is said to a preflight; nothing to an origin that is not allowed.
    pub fn on_preflight(&self, facts: &Facts<'_>) -> Vec<(&'static str, String)> {
        let mut headers = self.on_answer(facts);
        if headers.is_empty() {
            return headers;
        }
        headers.push(("access-control-allow-methods", self.methods.clone()));
        let asked = || {
            facts
                .header("access-control-request-headers")
                .map(str::to_owned)
        };
        headers.extend(
            self.headers
                .clone()
                .or_else(asked)
                .map(|names| ("access-control-allow-headers", names)),
        );
        headers.push(("access-control-max-age", self.max_age_seconds.to_string()));
        headers
    }

    fn allowed(&self, facts: &Facts<'_>) -> Option<String> {
        let asking = facts.header("origin")?;
        match &self.origins {
            None => Some("*".to_owned()),
            Some(origins) => origins.iter().find(|origin| *origin == asking).cloned(),
        }
    }
}
