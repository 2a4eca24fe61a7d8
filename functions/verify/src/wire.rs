//! What crosses between the driver and this module, as JSON.
//!
//! The driver decides nothing: each message says wholly what to do.

use authflow_shared::host::{
    CallError, HttpAnswer, HttpCall,
    effects::{Awaited, Effect, EffectResult, State, Step},
    gateway::{AdmitOrder, SignOrder},
    origin::{ForwardPlan, OriginHead},
};
use serde::{Serialize, Serializer};

use crate::{answer::Answer, outcome::Outcome, relay};

/// Headers of an origin's answer that the driver tells us of, in this order.
const REPORT: [&str; 2] = ["cache-control", "set-cookie"];

/// What the driver gives for a status where there is none.
const TIMED_OUT: i32 = -1;
/// What it gives where the body was longer than allowed.
const TOO_LARGE: i32 = -3;

#[derive(Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    log: &'a [String],
    #[serde(flatten)]
    action: Action<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<Ask<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Action<'a> {
    Ask(Ask<'a>),
    Respond(Respond<'a>),
    Relay(Relay<'a>),
    /// Background work is done. Always true.
    Finished(bool),
    /// The future cannot go on; the driver refuses the request. Always true.
    Lost(bool),
}

#[derive(Serialize)]
struct Ask<'a> {
    id: u32,
    /// The time that it may take.
    timeout_ms: u128,
    #[serde(flatten)]
    effect: WireEffect<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum WireEffect<'a> {
    Call(Call<'a>),
    Forward(Forward<'a>),
    Sign(Sign<'a>),
    Admit(Admit<'a>),
    Sleep(u128),
}

#[derive(Serialize)]
struct Call<'a> {
    method: &'a str,
    url: &'a str,
    headers: &'a [(&'static str, String)],
    body: Option<&'a str>,
}

#[derive(Serialize)]
struct Forward<'a> {
    url: &'a str,
    remove: &'a [String],
    #[serde(serialize_with = "headers")]
    set: (&'a [(&'static str, String)], Option<&'a str>),
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<&'static str>,
    has_body: bool,
    report: [&'static str; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    body_limit: Option<u64>,
}

#[derive(Serialize)]
struct Sign<'a> {
    jwk: &'a str,
    data: &'a str,
}

#[derive(Serialize)]
struct Admit<'a> {
    limiter: &'a str,
    key: &'a str,
}

#[derive(Serialize)]
struct Respond<'a> {
    status: u16,
    headers: &'a [(&'static str, String)],
    body: &'a str,
}

#[derive(Serialize)]
struct Relay<'a> {
    remove: &'a [&'static str],
    set: &'a [(&'static str, String)],
    add: &'a [(&'static str, String)],
    #[serde(skip_serializing_if = "Option::is_none")]
    drop_cookie: Option<&'static str>,
}

/// The headers of a request, the assertion last.
fn headers<S: Serializer>(
    (set, assertion): &(&[(&'static str, String)], Option<&str>),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let set = set.iter().map(|(name, value)| (*name, value.as_str()));
    let assertion = assertion.map(|assertion| ("x-authflow-assertion", assertion));
    serializer.collect_seq(set.chain(assertion))
}

/// The message for the driver after a step.
pub fn message(step: &Step<Outcome>) -> String {
    let (action, then) = match &step.state {
        State::Waiting { id, effect } => (Action::Ask(ask(*id, effect)), None),
        State::Done { output, background } => {
            let then = background.as_ref().map(|(id, effect)| ask(*id, effect));
            match output {
                Outcome::Respond(answer) => (Action::Respond(respond(answer)), then),
                Outcome::Relay(plan) => (Action::Relay(relay(plan)), then),
            }
        }
        State::Finished => (Action::Finished(true), None),
        State::Unknown | State::Stalled => (Action::Lost(true), None),
    };
    // Strings and numbers always serialise.
    serde_json::to_string(&Message {
        log: &step.lines,
        action,
        then,
    })
    .unwrap_or_default()
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

fn ask(id: u32, effect: &Effect) -> Ask<'_> {
    let timeout_ms = effect.limit().as_millis();
    let effect = match effect {
        Effect::Call(HttpCall {
            method,
            url,
            headers,
            body,
            ..
        }) => WireEffect::Call(Call {
            method,
            url,
            headers,
            body: body.as_deref(),
        }),
        Effect::Forward(plan) => WireEffect::Forward(forward_effect(plan)),
        Effect::Sign(SignOrder { key, data }) => WireEffect::Sign(Sign {
            jwk: key.expose(),
            data,
        }),
        Effect::Admit(AdmitOrder { limiter, key }) => WireEffect::Admit(Admit { limiter, key }),
        Effect::Sleep(duration) => WireEffect::Sleep(duration.as_millis()),
    };
    Ask {
        id,
        timeout_ms,
        effect,
    }
}

fn forward_effect(plan: &ForwardPlan) -> Forward<'_> {
    Forward {
        url: &plan.url,
        remove: &plan.remove,
        set: (&plan.set, plan.assertion.as_deref()),
        has_body: plan.has_body,
        cache: (!plan.may_use_caches).then_some("no-store"),
        report: REPORT,
        body_limit: plan.body_limit,
    }
}

fn relay(plan: &relay::Relay) -> Relay<'_> {
    let relay::Relay {
        status: _,
        remove,
        set,
        add,
        drop_cookie,
    } = plan;
    Relay {
        remove,
        set,
        add,
        drop_cookie: *drop_cookie,
    }
}

fn respond(answer: &Answer) -> Respond<'_> {
    Respond {
        status: answer.status,
        headers: &answer.headers,
        body: &answer.body,
    }
}
