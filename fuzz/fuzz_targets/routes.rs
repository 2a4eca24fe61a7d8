//! A path's route is the longest that matches, and is open to everybody only if it says so.
//!
//! The input is read twice: as the text of `ROUTES`, and as bytes out of which routes are made.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use authflow_fuzz::LaxOrigin;
use authflow_verify::{
    canonical::{Ambiguity, CanonicalRequest},
    facts::Facts,
    routes::{Policy, Route, parse},
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

/// Of routes and paths in one input; more would find nothing more.
const MOST: usize = 8;
const DELIMITERS: [&str; 6] = ["%2F", "%5C", "%3B", "%25", "%23", "%3F"];
/// What a lax origin takes for `a`.
const LIKE_A: [&str; 3] = ["A", "a.", "a%20"];
const JOINED: [&str; 7] = [
    "a%2Fb", "a%5Cb", "a%3Bb", "a%252Fb", "a%23b", "a%3Fb", "%2Fa",
];

/// Few, so that paths often share them.
#[derive(Arbitrary)]
enum Name {
    A,
    B,
    Ab,
    LikeA(u8),
    Accented,
}

/// What stands between two slashes of a request's path.
#[derive(Arbitrary)]
enum Segment {
    Name(Name),
    Joined(u8),
    Other(u8),
    Empty,
    Dots,
}

#[derive(Arbitrary)]
enum Access {
    Public,
    Session,
    Admins,
    SecondFactor,
}

#[derive(Arbitrary)]
struct Entry {
    path: Vec<Name>,
    is_prefix: bool,
    strip_prefix: bool,
    access: Access,
    /// A bit for each of [`DELIMITERS`].
    allow: u8,
}

#[derive(Arbitrary)]
struct Made {
    entries: Vec<Entry>,
    asked: Vec<Vec<Segment>>,
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = core::str::from_utf8(bytes) {
        check(text, |entries| {
            entries.iter().take(MOST).flat_map(around).collect()
        });
    }
    if let Ok(made) = Made::arbitrary_take_rest(Unstructured::new(bytes)) {
        let entries = made.entries.iter().take(MOST).enumerate();
        let entries: Vec<_> = entries.map(written).collect();
        let asked = made.asked.iter().take(MOST);
        let asked: Vec<_> = asked.map(|path| joined(path.iter().map(segment))).collect();
        check(&Value::from(entries).to_string(), |_| asked);
    }
});

fn one_of<'a>(texts: &[&'a str], which: u8) -> &'a str {
    texts[usize::from(which) % texts.len()]
}

fn name(name: &Name) -> &'static str {
    match name {
        Name::A => "a",
        Name::B => "b",
        Name::Ab => "ab",
        Name::LikeA(which) => one_of(&LIKE_A, *which),
        Name::Accented => "%C3%A9",
    }
}

fn segment(segment: &Segment) -> String {
    match segment {
        Segment::Name(known) => name(known).to_owned(),
        Segment::Joined(which) => one_of(&JOINED, *which).to_owned(),
        Segment::Other(byte) => char::from(*byte).to_string(),
        Segment::Empty => String::new(),
        Segment::Dots => "..".to_owned(),
    }
}

fn joined(segments: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        path.push_str(segment.as_ref());
    }
    path
}

fn written((index, entry): (usize, &Entry)) -> Value {
    let mut path = joined(entry.path.iter().map(name));
    if entry.is_prefix || path.is_empty() {
        path.push_str("/*");
    }
    let mut value = json!({
        "id": index.to_string(),
        "path": path,
        "upstream": "https://origin.test/base",
        "strip_prefix": entry.strip_prefix,
    });
    match entry.access {
        Access::Public => {
            value["access"] = "public".into();
            return value;
        }
        Access::Session => {}
        Access::Admins => value["roles"] = json!(["admin"]),
        Access::SecondFactor => value["aal"] = "aal2".into(),
    }
    let allowed = DELIMITERS.iter().enumerate();
    value["allow_encoded"] = allowed
        .filter(|(bit, _)| entry.allow >> bit & 1 == 1)
        .map(|(_, escape)| Value::from(*escape))
        .collect();
    value
}

fn check(text: &str, asked: impl FnOnce(&[Value]) -> Vec<String>) {
    let table = match parse(text) {
        Ok(table) => table,
        Err(faults) => {
            assert!(!faults.is_empty() && !faults.iter().any(String::is_empty));
            return;
        }
    };
    let entries: Vec<Value> = serde_json::from_str(text).expect("a list");
    let is_uniform = entries
        .iter()
        .all(|entry| demands(entry) == demands(&entries[0]));
    let seen: Vec<_> = LaxOrigin::all()
        .filter(|_| !is_uniform)
        .map(|origin| Seen::by(origin, &entries))
        .collect();
    for path in asked(&entries) {
        let url = format!("https://a.test{path}");
        let facts = Facts {
            method: "GET",
            url: &url,
            ..Facts::default()
        };
        let Ok(request) = CanonicalRequest::parse(&facts) else {
            continue;
        };
        let expected = longest(&entries, &request.path);
        match table.find(&request) {
            Ok(found) => {
                assert_eq!(
                    found.map(|route| &*route.id),
                    expected.map(|entry| field(entry, "id")),
                    "{path} in {text}"
                );
                if let (Some(route), Some(entry)) = (found, expected) {
                    is_what_was_written(route, entry, &request.path);
                    for seen in &seen {
                        seen.has_no_other_rules(entry, &request.path);
                    }
                }
            }
            Err(ambiguity) if request.escapes.is_empty() => {
                assert_eq!(ambiguity, Ambiguity::Policy, "{path} in {text}");
                assert!(!is_uniform, "{path} in {text}");
            }
            Err(_) => {}
        }
    }
}

fn is_what_was_written(route: &Route, entry: &Value, path: &str) {
    let is_public = field(entry, "access") == "public";
    assert_eq!(route.policy == Policy::Public, is_public, "{path} {entry}");
    for escape in DELIMITERS {
        let allowed = entry["allow_encoded"].as_array().into_iter().flatten();
        let mut allowed = allowed.filter_map(Value::as_str);
        assert!(
            !path.contains(escape) || allowed.any(|known| known.eq_ignore_ascii_case(escape)),
            "{path} {entry}"
        );
    }
    let upstream = route.upstream_path(path);
    assert!(upstream.starts_with('/') && path.ends_with(upstream) || upstream == "/");
    let is_host = |start: &&str| upstream.starts_with(*start);
    assert!(!["//", "/%2F", "/%5C"].iter().any(is_host));
}

/// Paths on both sides of an entry's borders, and such as resemble them.
fn around(entry: &Value) -> Vec<String> {
    let path = field(entry, "path");
    let literal = path.strip_suffix("/*").unwrap_or(path);
    let upper = literal.to_ascii_uppercase();
    let mut paths = Vec::new();
    for more in [
        "", "/", "/a", "/a/b", "a", "%C3%A9", "/%C3%A9", ".", "/a.", "/%2Fa",
    ] {
        paths.extend([literal, &upper].map(|path| format!("{path}{more}")));
    }
    let shorter = literal.char_indices();
    paths.extend(shorter.map(|(at, _)| literal[..at].to_owned()));
    paths
}

/// The exact path, else the prefix nearest above it.
fn longest<'a>(entries: &'a [Value], path: &str) -> Option<&'a Value> {
    let written = |wanted: &str| entries.iter().find(|entry| field(entry, "path") == wanted);
    if let Some(exact) = written(path) {
        return Some(exact);
    }
    let mut above = path;
    loop {
        if let Some(prefix) = written(&format!("{above}/*")) {
            return Some(prefix);
        }
        above = &above[..above.rfind('/')?];
    }
}

/// The entries as one origin sees them.
struct Seen<'a> {
    origin: LaxOrigin,
    entries: Vec<(Vec<String>, bool, &'a Value)>,
}

impl<'a> Seen<'a> {
    fn by(origin: LaxOrigin, entries: &'a [Value]) -> Self {
        let seen = |entry| {
            let path = field(entry, "path");
            let literal = path.strip_suffix("/*").unwrap_or(path);
            (origin.segments(literal), literal != path, entry)
        };
        Self {
            origin,
            entries: entries.iter().map(seen).collect(),
        }
    }

    /// Whoever may use `entry` may use what the origin makes of its path.
    fn has_no_other_rules(&self, entry: &Value, path: &str) {
        let asked = self.origin.segments(path);
        let matching = || {
            self.entries.iter().filter(|(segments, is_prefix, _)| {
                asked == *segments || *is_prefix && asked.starts_with(segments)
            })
        };
        let length = matching().map(|(segments, ..)| segments.len()).max();
        for (_, _, other) in matching().filter(|(segments, ..)| Some(segments.len()) == length) {
            let (demanded, other) = (demands(entry), demands(other));
            assert!(
                other.is_none() || other == demanded,
                "{path} passes by {entry}; {:?} has it under {other:?}",
                self.origin
            );
        }
    }
}

/// Which roles it asks for, and whether for a second factor; `None` if it is public.
fn demands(entry: &Value) -> Option<(Vec<&str>, bool)> {
    let roles = entry["roles"].as_array().into_iter().flatten();
    let roles = roles.filter_map(Value::as_str).collect();
    (field(entry, "access") != "public").then(|| (roles, field(entry, "aal") == "aal2"))
}

fn field<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry[name].as_str().unwrap_or_default()
}
