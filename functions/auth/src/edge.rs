//! Between the driver's lines and what is known of a request.
//!
//! A request is told in lines: method, URL, what became of its body, then a name and a value for
//! each header. None of these can hold a line break (RFC 9110, section 5.5). What the driver hears
//! is in [`authflow_shared::host::effects::wire`]; the one outcome is `respond`.

use authflow_shared::host::effects::{Step, wire};

use crate::{
    request::{Body, Request},
    response::Response,
};

/// The request that the driver tells of; `body` is the text of a body that was read to its end.
pub fn read(facts: &str, body: String) -> Request {
    let mut lines = facts.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let (method, (path, query)) = (next(), split(next()));
    let body = match next() {
        "text" => Body::Text(body),
        "too_large" => Body::TooLarge,
        _ => Body::Unreadable,
    };
    let mut headers = Vec::new();
    while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
        headers.push((name.to_owned(), value.to_owned()));
    }
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body,
    }
}

/// The message for the driver after a step.
pub fn message(step: &Step<Response>) -> String {
    wire::message(step, |lines, response| {
        let body = response.body.as_deref().unwrap_or_default();
        wire::respond(lines, response.status, &response.headers, body)
    })
}

/// Path and query of an absolute URL, as they are.
fn split(url: &str) -> (&str, &str) {
    let url = url.split('#').next().unwrap_or_default();
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = authority.find('/').and_then(|start| authority.get(start..));
    (path.unwrap_or("/"), query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_query_and_headers_are_as_they_were_sent() {
        let url = "https://app.test/auth/%73ignin?next=%2Fa?b&c#d";
        let facts = format!("POST\n{url}\ntext\ncookie\na=b; c=d\nx-empty\n");
        let request = read(&facts, "{\n}".into());
        assert_eq!(request.method, "POST");
        assert_eq!(request.path, "/auth/%73ignin");
        assert_eq!(request.query, "next=%2Fa?b&c");
        assert_eq!(request.header("cookie"), Some("a=b; c=d"));
        assert_eq!(request.header("x-empty"), Some(""));
        assert_eq!(request.headers.len(), 2);
        assert!(matches!(request.body, Body::Text(text) if text == "{\n}"));
    }

    #[test]
    fn a_body_that_was_not_read_is_none() {
        for (word, expected) in [("too_large", "TooLarge"), ("unreadable", "Unreadable")] {
            let request = read(&format!("POST\nhttps://app.test/\n{word}"), "x".into());
            assert_eq!(format!("{:?}", request.body), expected);
        }
    }

    #[test]
    fn an_address_without_a_path_is_its_root() {
        assert_eq!(split("https://app.test"), ("/", ""));
        assert_eq!(split("https://app.test?x=/y"), ("/", "x=/y"));
    }
}
