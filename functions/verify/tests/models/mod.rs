//! How kinds of origins read a path.

use percent_encoding::percent_decode_str;

type Read = fn(&str) -> String;

pub(crate) const MODELS: [(&str, Read); 11] = [
    ("identity", str::to_owned),
    ("whatwg", whatwg),
    ("rfc3986", clean),
    ("decode once", |path| clean(&decode(path))),
    ("decode twice", |path| clean(&decode(&decode(path)))),
    ("merge slashes", |path| clean(&merge(path))),
    ("strip parameters", |path| clean(&merge(&strip(path)))),
    ("lower case", |path| path.to_lowercase()),
    ("trim", trim),
    ("all of them", |path| {
        let decoded = decode(&decode(path)).replace('\\', "/");
        trim(&clean(&merge(&strip(&decoded)))).to_lowercase()
    }),
    ("cut at a delimiter", |path| {
        let decoded = decode(path);
        clean(decoded.split(['#', '?', '\0']).next().unwrap_or_default())
    }),
];

/// A browser's parser, which servers in JavaScript use, too.
fn whatwg(path: &str) -> String {
    url::Url::parse(&format!("https://o.test{path}"))
        .map_or_else(|_| path.to_owned(), |url| url.path().to_owned())
}

/// Without dot segments (RFC 3986, section 5.2.4).
fn clean(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<_> = path.split('/').skip(1).collect();
    for (index, segment) in segments.iter().enumerate() {
        let is_last = index + 1 == segments.len();
        match *segment {
            "." if is_last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if is_last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

fn decode(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

fn merge(path: &str) -> String {
    let mut merged = String::new();
    for c in path.chars() {
        if c != '/' || !merged.ends_with('/') {
            merged.push(c);
        }
    }
    merged
}

/// Without `;` and what follows it, in each segment.
fn strip(path: &str) -> String {
    let segments = path
        .split('/')
        .map(|segment| segment.split(';').next().unwrap_or_default());
    segments.collect::<Vec<_>>().join("/")
}

/// Without dots and spaces at the end of each segment, as on some file systems.
fn trim(path: &str) -> String {
    let path = path.replace("%20", " ");
    let segments = path
        .split('/')
        .map(|segment| segment.trim_end_matches(['.', ' ']));
    merge(&segments.collect::<Vec<_>>().join("/"))
}
