use super::*;
use crate::host::{Background, HttpAnswer, HttpCall, HttpClient, LogSink, Sleeper};

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn at(seconds: u64) -> Timestamp {
    START.after(Duration::from_secs(seconds))
}

fn call() -> HttpCall {
    HttpCall {
        method: "GET",
        url: "http://redis.test/".into(),
        headers: Vec::new(),
        body: None,
        timeout: Duration::from_millis(300),
    }
}

fn answer(status: u16) -> impl FnOnce(Awaited) -> EffectResult {
    move |awaited| {
        assert_eq!(awaited, Awaited::Call);
        EffectResult::Answer(Ok(HttpAnswer {
            status,
            body: String::new(),
        }))
    }
}

/// Starts a request that makes one call and returns the status it got.
fn start_call(runner: &mut Runner<u16>, now: Timestamp) -> u32 {
    let step = runner.start(now, |host| async move {
        host.call(call()).await.map_or(0, |answer| answer.status)
    });
    match step.state {
        State::Waiting { id, effect } => {
            assert_eq!(effect, Effect::Call(call()));
            id
        }
        other => panic!("waits for nothing: {other:?}"),
    }
}

#[test]
fn a_request_without_a_wait_is_done_at_once() {
    let mut runner = Runner::default();
    let step = runner.start(START, |host| async move {
        host.emit("line".into());
        7
    });
    let expected = State::Done {
        output: 7,
        background: None,
    };
    assert_eq!(
        step,
        Step {
            log: vec!["line".into()],
            state: expected
        }
    );
    assert_eq!(runner.waiting(), 0);
}

#[test]
fn each_future_gets_its_own_result_in_any_order() {
    let mut runner = Runner::default();
    let first = start_call(&mut runner, START);
    let second = start_call(&mut runner, START);
    let done = |output| State::Done {
        output,
        background: None,
    };
    assert_eq!(runner.resume(START, second, answer(202)).state, done(202));
    assert_eq!(runner.resume(START, first, answer(201)).state, done(201));
    assert_eq!(runner.waiting(), 0);
}

#[test]
fn time_moves_only_with_a_step() {
    let mut runner = Runner::default();
    let step = runner.start(START, |host| async move {
        host.sleep(Duration::from_secs(1)).await;
        host.now()
    });
    let State::Waiting {
        id,
        effect: Effect::Sleep(_),
    } = step.state
    else {
        panic!()
    };
    let step = runner.resume(at(2), id, |_| EffectResult::Slept);
    assert_eq!(
        step.state,
        State::Done {
            output: at(2),
            background: None
        }
    );
}

#[test]
fn a_result_of_the_wrong_kind_is_no_answer() {
    let mut runner = Runner::default();
    let id = start_call(&mut runner, START);
    let step = runner.resume(START, id, |_| EffectResult::Slept);
    assert_eq!(
        step.state,
        State::Done {
            output: 0,
            background: None
        }
    );
}

#[test]
fn an_id_is_good_once() {
    let mut runner = Runner::default();
    let id = start_call(&mut runner, START);
    runner.resume(START, id, answer(200));
    assert_eq!(runner.resume(START, id, answer(200)).state, State::Unknown);
}

#[test]
fn ids_may_begin_anew() {
    let mut runner = Runner {
        next_id: u32::MAX - 1,
        ..Runner::default()
    };
    let ids: Vec<_> = (0..4).map(|_| start_call(&mut runner, START)).collect();
    assert_eq!(ids, [u32::MAX - 1, u32::MAX, 0, 1]);
    for id in [1, u32::MAX, 0, u32::MAX - 1] {
        let state = runner.resume(START, id, answer(200)).state;
        assert!(matches!(state, State::Done { .. }), "{id}: {state:?}");
    }
}

#[test]
fn background_work_goes_on_after_the_output() {
    let mut runner = Runner::default();
    let step = runner.start(START, |host| async move {
        let later = host.clone();
        host.spawn(async move {
            let _ = later.call(call()).await;
            later.emit("renewed".into());
        });
        host.emit("request".into());
        1
    });
    assert_eq!(
        step.log,
        ["request"],
        "told with the output, not lost to what follows"
    );
    let State::Done {
        output: 1,
        background: Some((id, Effect::Call(_))),
    } = step.state
    else {
        panic!("no background work");
    };
    let step = runner.resume(START, id, answer(200));
    assert_eq!(
        step,
        Step {
            log: vec!["renewed".into()],
            state: State::Finished
        }
    );
    assert_eq!(runner.waiting(), 0);
}

#[test]
fn what_background_work_leaves_in_its_turn_is_done_too() {
    let mut runner = Runner::default();
    let step = runner.start(START, |host| async move {
        let outer = host.clone();
        host.spawn(async move {
            let inner = outer.clone();
            outer.spawn(async move {
                inner.sleep(Duration::from_secs(1)).await;
                inner.emit("done".into());
            });
            let _ = outer.call(call()).await;
        });
    });
    let State::Done {
        background: Some((id, Effect::Call(_))),
        ..
    } = step.state
    else {
        panic!("no background work");
    };
    let State::Waiting { id, .. } = runner.resume(START, id, answer(200)).state else {
        panic!("it is lost");
    };
    let step = runner.resume(START, id, |_| EffectResult::Slept);
    assert_eq!(step.log, ["done"]);
    assert_eq!(step.state, State::Finished);
}

#[test]
fn a_wait_for_something_else_is_refused_and_not_kept() {
    let mut runner: Runner<()> = Runner::default();
    let step = runner.start(START, |_| core::future::pending());
    assert_eq!(step.state, State::Stalled);
    assert_eq!(runner.waiting(), 0);
}

#[test]
fn futures_whose_client_went_away_are_dropped() {
    let mut runner = Runner::default();
    for _ in 0..1000 {
        start_call(&mut runner, START);
    }
    start_call(&mut runner, at(5));
    assert_eq!(runner.waiting(), 1001, "they may still be resumed");
    start_call(&mut runner, at(11));
    assert_eq!(
        runner.waiting(),
        2,
        "300 ms and the grace are over for all but two"
    );
}

#[test]
fn what_waits_is_bounded_and_who_has_waited_long_makes_room() {
    let mut runner = Runner::<()>::default();
    while runner.has_room(START) {
        runner.start(START, |host| async move {
            host.sleep(Duration::from_mins(1)).await;
        });
    }
    assert_eq!(runner.waiting(), CAPACITY);
    assert!(!runner.has_room(at(9)));
    assert!(runner.has_room(at(10)));
    assert_eq!(runner.waiting(), CAPACITY - 1);
    let slept = |_: Awaited| EffectResult::Slept;
    assert_eq!(runner.resume(at(10), 0, slept).state, State::Unknown);
    let next = runner.resume(at(10), 1, slept);
    assert!(matches!(next.state, State::Done { .. }));
}
