//! What crosses between the driver and this module: lines.
//!
//! The driver decides nothing: a message says wholly what to do, in the order in which the driver
//! reads it. Lists begin with their length. Whoever adds to an effect what a client wrote must
//! know that it is one line: a message with any other is not sent, and its request refused.
//!
//! ```text
//! message = list of log lines, [then], action
//! then    = "then", list of the lines of an ask: what goes on after the answer
//! action  = ask | an outcome of the worker's own | "finished" | "lost"
//! ask     = "ask", id, milliseconds that it may take, effect
//! effect  = "call", method, url, headers, body or nothing
//!         | "forward", url, cache mode or nothing, 1 if there is a body, most bytes of it,
//!           names to report, names to remove, headers to set
//!         | "sign", data, key
//!         | "admit", limiter, key
//!         | "page", binding or nothing, url, language or nothing, traceparent or nothing,
//!           names to report
//!         | "keep", url, cache-control, list of the text's lines
//!         | "recall", url
//!         | "record", binding, index, list of texts
//!         | "sleep"
//! respond = "respond", status, headers, then all the rest is the body
//! ```
//!
//! `respond` is the outcome that every worker has.
//!
//! The driver comes back with a status and a text, and a status below zero where there is none:
//!
//! | effect | status | text |
//! |---|---|---|
//! | call | the answer's | its body |
//! | forward | the answer's | the values of the names to report, a line each |
//! | sign | 0 | the signature |
//! | admit | 1 if it is within the limit, else 0 | |
//! | page | the answer's | the values of the names to report, a line each, then its body |
//! | keep | 0 | |
//! | recall | 200 if something is kept, else 404 | what is kept |
//! | record | 0 | |
//! | sleep | 0 | |

use super::{Awaited, Effect, EffectResult, State, Step, lines::Lines};
use crate::{
    audit::DataPoint,
    host::{
        CallError, HttpAnswer, HttpCall,
        gateway::{AdmitOrder, KeepOrder, PageOrder, SignOrder},
        origin::{ForwardPlan, OriginHead},
    },
    timestamp::{Timestamp, millis},
};

/// Headers of an origin's answer that the driver tells us of, in the order in which [`result`]
/// reads them.
const REPORT: [&str; 2] = ["cache-control", "set-cookie"];

/// What the driver gives for a status where there is none.
const TIMED_OUT: i32 = -1;
/// What it gives where the body was longer than allowed.
const TOO_LARGE: i32 = -3;

/// The driver's clock, in milliseconds since the epoch.
pub fn moment(now_ms: f64) -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole milliseconds since 1970, far below 2^53"
    )]
    Timestamp::from_millis(now_ms as u64)
}

/// The message for the driver after a step, in which `conclude` tells the outcome.
pub fn message<T>(step: &Step<T>, conclude: impl FnOnce(Lines, &T) -> Option<String>) -> String {
    let mut lines = Lines::new();
    lines.list(step.log.iter().map(String::as_str));
    let message = match &step.state {
        State::Waiting { id, effect } => {
            ask(&mut lines, *id, effect);
            lines.finish()
        }
        State::Done { output, background } => {
            if let Some((id, effect)) = background {
                let mut later = Lines::new();
                ask(&mut later, *id, effect);
                lines.line("then");
                lines.part(&later);
            }
            conclude(lines, output)
        }
        State::Finished => {
            lines.line("finished");
            lines.finish()
        }
        State::Unknown | State::Stalled => None,
    };
    message.unwrap_or_else(|| lost(&step.log))
}

/// What the driver hears where there is nothing that it could do: it refuses the request. What was
/// logged so far is said all the same.
fn lost(log: &[String]) -> String {
    let mut lines = Lines::new();
    let whole_lines = log.iter().map(String::as_str);
    lines.list(whole_lines.filter(|line| !line.contains('\n')));
    lines.line("lost");
    lines.finish().unwrap_or_default()
}

/// What the driver tells of an effect, as the effect's result. A status below zero is a failure.
pub fn result(awaited: Awaited, status: i32, text: String) -> EffectResult {
    let status = u16::try_from(status).map_err(|_| match status {
        TIMED_OUT => CallError::Timeout,
        TOO_LARGE => CallError::TooLarge,
        _ => CallError::Connection,
    });
    match awaited {
        Awaited::Call => {
            EffectResult::Answer(status.map(|status| HttpAnswer { status, body: text }))
        }
        Awaited::Forward => EffectResult::Head(status.map(|status| {
            let (cache_control, set_cookie) = text.split_once('\n').unwrap_or((&text, ""));
            let (cache_control, set_cookie) = (cache_control.to_owned(), set_cookie.to_owned());
            OriginHead {
                status,
                cache_control,
                set_cookie,
            }
        })),
        Awaited::Sign => EffectResult::Signature(status.map(|_| text)),
        Awaited::Admit => EffectResult::Admitted(status.map(|admitted| admitted == 1)),
        Awaited::Sleep => EffectResult::Slept,
    }
}

fn ask(lines: &mut Lines, id: u32, effect: &Effect) {
    lines.line("ask");
    lines.number(u64::from(id));
    lines.number(millis(effect.limit()));
    match effect {
        Effect::Call(call) => self::call(lines, call),
        Effect::Forward(plan) => forward(lines, plan),
        Effect::Sign(SignOrder { key, data }) => {
            lines.line("sign");
            lines.line(data);
            lines.line(key.expose());
        }
        Effect::Admit(AdmitOrder { limiter, key }) => {
            lines.line("admit");
            lines.line(limiter);
            lines.line(key);
        }
        Effect::Page(order) => page(lines, order),
        Effect::Keep(KeepOrder {
            key,
            cache_control,
            text,
        }) => {
            lines.line("keep");
            lines.line(key);
            lines.line(cache_control);
            lines.list(text.split('\n'));
        }
        Effect::Recall(key) => {
            lines.line("recall");
            lines.line(key);
        }
        Effect::Record(DataPoint {
            dataset,
            index,
            blobs,
        }) => {
            lines.line("record");
            lines.line(dataset);
            lines.line(index);
            lines.list(blobs.iter().map(String::as_str));
        }
        Effect::Sleep(_) => lines.line("sleep"),
    }
}

fn call(lines: &mut Lines, call: &HttpCall) {
    lines.line("call");
    lines.line(call.method);
    lines.line(&call.url);
    lines.headers(borrowed(&call.headers));
    lines.line(call.body.as_deref().unwrap_or_default());
}

fn page(lines: &mut Lines, order: &PageOrder) {
    lines.line("page");
    lines.line(&order.binding);
    lines.line(&order.url);
    lines.line(order.language);
    lines.line(&order.traceparent);
    lines.list(order.report.iter().copied());
}

fn forward(lines: &mut Lines, plan: &ForwardPlan) {
    lines.line("forward");
    lines.line(&plan.url);
    lines.line(if plan.may_use_caches { "" } else { "no-store" });
    lines.number(u64::from(plan.has_body));
    lines.number(plan.body_limit);
    lines.list(REPORT);
    lines.list(plan.remove.iter().map(String::as_str));
    let assertion = plan.assertion.as_deref();
    let assertion = assertion.map(|assertion| ("x-authflow-assertion", assertion));
    lines.headers(borrowed(&plan.set).chain(assertion));
}

/// Tells the driver to answer. `None` if a header was more than one line.
pub fn respond(
    mut lines: Lines,
    status: u16,
    headers: &[(&'static str, String)],
    body: &str,
) -> Option<String> {
    lines.line("respond");
    lines.number(u64::from(status));
    lines.headers(borrowed(headers));
    lines.finish_with(body)
}

/// Headers as [`Lines::headers`] takes them.
pub fn borrowed<'a>(
    headers: &'a [(&'static str, String)],
) -> impl Iterator<Item = (&'static str, &'a str)> + Clone {
    headers.iter().map(|(name, value)| (*name, value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(log: &[&str], state: State<&'static str>) -> Step<&'static str> {
        Step {
            log: log.iter().map(|line| (*line).to_owned()).collect(),
            state,
        }
    }

    fn answered(lines: Lines, location: &&'static str) -> Option<String> {
        respond(lines, 303, &[("location", (*location).to_owned())], "a\nb")
    }

    #[test]
    fn what_cannot_go_on_is_lost_and_its_log_is_not() {
        let stalled = step(&["{}", "two\nlines"], State::Stalled);
        assert_eq!(message(&stalled, answered), "1\n{}\nlost\n");
    }

    #[test]
    fn a_header_that_would_be_two_lines_is_sent_to_nobody() {
        let done = |output| State::Done {
            output,
            background: None,
        };
        assert_eq!(
            message(&step(&["{}"], done("/a")), answered),
            "1\n{}\nrespond\n303\n1\nlocation\n/a\na\nb"
        );
        assert_eq!(
            message(&step(&["{}"], done("/a\nset-cookie\nb")), answered),
            "1\n{}\nlost\n"
        );
    }
}
