//! One route as it is written.

use core::time::Duration;

use authflow_shared::{config::shown, json::Value, redirect::split_origin};

use super::fields::Fields;
use crate::{
    canonical::{Escapes, canonical_path},
    own_paths::is_own_path,
    reserved::{is_reserved, may_be_kept},
    routes::{Cors, Pattern, Policy, RateLimit, Route, Upstream},
};

/// The default of `timeout_ms`.
const TIMEOUT_MS: u64 = 30_000;
/// The range of `timeout_ms`.
const TIMEOUT_RANGE: core::ops::RangeInclusive<u64> = 100..=600_000;

/// Reads a route; `None` if a fault leaves none to describe.
pub(super) fn route(fields: &mut Fields<'_>) -> Option<Route> {
    let id = id(fields);
    let pattern = pattern(fields);
    let upstreams = upstreams(fields);
    let is_public = fields.choice("access", &["session", "public"]) == Some(1);
    let policy = policy(is_public, fields);
    let methods = methods(fields);
    let strip_prefix = fields.flag("strip_prefix").unwrap_or(false);
    let cors = fields
        .value("cors")
        .and_then(|value| Cors::read(value, &methods, fields.faults()));
    let rate_limit = fields
        .value("rate_limit")
        .and_then(|value| RateLimit::read(value, is_public, fields.faults()));
    let timeout = timeout(fields);
    let max_body_bytes = fields.number("max_body_bytes");
    let allow_encoded = allow_encoded(is_public, fields);
    let keep_headers = keep_headers(fields);
    Some(Route {
        id: id?.into(),
        pattern: pattern?,
        upstreams: upstreams?.into(),
        policy: policy?,
        methods,
        strip_prefix,
        allow_encoded,
        keep_headers,
        cors,
        rate_limit,
        timeout,
        max_body_bytes,
    })
}

fn id(fields: &mut Fields<'_>) -> Option<String> {
    let id = fields.text("id")?;
    // These stand between the parts of a limit's key, or end a label of a metric.
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b":{}\"\\".contains(&byte);
    if id.is_empty() || !id.bytes().all(is_plain) {
        fields.fault("`id` must be a word of printable ASCII without : { } \" \\");
    }
    Some(id)
}

fn methods(fields: &mut Fields<'_>) -> Vec<String> {
    let Some(methods) = fields.texts("methods") else {
        return Vec::new();
    };
    if methods.is_empty() {
        fields.fault("`methods` is empty; leave it out to take every method");
    }
    let is_method = |method: &String| {
        !method.is_empty()
            && method
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'-')
    };
    if !methods.iter().all(is_method) {
        fields.fault("`methods` must be names in capitals, as in [\"GET\",\"POST\"]");
    }
    methods
}

fn timeout(fields: &mut Fields<'_>) -> Duration {
    let timeout = fields.number("timeout_ms").unwrap_or(TIMEOUT_MS);
    if !TIMEOUT_RANGE.contains(&timeout) {
        let (low, high) = (TIMEOUT_RANGE.start(), TIMEOUT_RANGE.end());
        fields.fault(format!("`timeout_ms` must be from {low} to {high}"));
    }
    Duration::from_millis(timeout)
}

fn policy(is_public: bool, fields: &mut Fields<'_>) -> Option<Policy> {
    let roles = fields.texts("roles");
    let aal = fields.choice("aal", &["aal1", "aal2"]);
    let named = roles.as_deref();
    if named.is_some_and(|roles| roles.iter().any(String::is_empty)) {
        fields.fault("`roles` has an empty name, which would match people without a role");
    }
    if named.is_some_and(<[_]>::is_empty) {
        fields.fault("`roles` is empty; leave it out to let in every role");
    }
    if !is_public {
        return Some(Policy::Session {
            roles: roles.unwrap_or_default(),
            second_factor: aal == Some(1),
        });
    }
    if roles.is_some() || aal.is_some() {
        fields.fault("a public route cannot ask for `roles` or `aal`; remove them or `access`");
        return None;
    }
    Some(Policy::Public)
}

fn pattern(fields: &mut Fields<'_>) -> Option<Pattern> {
    let path = fields.text("path")?;
    let (literal, is_prefix) = match path.strip_suffix("/*") {
        Some(prefix) => (prefix, true),
        None => (path.as_str(), false),
    };
    let written = if is_prefix && literal.is_empty() {
        "/"
    } else {
        literal
    };
    if literal.contains('*') || canonical_path(written).as_deref() != Ok(written) {
        fields.fault(format!(
            "`path` {path} must be a plain path such as /app, or a prefix such as /app/*"
        ));
        return None;
    }
    if is_prefix && literal.ends_with('/') {
        fields.fault(format!("`path` {path} has an empty segment before the *"));
        return None;
    }
    if is_own_path(literal) {
        fields.fault(format!(
            "`path` {path} is one of the gateway's own; choose another"
        ));
        return None;
    }
    let literal = literal.to_owned();
    Some(if is_prefix {
        Pattern::Prefix(literal)
    } else {
        Pattern::Exact(literal)
    })
}

/// One URL, or a list of them.
fn upstreams(fields: &mut Fields<'_>) -> Option<Vec<Upstream>> {
    let urls = match fields.value("upstream")? {
        Value::Array(items) => items,
        one => vec![one],
    };
    if urls.is_empty() {
        fields.fault("`upstream` names no origin");
    }
    let upstreams: Vec<_> = urls.iter().map_while(|url| upstream(url, fields)).collect();
    let twice = |(index, one): (usize, &Upstream)| {
        upstreams.iter().skip(index + 1).any(|other| one == other)
    };
    if upstreams.iter().enumerate().any(twice) {
        fields.fault("`upstream` names an origin twice");
    }
    (upstreams.len() == urls.len() && !urls.is_empty()).then_some(upstreams)
}

fn upstream(url: &Value, fields: &mut Fields<'_>) -> Option<Upstream> {
    let read = |url: &str| {
        let (origin, path) = split_origin(url)?;
        let path = path.trim_end_matches('/');
        let plain = path.is_empty() || canonical_path(path).as_deref() == Ok(path);
        let base = format!("{origin}{path}");
        (plain && !path.contains('?')).then_some(Upstream { origin, base })
    };
    let url = url.as_str().unwrap_or_default();
    let upstream = read(url);
    if upstream.is_none() && url.contains('@') {
        // Not shown: it may be a password.
        fields.fault("`upstream` must not hold a user name or a password");
    } else if upstream.is_none() {
        fields.fault(format!(
            "`upstream` {} must be a URL such as \"https://origin.example.com\"",
            shown(url)
        ));
    }
    upstream
}

fn allow_encoded(is_public: bool, fields: &mut Fields<'_>) -> Escapes {
    let escapes = fields.texts("allow_encoded").unwrap_or_default();
    if is_public && !escapes.is_empty() {
        fields.fault(
            "a public route cannot have `allow_encoded`; what hides behind an escape could be a \
             protected path",
        );
    }
    let mut allowed = Escapes::default();
    for escape in escapes {
        match Escapes::parse(&escape) {
            Some(escape) => allowed = allowed.and(escape),
            None => fields.fault(format!(
                "`allow_encoded` has {escape}; it may have %2f, %5c, %3b, %25, %23 and %3f, and \
                 every other escape passes or is refused anyway"
            )),
        }
    }
    allowed
}

fn keep_headers(fields: &mut Fields<'_>) -> Vec<String> {
    let mut names = fields.texts("keep_headers").unwrap_or_default();
    for name in &mut names {
        name.make_ascii_lowercase();
    }
    for name in &names {
        if !is_reserved(name) {
            fields.fault(format!(
                "`keep_headers` has {name}, which passes anyway; remove it"
            ));
        } else if !may_be_kept(name) {
            fields.fault(format!(
                "`keep_headers` has {name}, which the gateway sets itself, or no proxy may pass"
            ));
        }
    }
    names
}
