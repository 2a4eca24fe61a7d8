//! The gateway's own answers: problems for programs, pages and redirects for people.

use authflow_shared::{
    cookie,
    problem::{MEDIA_TYPE, Problem},
    redirect::Origin,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{canonical::CanonicalRequest, decide::Refusal, facts::Facts};

/// Seconds after which it makes sense to ask a failed dependency again.
pub(crate) const RETRY_AFTER: &str = "5";

/// An answer that does not come from an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names and values; a name may stand more than once.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// Who waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// A person who opens a page.
    Browser,
    /// A program, or a script in a page.
    Program,
}

impl Client {
    /// A navigation says so in `Sec-Fetch-Mode` (Fetch Metadata); only a client that does not send
    /// it is judged by whether it accepts HTML. A WebSocket has no page to show, nor has a script
    /// that says what it is.
    pub fn of(facts: &Facts<'_>) -> Self {
        let accepts_html = || {
            facts.header("accept").is_some_and(|accept| {
                accept
                    .as_bytes()
                    .windows(9)
                    .any(|part| part == b"text/html")
            })
        };
        let is_script = || facts.header("x-requested-with").is_some();
        let is_navigation = facts.header("sec-fetch-mode").map_or_else(
            || accepts_html() && !facts.is_websocket() && !is_script(),
            |mode| mode == "navigate",
        );
        if is_navigation {
            Self::Browser
        } else {
            Self::Program
        }
    }
}

impl Answer {
    /// Says what is wrong, in the form that `client` can read.
    pub fn problem(problem: &Problem, client: Client, request_id: &str) -> Self {
        if client == Client::Browser {
            return Self::page(problem, "", request_id);
        }
        let body = problem.to_json(request_id);
        Self::wrong(problem, MEDIA_TYPE, body, request_id)
    }

    /// Says what is wrong to a person, and `more`, which is HTML of ours.
    fn page(problem: &Problem, more: &str, request_id: &str) -> Self {
        let body = page(problem, more, request_id);
        Self::html(problem, body, PAGE_POLICY, request_id)
    }

    /// Says what is wrong by a page that may do what `policy` allows.
    pub(crate) fn html(problem: &Problem, body: String, policy: &str, request_id: &str) -> Self {
        let mut answer = Self::wrong(problem, "text/html; charset=utf-8", body, request_id);
        answer
            .headers
            .push(("content-security-policy", policy.to_owned()));
        answer
    }

    fn wrong(problem: &Problem, media_type: &'static str, body: String, request_id: &str) -> Self {
        let mut answer = Self::bare(problem.status, request_id);
        answer.headers.push(("content-type", media_type.to_owned()));
        match problem.status {
            401 => answer
                .headers
                .push(("www-authenticate", "Bearer".to_owned())),
            503 => answer.headers.push(("retry-after", RETRY_AFTER.to_owned())),
            _ => {}
        }
        answer.body = body;
        answer
    }

    /// Sends the client elsewhere, with GET whatever it did before: 302 for a client that only
    /// looked, 303 for one that sent something (RFC 9110, section 15.4).
    pub fn redirect(location: String, method: &str, request_id: &str) -> Self {
        let status = if matches!(method, "GET" | "HEAD") {
            302
        } else {
            303
        };
        let mut answer = Self::bare(status, request_id);
        answer.headers.push(("location", location));
        answer
    }

    /// JSON.
    pub fn json(status: u16, body: String, request_id: &str) -> Self {
        let mut answer = Self::text(body, "application/json", request_id);
        answer.status = status;
        answer
    }

    /// A body of `media_type`.
    pub fn text(body: String, media_type: &'static str, request_id: &str) -> Self {
        let mut answer = Self::bare(200, request_id);
        answer.headers.push(("content-type", media_type.to_owned()));
        answer.body = body;
        answer
    }

    /// No body.
    pub fn empty(status: u16, request_id: &str) -> Self {
        Self::bare(status, request_id)
    }

    /// What is the same for everybody, and may be kept as `headers` say.
    pub fn public(
        body: String,
        mut headers: Vec<(&'static str, String)>,
        request_id: &str,
    ) -> Self {
        headers.push(("x-request-id", request_id.to_owned()));
        headers.push(("x-content-type-options", "nosniff".to_owned()));
        Self {
            status: 200,
            headers,
            body,
        }
    }

    /// Refuses a request on a protected route.
    pub fn refusal(
        refusal: Refusal,
        client: Client,
        request: &CanonicalRequest,
        auth_url: &Origin,
        request_id: &str,
    ) -> Self {
        let signs_in = matches!(
            refusal,
            Refusal::NoSession
                | Refusal::SessionInvalid
                | Refusal::SessionExpired
                | Refusal::DeviceMismatch
        );
        let is_browser = client == Client::Browser;
        let mut answer = if signs_in && is_browser {
            let mut location = and_back(auth_url, "signin", request);
            location.push_str("&reason=");
            location.push_str(refusal.code());
            Self::redirect(location, &request.method, request_id)
        } else if refusal == Refusal::StepUpRequired && is_browser {
            let link = and_back(auth_url, "step-up", request);
            let more = format!(
                "<p><a href=\"{link}\">Confirm that it is you</a>, and come back here.</p>"
            );
            Self::page(&problem_of(refusal), &more, request_id)
        } else {
            Self::problem(&problem_of(refusal), client, request_id)
        };
        if refusal == Refusal::SessionExpired {
            answer.headers.push(("set-cookie", cookie::clear()));
        }
        answer
    }

    /// The answer to HEAD, which must have no body.
    #[must_use]
    pub fn without_body(mut self) -> Self {
        self.body = String::new();
        self
    }

    /// What every answer of ours has: it depends on who asks and how, and is kept by nobody.
    fn bare(status: u16, request_id: &str) -> Self {
        let headers = [
            ("x-request-id", request_id),
            ("cache-control", "no-store"),
            ("vary", "Accept, Authorization, Cookie, Sec-Fetch-Mode"),
            ("x-content-type-options", "nosniff"),
        ];
        let headers = headers
            .map(|(name, value)| (name, value.to_owned()))
            .to_vec();
        Self {
            status,
            headers,
            body: String::new(),
        }
    }
}

/// The address of a page of the auth worker, from which a person comes back to what they asked for.
///
/// Nothing of a client's stands in it but percent-encoded, so that it may stand in HTML, too.
fn and_back(auth_url: &Origin, page: &str, request: &CanonicalRequest) -> String {
    let next = format!("{}{}", request.origin, request.target());
    let next = utf8_percent_encode(&next, NON_ALPHANUMERIC);
    format!("{auth_url}/auth/{page}?next={next}")
}

fn problem_of(refusal: Refusal) -> Problem {
    let (status, title, detail) = match refusal {
        Refusal::NoSession => (
            401,
            "Sign in first",
            "Send the session cookie or a bearer session token.",
        ),
        Refusal::SessionInvalid => (
            401,
            "Session not valid",
            "The session token was not issued here. Sign in again.",
        ),
        Refusal::SessionExpired => (
            401,
            "Session ended",
            "The session has ended or run out. Sign in again.",
        ),
        Refusal::DeviceMismatch => (
            401,
            "Other device",
            "The session belongs to another device or network. Sign in again on this one.",
        ),
        Refusal::Forbidden => (
            403,
            "Not allowed",
            "Your account may not use this. Ask whoever runs the site.",
        ),
        Refusal::StepUpRequired => (
            403,
            "Second factor needed",
            "This needs a second factor, such as a code from your authenticator app, beside your password.",
        ),
        Refusal::StoreUnavailable => (
            503,
            "Please try again",
            "Sessions cannot be checked at the moment. You are still signed in; try again shortly.",
        ),
    };
    Problem::new(status, refusal.code(), title, detail)
}

/// The whole look of a page; [`PAGE_POLICY`] allows nothing else.
const STYLE: &str = "html{background:Canvas;color:CanvasText}body{font:1rem/1.5 system-ui,sans-serif;\
    max-width:26rem;margin:20vh auto;padding:0 1.25rem}h1{font-size:1.5rem;line-height:1.2}small{opacity:.7}";

/// A page for a person. Its texts are ours, `more` among them; nothing of the request is shown but
/// our own id of it.
fn page(problem: &Problem, more: &str, request_id: &str) -> String {
    let Problem {
        title,
        detail,
        code,
        ..
    } = problem;
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\
         <style>{STYLE}</style>\
         <main><h1>{title}</h1><p>{detail}</p>{more}<p><small>{code} · {request_id}</small></p></main></html>"
    )
}

/// The Content-Security-Policy of a page: its own style, of which it has the SHA-256, and nothing
/// from anywhere.
const PAGE_POLICY: &str = "default-src 'none'; style-src \
    'sha256-KmlPhfXJZxugsbT8gPrLDqr3Q3bCaWgFPILsElBo2OE='; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding};
    use sha2::{Digest, Sha256};

    use super::*;

    fn facts<'a>(headers: &[(&'a str, &'a str)]) -> Facts<'a> {
        let url = "https://app.test/app/a?b=c&d";
        Facts {
            method: "GET",
            url,
            has_body: false,
            headers: headers.to_vec(),
        }
    }

    fn refuse(refusal: Refusal, client: Client, method: &'static str) -> Answer {
        let mut facts = facts(&[]);
        facts.method = method;
        let request = CanonicalRequest::parse(&facts).unwrap();
        let auth_url = Origin::parse("https://auth.test").unwrap();
        Answer::refusal(refusal, client, &request, &auth_url, "r1")
    }

    fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
        let mut found = answer.headers.iter().filter(|(known, _)| *known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} twice");
        value
    }

    #[track_caller]
    fn client(headers: &[(&str, &str)], expected: Client) {
        assert_eq!(Client::of(&facts(headers)), expected, "{headers:?}");
    }

    #[test]
    fn a_navigation_is_a_browser_and_everything_else_a_program() {
        client(&[("sec-fetch-mode", "navigate")], Client::Browser);
        client(
            &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")],
            Client::Browser,
        );
        client(
            &[("sec-fetch-mode", "cors"), ("accept", "text/html")],
            Client::Program,
        );
        client(
            &[("sec-fetch-mode", "websocket"), ("accept", "text/html")],
            Client::Program,
        );
        client(
            &[("accept", "application/json, text/plain, */*")],
            Client::Program,
        );
        client(
            &[("accept", "text/html"), ("upgrade", "websocket")],
            Client::Program,
        );
        client(
            &[
                ("accept", "text/html"),
                ("x-requested-with", "XMLHttpRequest"),
            ],
            Client::Program,
        );
        client(&[("accept", "*/*")], Client::Program);
        client(&[], Client::Program);
    }

    #[test]
    fn a_browser_without_a_session_is_sent_to_sign_in_and_back() {
        let answer = refuse(Refusal::NoSession, Client::Browser, "GET");
        assert_eq!(answer.status, 302);
        assert_eq!(
            header(&answer, "location"),
            Some(
                "https://auth.test/auth/signin?next=https%3A%2F%2Fapp%2Etest%2Fapp%2Fa%3Fb%3Dc%26d\
                 &reason=no_session"
            )
        );
        assert_eq!(
            refuse(Refusal::NoSession, Client::Browser, "POST").status,
            303
        );
        assert_eq!(
            refuse(Refusal::NoSession, Client::Browser, "HEAD").status,
            302
        );
    }

    #[test]
    fn a_browser_without_a_second_factor_is_told_where_to_show_one() {
        let answer = refuse(Refusal::StepUpRequired, Client::Browser, "GET");
        assert_eq!(answer.status, 403);
        assert_eq!(header(&answer, "location"), None);
        let link = "<a href=\"https://auth.test/auth/step-up?next=https%3A%2F%2Fapp%2Etest%2Fapp%2Fa%3Fb%3Dc%26d\">";
        assert!(answer.body.contains(link), "{}", answer.body);
        let answer = refuse(Refusal::StepUpRequired, Client::Program, "GET");
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains(r#""code":"step_up_required""#));
        let answer = refuse(Refusal::Forbidden, Client::Browser, "GET");
        assert!(!answer.body.contains("href"), "{}", answer.body);
    }

    #[test]
    fn what_a_client_wrote_cannot_leave_the_link() {
        let mut facts = facts(&[]);
        facts.url = "https://app.test/app/a?\"'><script>&amp;%22";
        let request = CanonicalRequest::parse(&facts).unwrap();
        let link = and_back(
            &Origin::parse("https://auth.test").unwrap(),
            "step-up",
            &request,
        );
        let (_, next) = link.split_once("?next=").unwrap();
        assert!(
            next.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'%'),
            "{next}"
        );
    }

    #[test]
    fn a_page_allows_its_own_style_and_nothing_else() {
        let answer = refuse(Refusal::Forbidden, Client::Browser, "GET");
        let policy = header(&answer, "content-security-policy").unwrap();
        let style = answer
            .body
            .split_once("<style>")
            .unwrap()
            .1
            .split_once("</style>")
            .unwrap()
            .0;
        let hash = Base64::encode_string(&Sha256::digest(style));
        assert!(policy.contains(&format!("'sha256-{hash}'")), "{policy}");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    }

    #[test]
    fn a_program_without_a_session_gets_a_problem() {
        let answer = refuse(Refusal::DeviceMismatch, Client::Program, "GET");
        assert_eq!(answer.status, 401);
        assert_eq!(
            header(&answer, "content-type"),
            Some("application/problem+json")
        );
        assert_eq!(header(&answer, "www-authenticate"), Some("Bearer"));
        assert!(
            answer.body.contains(r#""code":"device_mismatch""#),
            "{}",
            answer.body
        );
    }

    #[test]
    fn only_an_ended_session_clears_the_cookie() {
        for client in [Client::Browser, Client::Program] {
            for refusal in [
                Refusal::NoSession,
                Refusal::SessionInvalid,
                Refusal::DeviceMismatch,
                Refusal::Forbidden,
                Refusal::StepUpRequired,
                Refusal::StoreUnavailable,
            ] {
                assert_eq!(header(&refuse(refusal, client, "GET"), "set-cookie"), None);
            }
            let ended = refuse(Refusal::SessionExpired, client, "GET");
            assert_eq!(header(&ended, "set-cookie"), Some(cookie::clear().as_str()));
        }
    }

    #[test]
    fn a_store_that_is_away_is_said_honestly_and_signs_nobody_out() {
        for client in [Client::Browser, Client::Program] {
            let answer = refuse(Refusal::StoreUnavailable, client, "GET");
            assert_eq!(answer.status, 503);
            assert_eq!(header(&answer, "retry-after"), Some("5"));
        }
    }

    #[test]
    fn no_answer_of_ours_is_kept_by_a_cache() {
        let answer = refuse(Refusal::NoSession, Client::Browser, "GET");
        assert_eq!(header(&answer, "cache-control"), Some("no-store"));
        assert_eq!(header(&answer, "x-request-id"), Some("r1"));
    }
}
