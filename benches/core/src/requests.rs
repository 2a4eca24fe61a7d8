//! Whole requests, as the driver takes them through `start` and `resume`.

use authflow_verify::{configure, resume, start};
use divan::Bencher;
use serde_json::json;

use crate::gateway::{NOW, PROTECTED, PUBLIC, facts, forged_token, record, token, variables};

/// What came of a wait: a status and a text.
type Outcome = (i32, String);

/// A request, and what comes of each of its waits.
#[derive(Clone)]
struct Request {
    facts: String,
    outcomes: Vec<Outcome>,
}

impl Request {
    fn new(target: &str, token: Option<&str>, outcomes: &[Outcome]) -> Self {
        Self {
            facts: facts(target, token),
            outcomes: outcomes.to_vec(),
        }
    }

    /// Takes it from its first step to its last, and gives the last message.
    fn run(self) -> String {
        let mut message = start(NOW, self.facts);
        for (status, text) in self.outcomes {
            let id = waiting(&message).expect("the request should wait");
            message = resume(NOW, id, status, text);
        }
        message
    }
}

/// The id of the request that waits, if it does. All that is read of a message here.
fn waiting(message: &str) -> Option<u32> {
    let mut lines = message.lines().skip_while(|line| *line != "ask");
    lines.nth(1)?.parse().ok()
}

/// Times `request`, whose last message must hold `word` and wait for nothing.
fn time(bencher: Bencher<'_, '_>, request: &Request, word: &str) {
    let prove = || {
        let message = request.clone().run();
        assert!(message.contains(word), "{message}");
        assert_eq!(waiting(&message), None, "{message}");
    };
    prove();
    bencher
        .with_inputs(|| request.clone())
        .bench_values(Request::run);
    // It is still what was timed, and not the refusal of one request too many.
    prove();
}

fn configured(others: &[(&str, &str)]) {
    let faults = configure(NOW, &variables(others));
    assert!(faults.is_empty(), "{faults:?}");
}

/// What Redis says of the session.
fn found() -> Outcome {
    let record = record().to_json();
    (200, json!({ "result": record }).to_string())
}

/// The head of the origin's answer: it neither asks to be cached nor sets a cookie.
fn head() -> Outcome {
    (200, "\n".into())
}

#[divan::bench]
fn configure_once(bencher: Bencher<'_, '_>) {
    let variables = variables(&[]);
    bencher.bench(|| configure(NOW, &variables));
}

#[divan::bench]
fn verified(bencher: Bencher<'_, '_>) {
    configured(&[]);
    let request = Request::new(PROTECTED, Some(&token()), &[found(), head()]);
    time(bencher, &request, "x-request-id");
}

#[divan::bench]
fn verified_from_memory(bencher: Bencher<'_, '_>) {
    configured(&[("SESSION_CACHE_MS", "2000")]);
    Request::new(PROTECTED, Some(&token()), &[found(), head()]).run();
    let request = Request::new(PROTECTED, Some(&token()), &[head()]);
    time(bencher, &request, "x-request-id");
}

#[divan::bench]
fn forged(bencher: Bencher<'_, '_>) {
    configured(&[]);
    let request = Request::new(PROTECTED, Some(&forged_token()), &[]);
    time(bencher, &request, "session_invalid");
}

#[divan::bench]
fn no_cookie(bencher: Bencher<'_, '_>) {
    configured(&[]);
    time(bencher, &Request::new(PROTECTED, None, &[]), "no_session");
}

#[divan::bench]
fn public_route(bencher: Bencher<'_, '_>) {
    configured(&[]);
    let request = Request::new(PUBLIC, Some(&token()), &[head()]);
    time(bencher, &request, "x-request-id");
}
