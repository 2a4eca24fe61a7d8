//! However long Redis is away, or late now and then, an isolate holds hardly more than one plan to tell it what
//! was counted: whatever waits takes the place of a person's request.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that fails may panic"
)]

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use authflow_shared::{
    breaker,
    dependency::Dependency,
    host::{
        Background, CallError, HttpAnswer, Sleeper,
        effects::{Effect, EffectResult, Runner, State},
    },
    log::Level,
    redis,
    secret::Secret,
    telemetry::{Exports, Settings, Telemetry},
    timestamp::{Timestamp, millis},
};

const START: u64 = 1_800_000_000_000;

/// How Redis answers.
#[derive(Clone, Copy)]
enum Redis {
    Well,
    Away,
    Late,
}

/// What came of a made-up time.
#[derive(Default)]
struct Seen {
    most_waiting: usize,
    most_calls_in_ten_seconds: u64,
}

/// What is to be resumed, by when and in which order.
#[derive(Default)]
struct Due {
    results: BTreeMap<(u64, u64), (u32, EffectResult)>,
    number: u64,
    calls: u64,
}

impl Due {
    /// Has what a step waits for done, some milliseconds late, as on a busy machine.
    fn add(&mut self, at: u64, state: State<()>, redis: Redis) {
        let (State::Waiting { id, effect }
        | State::Done {
            background: Some((id, effect)),
            ..
        }) = state
        else {
            return;
        };
        self.number += 1;
        let (after, result) = if let Effect::Sleep(duration) = effect {
            let late = self.number * 2_654_435_761 % 97 % 25;
            (millis(duration) + late, EffectResult::Slept)
        } else {
            self.calls += 1;
            let answer = match redis {
                Redis::Well => Ok(HttpAnswer {
                    status: 200,
                    body: r#"{"result":1}"#.into(),
                }),
                Redis::Away => Err(CallError::Connection),
                Redis::Late => Err(CallError::Timeout),
            };
            let after = match redis {
                Redis::Well => 2,
                Redis::Away => 1 + self.number * 40_503 % 89,
                Redis::Late => 2000,
            };
            (after, EffectResult::Answer(answer))
        };
        self.results.insert((at + after, self.number), (id, result));
    }
}

/// `a_second` requests a second for `seconds`; those at a moment for which it `lingers` leave something else for six
/// seconds after their answer, too.
fn simulate(
    a_second: u64,
    seconds: u64,
    redis_at: impl Fn(u64) -> Redis,
    lingers_at: impl Fn(u64) -> bool,
) -> Seen {
    let settings = Settings {
        metrics_token: Some(Secret::new("token")),
        delay: Duration::from_secs(10),
        ..Settings::default()
    };
    let telemetry = Telemetry::new("verify", Level::Error, settings);
    let redis = redis::Settings {
        url: "http://redis.test".into(),
        token: Secret::new("token"),
        timeout: Duration::from_secs(2),
        dependency: Dependency::new("metrics", breaker::Settings::default(), &telemetry),
    };
    let exports = Exports {
        redis: Rc::new(redis),
        otlp: None,
    };
    let (mut runner, mut due) = (Runner::<()>::default(), Due::default());
    let (mut seen, mut window) = (Seen::default(), 0);
    for request in 0..a_second * seconds {
        let at = request * 1000 / a_second;
        while let Some(entry) = due
            .results
            .first_entry()
            .filter(|entry| entry.key().0 <= at)
        {
            let ((moment, _), (id, result)) = entry.remove_entry();
            let now = Timestamp::from_millis(START + moment);
            let step = runner.resume(now, id, |_| result);
            due.add(moment, step.state, redis_at(moment / 1000));
        }
        if at / 10_000 != window {
            seen.most_calls_in_ten_seconds = seen.most_calls_in_ten_seconds.max(due.calls);
            (window, due.calls) = (at / 10_000, 0);
        }
        let (telemetry, exports, lingers) = (telemetry.clone(), exports.clone(), lingers_at(at));
        let step = runner.start(Timestamp::from_millis(START + at), move |host| async move {
            telemetry.request(Some("app"), "GET", 200, 1);
            if lingers {
                let later = host.clone();
                host.spawn(async move { later.sleep(Duration::from_secs(6)).await });
            }
            telemetry.plan_flush(&host, &exports);
        });
        due.add(at, step.state, redis_at(at / 1000));
        seen.most_waiting = seen.most_waiting.max(runner.waiting());
    }
    seen
}

#[track_caller]
fn assert_few(seen: &Seen, waiting: usize, calls: u64) {
    let Seen {
        most_waiting,
        most_calls_in_ten_seconds: most_calls,
    } = seen;
    assert!(*most_waiting <= waiting, "{most_waiting} wait");
    assert!(*most_calls <= calls, "{most_calls} calls in ten seconds");
}

#[test]
fn there_is_one_plan_at_a_time_while_all_is_well() {
    assert_few(&simulate(200, 120, |_| Redis::Well, |_| false), 2, 2);
}

#[test]
fn plans_do_not_breed_while_redis_is_away() {
    let redis = |second| match second {
        20..620 => Redis::Away,
        _ => Redis::Well,
    };
    assert_few(&simulate(500, 700, redis, |_| false), 3, 6);
}

#[test]
fn plans_do_not_breed_where_redis_is_late_now_and_then() {
    let redis = |second: u64| match second / 10 % 2 {
        1 => Redis::Late,
        _ => Redis::Well,
    };
    assert_few(&simulate(500, 700, redis, |_| false), 3, 6);
}

#[test]
fn plans_do_not_breed_where_some_are_carried_out_late() {
    let seen = simulate(100, 400, |_| Redis::Well, |at| at / 1000 % 60 < 10);
    // What lingers waits, too.
    assert_few(&seen, 700, 4);
}
