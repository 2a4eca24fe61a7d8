//! Everything that can go wrong, and what the client is told of it.
//!
//! The client gets a code, and a sentence on what to do. Why it happened goes to the log alone. Which
//! there are is in the files beside this one.

mod account;
mod provider;
mod request;
mod sign_in;
mod supabase;

use core::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use authflow_shared::{
    cookie,
    json::Value,
    problem::{self, Problem},
};

pub(crate) use self::account::NO_PHONE;
use crate::response::{Note, Response};

/// Seconds after which it makes sense to ask again when something we need is down.
const RETRY_UNAVAILABLE: u32 = 5;

/// Whole seconds to wait, rounded up.
fn seconds_of(wait: Duration) -> u32 {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    u32::try_from(seconds.max(1)).unwrap_or(u32::MAX)
}

/// A refusal. It is a pointer, because nearly every function passes one on.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Box<Refusal>);

/// What is told, and to whom.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// What the client is told.
    pub(crate) problem: Problem,
    /// Headers of the answer.
    headers: Vec<(&'static str, String)>,
    /// Why, for the log.
    pub(crate) cause: Option<String>,
    /// The second factors of which one is asked for, for a program.
    factors: Vec<Value>,
    /// What the text of a page is called after, where it is not the code.
    text: Option<&'static str>,
}

impl Deref for Failure {
    type Target = Refusal;

    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Refusal {
        &mut self.0
    }
}

impl Failure {
    /// What the log says of it.
    pub(crate) fn note(&self) -> Note {
        Note {
            outcome: self.problem.code,
            ..Note::default()
        }
    }

    #[inline(never)]
    fn new(status: u16, code: &'static str, title: &'static str, detail: &str) -> Self {
        Self(Box::new(Refusal {
            problem: Problem::new(status, code, title, detail),
            headers: Vec::new(),
            cause: None,
            factors: Vec::new(),
            text: None,
        }))
    }

    /// Says what has happened rather than what its code means; `text` is what the text of a page is
    /// called after.
    fn saying(mut self, text: &'static str, detail: &str) -> Self {
        detail.clone_into(&mut self.problem.detail);
        self.text = Some(text);
        self
    }

    /// What the text of a page is called after `error_`.
    pub(crate) fn text(&self) -> &'static str {
        self.text.unwrap_or(self.problem.code)
    }

    fn because(mut self, system: &str, cause: &str) -> Self {
        self.cause = Some(format!("{system}: {cause}"));
        self
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn retry_after(self, seconds: u32) -> Self {
        self.header("retry-after", &seconds.to_string())
    }

    /// Asks to come back after so many seconds, and not sooner.
    pub(crate) fn retry_in(mut self, seconds: u64) -> Self {
        self.headers.retain(|(name, _)| *name != "retry-after");
        self.header("retry-after", &seconds.to_string())
    }

    /// Whether it says that something is wrong with `field`.
    pub(crate) fn is_about(&self, field: &str) -> bool {
        let mut errors = self.problem.errors.iter();
        errors.any(|error| error.field == field)
    }

    /// Clears the session cookie along with it.
    pub(crate) fn clearing_cookie(self) -> Self {
        self.header("set-cookie", &cookie::clear())
    }

    /// The answer for a program.
    pub(crate) fn into_problem(mut self, request_id: &str) -> Response {
        let mut body = self.problem.to_json(request_id);
        if !self.factors.is_empty() {
            let factors = Value::Array(core::mem::take(&mut self.factors)).to_json();
            // An extension member (RFC 9457, section 3.2), before the brace that closes the
            // problem.
            body.pop();
            body = format!("{body},\"factors\":{factors}}}");
        }
        self.into_response(problem::MEDIA_TYPE, body)
    }

    /// The answer, with a body for whomever asked.
    pub(crate) fn into_response(self, content_type: &'static str, body: String) -> Response {
        let refusal = *self.0;
        let Problem { status, code, .. } = refusal.problem;
        let mut response = Response::text(status, code, content_type, body).because(refusal.cause);
        response.headers.extend(refusal.headers);
        response
    }

    /// Sends a browser on to `location` in its stead; a cookie that it clears is cleared.
    pub(crate) fn into_redirect(self, location: String) -> Response {
        let refusal = *self.0;
        let response = Response::see_other(location, refusal.problem.code).because(refusal.cause);
        let cookies = refusal.headers.into_iter();
        let mut cookies = cookies.filter(|(name, _)| *name == "set-cookie");
        match cookies.next() {
            Some((name, cookie)) => response.header(name, cookie),
            None => response,
        }
    }
}
