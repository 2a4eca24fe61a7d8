//! However many isolates remember a session, none answers from what is older than the setting.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

#[expect(dead_code, reason = "this file uses a part of it")]
mod world;

use std::time::Duration;

use authflow_shared::{
    host::{CallError, fake::Breakage},
    session::{SessionId, keys},
};
use proptest::prelude::*;

use crate::world::{FORWARDED, ID, Redis, World};

const ISOLATES: usize = 4;
const KEEP_MS: u64 = 2_000;

/// What happens next.
#[derive(Clone, Debug)]
enum Event {
    /// Somebody comes to this isolate.
    Visit(usize),
    /// Somebody comes to this isolate while it cannot reach Redis.
    VisitWithoutRedis(usize),
    /// The person signs in, with this role.
    SignIn(u8),
    /// The session ends.
    End,
    /// Time goes by.
    Wait(u64),
    /// The clock of an isolate is set forward or back between two requests. (Were there none
    /// before as much time has gone by again, no clock of the platform could tell.)
    Step(usize, i64),
}

/// What Redis said of the session: its role, or that there is none; and since when.
struct Past(Vec<(u64, Option<String>)>);

impl Past {
    /// Whether Redis said `role` at some moment from `from` to now.
    fn held(&self, role: Option<&str>, from: u64) -> bool {
        let ends = self
            .0
            .iter()
            .skip(1)
            .map(|(since, _)| *since)
            .chain([u64::MAX]);
        self.0
            .iter()
            .zip(ends)
            .any(|((_, held), end)| end >= from && held.as_deref() == role)
    }
}

fn event() -> impl Strategy<Value = Event> {
    let isolate = 0..ISOLATES;
    prop_oneof![
        8 => isolate.clone().prop_map(Event::Visit),
        1 => isolate.clone().prop_map(Event::VisitWithoutRedis),
        2 => (0u8..3).prop_map(Event::SignIn),
        2 => Just(Event::End),
        4 => (0u64..1_500).prop_map(Event::Wait),
        1 => (isolate, -3_000i64..3_000).prop_map(|(isolate, by)| Event::Step(isolate, by)),
    ]
}

fn set_role(redis: &Redis, template: &str, role: Option<&str>) {
    let key = keys::session(&SessionId::parse(ID).unwrap());
    match role {
        Some(role) => {
            let json =
                template.replace(r#""role":"authenticated""#, &format!(r#""role":"{role}""#));
            redis.borrow_mut().insert(key, json);
        }
        None => {
            redis.borrow_mut().remove(&key);
        }
    }
}

fn run(events: Vec<Event>) -> Result<(), TestCaseError> {
    let redis = Redis::default();
    let changes = [
        ("SESSION_CACHE_MS", "2000"),
        ("GATEWAY_LIMIT", "0"),
        ("LOG_LEVEL", "error"),
    ];
    let isolates: Vec<_> = (0..ISOLATES)
        .map(|_| World::over(redis.clone(), &changes))
        .collect();
    let template = redis.borrow().values().next().unwrap().clone();
    let mut now = 0;
    let mut past = Past(vec![(0, Some("authenticated".to_owned()))]);
    let change = |now, role: Option<String>, past: &mut Past| {
        set_role(&redis, &template, role.as_deref());
        past.0.push((now, role));
    };
    for event in events {
        match event {
            Event::Wait(millis) => {
                now += millis;
                for isolate in &isolates {
                    isolate.host.advance(Duration::from_millis(millis));
                }
            }
            Event::SignIn(number) => change(now, Some(format!("role{number}")), &mut past),
            Event::End => change(now, None, &mut past),
            Event::Step(index, by) => {
                check(&isolates[index], now, &past)?;
                isolates[index].host.step(by);
                check(&isolates[index], now, &past)?;
            }
            Event::Visit(index) => check(&isolates[index], now, &past)?,
            Event::VisitWithoutRedis(index) => {
                isolates[index]
                    .host
                    .break_next(Breakage::Before(CallError::Timeout));
                check(&isolates[index], now, &past)?;
                isolates[index].host.mend();
                prop_assert_eq!(isolates[index].redis_calls(), 0);
            }
        }
    }
    Ok(())
}

/// Somebody comes: whoever passes does so by what Redis said less than the set time ago, and who
/// is refused as ended was so then.
fn check(isolate: &World, now: u64, past: &Past) -> Result<(), TestCaseError> {
    isolate.host.forget();
    let seen = isolate.visit("/app/x");
    let from = (now + 1).saturating_sub(KEEP_MS);
    if seen.status == FORWARDED {
        let plans = isolate.host.plans();
        let (_, role) = plans[0]
            .set
            .iter()
            .find(|(name, _)| *name == "x-user-role")
            .unwrap();
        prop_assert!(past.held(Some(role), from), "{role} at {now}: {:?}", past.0);
    } else if seen.code() == "session_expired" {
        prop_assert!(past.held(None, now), "ended at {now}: {:?}", past.0);
    } else {
        prop_assert_eq!(seen.code(), "store_unavailable");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_isolate_answers_from_what_is_older_than_the_setting(
        events in prop::collection::vec(event(), 1..60),
    ) {
        run(events)?;
    }
}
