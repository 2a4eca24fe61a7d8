//! Calls that fail, are refused, and are told of.

use futures_executor::block_on;

use super::*;
use crate::{
    host::fake::{Breakage, FakeHost},
    timestamp::Timestamp,
};

fn dependency() -> Rc<Dependency> {
    Dependency::example("redis")
}

fn http_call() -> HttpCall {
    HttpCall {
        method: "GET",
        timeout: Duration::from_millis(300),
        ..HttpCall::default()
    }
}

fn answering(status: u16) -> FakeHost {
    FakeHost::new(Timestamp::from_seconds(1_800_000_000), move |_| {
        Ok(HttpAnswer {
            status,
            body: String::new(),
        })
    })
}

/// Makes one call, and gives the status or the error.
fn call(dependency: &Rc<Dependency>, host: &FakeHost, manner: Manner) -> Result<u16, CallError> {
    let bad = |status| status >= 500;
    let answered = block_on(dependency.call(host, http_call(), manner, bad))?;
    let status = answered.answer.status;
    answered.judge(host, true);
    Ok(status)
}

#[test]
fn what_is_idempotent_is_tried_three_times_and_nothing_else() {
    for (manner, tries) in [(Manner::Idempotent, 3), (Manner::Once, 1)] {
        let host = answering(500);
        assert_eq!(call(&dependency(), &host, manner), Ok(500));
        assert_eq!(host.calls().len(), tries, "{manner:?}");
        assert_eq!(host.slept().len(), tries - 1);
    }
    let host = answering(200);
    host.break_next(Breakage::Before(CallError::Connection));
    assert_eq!(call(&dependency(), &host, Manner::Idempotent), Ok(200));
}

#[test]
fn all_tries_together_have_the_time_of_one() {
    let host = answering(500);
    call(&dependency(), &host, Manner::Idempotent).unwrap();
    let spent: Duration = host.slept().iter().sum();
    let last = host.calls().pop().unwrap();
    let left = Duration::from_millis(300).saturating_sub(spent);
    assert!(left.abs_diff(last.timeout) < Duration::from_millis(2));
    let host = answering(200);
    host.break_next(Breakage::Before(CallError::Timeout));
    let late = call(&dependency(), &host, Manner::Idempotent);
    assert_eq!(late, Err(CallError::Timeout), "no time is left");
}

#[test]
fn after_five_failures_in_a_row_no_call_is_made_until_its_time_is_over() {
    let (dependency, host) = (dependency(), answering(500));
    for _ in 0..5 {
        assert_eq!(call(&dependency, &host, Manner::Once), Ok(500));
    }
    let refused = Err(CallError::BreakerOpen);
    assert_eq!(call(&dependency, &host, Manner::Idempotent), refused);
    assert_eq!((host.calls().len(), host.slept().len()), (5, 0));
    host.advance(Duration::from_mins(1));
    assert_eq!(call(&dependency, &host, Manner::Once), Ok(500));
    assert_eq!(call(&dependency, &host, Manner::Once), refused);
}

#[test]
fn what_goes_past_the_breaker_closes_it_if_it_is_answered() {
    let (dependency, host) = (dependency(), answering(200));
    for _ in 0..5 {
        host.break_next(Breakage::Before(CallError::Timeout));
        let _ = call(&dependency, &host, Manner::Once);
    }
    host.break_next(Breakage::Before(CallError::Timeout));
    let failed = call(&dependency, &host, Manner::PastBreaker);
    assert_eq!(failed, Err(CallError::Timeout));
    assert_eq!(dependency.standing(), Standing::Open);
    assert_eq!(call(&dependency, &host, Manner::PastBreaker), Ok(200));
    assert_eq!(call(&dependency, &host, Manner::Once), Ok(200));
}

#[test]
fn each_transition_is_one_line_with_its_reason() {
    let (dependency, host) = (dependency(), answering(200));
    for _ in 0..5 {
        host.break_next(Breakage::After(CallError::Connection));
        let _ = call(&dependency, &host, Manner::Once);
    }
    host.advance(Duration::from_mins(1));
    call(&dependency, &host, Manner::Once).unwrap();
    let shown: Vec<_> = host
        .lines()
        .iter()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let field = |name: &str| line[name].as_str().unwrap().to_owned();
            assert_eq!(field("msg") + &field("dependency"), "breakerredis");
            [field("from"), field("to"), field("reason")].join(" ")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "closed open connection",
            "open half_open the time is over",
            "half_open closed answered"
        ]
    );
}

#[test]
fn an_answer_that_cannot_be_read_is_a_failure() {
    let (dependency, host) = (dependency(), answering(200));
    for _ in 0..5 {
        let call = dependency.call(&host, http_call(), Manner::Once, |_| false);
        block_on(call).unwrap().judge(&host, false);
    }
    assert_eq!(dependency.standing(), Standing::Open);
    assert_eq!(dependency.failures(), 5);
}

#[test]
fn no_more_calls_are_made_at_once_than_there_is_room_for() {
    let (dependency, host) = (dependency(), answering(200));
    let timeout = Duration::from_millis(300);
    let ask = || dependency.ask(&host, timeout);
    let mut held: Vec<_> = (RESERVED..MOST_CALLS).map(|_| ask().unwrap()).collect();
    assert_eq!(ask().unwrap_err(), CallError::Overloaded);
    assert_eq!(call(&dependency, &host, Manner::PastBreaker), Ok(200));
    held.remove(5);
    held.push(ask().unwrap());
    assert!(ask().is_err());
    assert_eq!(dependency.standing(), Standing::Closed);
}

#[test]
fn whoever_leaves_takes_a_place_no_longer_than_the_call_could_take() {
    let (dependency, host) = (dependency(), answering(200));
    let timeout = Duration::from_millis(300);
    let left: Vec<_> = (RESERVED..MOST_CALLS)
        .map(|_| dependency.ask(&host, timeout).unwrap())
        .collect();
    host.advance(timeout + GRACE);
    assert!(dependency.ask(&host, timeout).is_err());
    host.advance(Duration::from_millis(1));
    let mut kept = vec![dependency.ask(&host, timeout).unwrap()];
    // What is dropped late frees nobody else's place.
    drop(left);
    kept.extend((RESERVED + 1..MOST_CALLS).map(|_| dependency.ask(&host, timeout).unwrap()));
    assert!(dependency.ask(&host, timeout).is_err());
}
