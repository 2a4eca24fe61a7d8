//! What strangers wrote, as logs and traces show it: without what would let somebody in, or say who somebody is.

use crate::session::{SessionId, token::holds_token};

/// `text`, a path or an id that a client chose. Whatever stands between two slashes and holds a session token, or what
/// could be an e-mail address, is left out; and the id of a session, which stands below `sessions`, is its
/// [name](SessionId::log_name).
pub fn redacted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut above = "";
    for (index, segment) in text.split('/').enumerate() {
        if index > 0 {
            shown.push('/');
        }
        if holds_token(segment) {
            shown.push_str("[session token]");
        } else if holds_address(segment) {
            shown.push_str("[e-mail address]");
        } else {
            match SessionId::parse(segment).filter(|_| above == "sessions") {
                Some(id) => shown.push_str(&id.log_name()),
                None => shown.push_str(segment),
            }
        }
        above = segment;
    }
    shown
}

/// Whether something stands before an `@`, and a dot behind it. That may be `logo@2x.png`, too.
fn holds_address(segment: &str) -> bool {
    let ends = (1..segment.len()).filter_map(|at| segment.as_bytes().get(at..));
    ends.filter(|end| end.starts_with(b"@") || end.starts_with(b"%40"))
        .any(|end| end.contains(&b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "f47ac10b-58cc-4372-a567-0e02b2c3d479";

    #[track_caller]
    fn shows(text: &str, expected: &str) {
        assert_eq!(redacted(text), expected);
    }

    #[test]
    fn no_session_is_named_by_its_id() {
        let name = SessionId::parse(ID).unwrap().log_name();
        shows(
            &format!("/admin/users/{ID}/sessions/{ID}"),
            &format!("/admin/users/{ID}/sessions/{name}"),
        );
    }

    #[test]
    fn no_token_is_shown_wherever_it_stands() {
        let token = format!("{ID}.AAAAAAAAAAAAAAAAAAAAAA");
        shows(&token, "[session token]");
        shows(&format!("/sessions/{token}"), "/sessions/[session token]");
        shows(&format!("/app/a.b={token}.x/c"), "/app/[session token]/c");
        shows(&format!("/app/\u{e4}{token}"), "/app/[session token]");
        let short = token.get(..58).unwrap();
        shows(short, short);
    }

    #[test]
    fn no_address_is_shown() {
        shows("/users/ada@example.test", "/users/[e-mail address]");
        shows("/users/ada%40example.test/x", "/users/[e-mail address]/x");
        shows("mail:a@b@example.test", "[e-mail address]");
        for other in ["/npm/@scope/x.js", "/~ada@host/x.js", "/@ada.example"] {
            shows(other, other);
        }
    }

    #[test]
    fn all_else_stays_as_it_is() {
        for text in ["/", "", "/sessions", "/sessions/x/", "//a", "/a.b/c..d/1.2"] {
            shows(text, text);
        }
    }
}
