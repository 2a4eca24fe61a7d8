//! The rows of the table in `find.rs`, one by one.

use core::{
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_executor::block_on;

use super::{Health, Session, World};
use crate::{
    host::{CallError, Clock, fake::Breakage},
    redis::Unavailable,
    session::{find::Source, record::SealedTokens, store::SessionLookup},
};

/// A world in which Ada is signed in, which both stores know, and the first isolate believes Redis.
fn signed_in() -> World {
    let mut world = World::new();
    world.synchronise();
    world.sign_in(0, 0);
    world.run_tasks();
    assert_eq!(ask(&world, 0), ("found", Source::Redis));
    world.host().forget();
    world
}

/// What the isolate finds of Ada's session, and who said so.
fn ask(world: &World, isolate: usize) -> (&'static str, Source) {
    let (session, isolate) = (&world.sessions[0], &world.isolates[isolate]);
    let (lookup, source) = block_on(isolate.store.find(&session.id, isolate.host.now()));
    let found = match lookup {
        SessionLookup::Found(record) => {
            assert_eq!(record.user_id, session.record.user_id);
            "found"
        }
        SessionLookup::Absent => "absent",
        SessionLookup::Unavailable(Unavailable::Lost) => "lost",
        SessionLookup::Unavailable(_) => "unavailable",
    };
    (found, source)
}

#[test]
fn while_all_is_well_redis_alone_is_asked_and_once() {
    let world = signed_in();
    assert_eq!(ask(&world, 0), ("found", Source::Redis));
    assert_eq!(world.host().calls().len(), 1);
}

#[test]
fn while_redis_is_away_the_database_decides() {
    let mut world = signed_in();
    world.redis.borrow_mut().1 = Health::Away;
    assert_eq!(ask(&world, 0), ("found", Source::Database));
    world.end(0, 0, None);
    assert_eq!(ask(&world, 0), ("absent", Source::Database));
}

#[test]
fn what_the_database_does_not_know_or_has_idle_is_unavailable_while_redis_is_away() {
    let world = signed_in();
    world.redis.borrow_mut().1 = Health::Away;
    world.host().advance(Duration::from_hours(1));
    assert_eq!(ask(&world, 0), ("unavailable", Source::Database), "idle");
    world.database.borrow_mut().0 = super::Database::default();
    assert_eq!(ask(&world, 0), ("unavailable", Source::Database), "unknown");
    world.database.borrow_mut().1 = Health::Away;
    assert_eq!(ask(&world, 0), ("unavailable", Source::Database), "away");
}

#[test]
fn a_renewal_tells_the_database_what_the_session_is_by_then() {
    let world = signed_in();
    let Session {
        id, record: found, ..
    } = &world.sessions[0];
    let store = &world.isolates[1].store;
    let swapped = SealedTokens {
        access_token: "new".into(),
        ..found.supabase.clone()
    };
    block_on(store.swap_tokens(id, &found.supabase, &swapped)).unwrap();
    block_on(store.renew(id, found, world.host().now())).unwrap();
    world.redis.borrow_mut().1 = Health::Away;
    let (lookup, source) = block_on(world.isolates[0].store.find(id, world.host().now()));
    assert_eq!(source, Source::Database);
    assert_eq!(lookup.record().unwrap().supabase, swapped);
}

#[test]
fn a_session_past_its_end_is_absent_in_the_database_too() {
    let world = signed_in();
    world.redis.borrow_mut().1 = Health::Away;
    world.host().advance(Duration::from_hours(24));
    assert_eq!(ask(&world, 0), ("absent", Source::Database));
}

#[test]
fn redis_is_believed_again_once_it_has_been_told() {
    let mut world = signed_in();
    world.redis.borrow_mut().1 = Health::Away;
    assert_eq!(ask(&world, 0), ("found", Source::Database));
    world.end(1, 0, None);
    world.redis.borrow_mut().1 = Health::Well;
    // It still has the session, and the database knows better.
    assert_eq!(ask(&world, 0), ("absent", Source::Database));
    world.run_tasks();
    assert_eq!(world.database.borrow().0.owes(), 0);
    assert_eq!(ask(&world, 0), ("absent", Source::Redis));
}

#[test]
fn a_new_isolate_asks_what_redis_missed_before_it_believes_it() {
    let mut world = signed_in();
    world.redis.borrow_mut().1 = Health::Away;
    world.end(1, 0, None);
    world.redis.borrow_mut().1 = Health::Well;
    world.isolates[2] = world.isolate(0);
    assert_eq!(ask(&world, 2), ("absent", Source::Database));
}

#[test]
fn redis_alone_serves_while_the_database_is_away() {
    let mut world = signed_in();
    world.database.borrow_mut().1 = Health::Away;
    world.isolates[2] = world.isolate(0);
    assert_eq!(ask(&world, 2), ("found", Source::Redis));
    world.end(0, 0, None);
    assert_eq!(ask(&world, 0), ("absent", Source::Redis));
    assert_eq!(ask(&world, 2), ("absent", Source::Redis));
}

#[test]
fn a_hiccup_of_redis_lets_nobody_in_whose_end_the_database_missed() {
    let mut world = signed_in();
    world.database.borrow_mut().1 = Health::Away;
    world.end(1, 0, None);
    world.database.borrow_mut().1 = Health::Well;
    let late = Breakage::Before(CallError::Timeout);
    world.host().break_next(late);
    assert_eq!(ask(&world, 0), ("absent", Source::Database));
}

#[test]
fn what_redis_lost_is_found_in_the_database_and_restored() {
    let world = signed_in();
    world.host().advance(Duration::from_millis(10));
    world.redis.borrow_mut().0.wipe();
    assert_eq!(ask(&world, 0), ("found", Source::Database));
    assert_eq!(ask(&world, 0), ("found", Source::Redis));
}

#[test]
fn of_two_requests_that_find_a_session_lost_both_get_in() {
    let world = signed_in();
    assert_eq!(ask(&world, 1), ("found", Source::Redis));
    world.host().advance(Duration::from_millis(10));
    world.redis.borrow_mut().0.wipe();
    let (store, id) = (
        world.isolates[1].store.clone(),
        world.sessions[0].id.clone(),
    );
    let now = world.host().now();
    // The other one restores it after this one has asked Redis.
    *world.meanwhile.borrow_mut() = Some(Box::new(move || {
        // An executor runs already; nothing here waits.
        let mut finding = pin!(store.find(&id, now));
        let found = finding
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(found, Poll::Ready((SessionLookup::Found(_), _))));
    }));
    assert_eq!(ask(&world, 0).0, "found");
    assert!(world.meanwhile.borrow().is_none(), "it has happened");
}

#[test]
fn what_redis_lost_is_not_restored_while_the_database_misses_something() {
    let mut world = signed_in();
    world.host().advance(Duration::from_millis(10));
    world.synchronise();
    world.redis.borrow_mut().0.wipe();
    world.sign_in(0, 1);
    world.run_tasks();
    world.database.borrow_mut().1 = Health::Away;
    world.end(0, 1, None);
    world.database.borrow_mut().1 = Health::Well;
    // The end of this one could be among what it misses.
    assert_eq!(ask(&world, 0), ("lost", Source::Database));
    world.minute();
    assert_eq!(ask(&world, 0), ("found", Source::Database));
}

#[test]
fn what_was_taken_out_of_redis_is_not_taken_for_lost() {
    let world = signed_in();
    let id = &world.sessions[0].id;
    let body = format!(r#"["DEL","session:{}"]"#, id.as_str());
    world.redis.borrow_mut().0.answer(&body);
    assert_eq!(ask(&world, 0), ("absent", Source::Database));
}

#[test]
fn once_redis_has_held_every_session_the_database_is_not_asked() {
    let world = signed_in();
    world.host().advance(Duration::from_hours(25));
    let id = crate::session::store::tests::id(9);
    let (lookup, source) = block_on(world.isolates[0].store.find(&id, world.host().now()));
    assert_eq!((lookup, source), (SessionLookup::Absent, Source::Redis));
    let calls = world.host().calls();
    assert!(
        calls
            .iter()
            .all(|call| call.url.starts_with("http://redis.test"))
    );
}
