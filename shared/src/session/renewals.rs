//! When a session in use is renewed.
//!
//! A session lives an idle hour from its last renewal. To renew it with each request would cost a
//! write a request, so an isolate renews it once in a sixth of its life at most, after the
//! response. What an isolate forgets costs one write more, never somebody's session.

use core::cell::RefCell;
use std::rc::Rc;

use super::{SessionId, SessionRecord, SessionStore};
use crate::{
    host::Host,
    log::{Level, Line},
    timestamp::Timestamp,
};

/// A session is renewed this many times in its idle life at most.
const RENEWALS_PER_LIFE: u64 = 6;
/// Sessions are remembered in groups, a quarter of a megabyte in all; the id tells which. Where all of a group are
/// remembered, another is renewed with each request: of ten thousand sessions in use, hardly one.
const GROUPS: usize = 4096;
const GROUP: usize = 8;
/// The half of a place that tells from which second its session is due again; the other half names the session.
const SECONDS: u64 = 0xffff_ffff;

/// The sessions this isolate renewed.
#[derive(Debug)]
pub struct Renewals {
    interval: u64,
    places: RefCell<Vec<u64>>,
}

impl Renewals {
    /// For sessions that live `session_seconds` idle.
    pub fn new(session_seconds: u64) -> Rc<Self> {
        Rc::new(Self {
            interval: (session_seconds / RENEWALS_PER_LIFE).max(1),
            places: RefCell::default(),
        })
    }

    /// Whether the session is to be renewed now; counts it as renewed if so.
    fn take(&self, id: &SessionId, record: &SessionRecord, now: Timestamp) -> bool {
        let now = now.seconds();
        if now < record.created_at.saturating_add(self.interval) {
            return false;
        }
        let mut places = self.places.borrow_mut();
        // Not before it is needed: it is for nothing in an isolate's start, nor while all sessions are young.
        places.resize(GROUPS * GROUP, 0);
        let (name, group) = Self::group(&mut places, id);
        let is_ahead = |place: u64| now < place & SECONDS;
        if group
            .iter()
            .any(|place| place & !SECONDS == name && is_ahead(*place))
        {
            return false;
        }
        if let Some(free) = group.iter_mut().find(|place| !is_ahead(**place)) {
            *free = name | now.saturating_add(self.interval);
        }
        true
    }

    /// Takes back what [`Renewals::take`] counted, because the renewal failed; for the few of its group, too.
    fn failed(&self, id: &SessionId) {
        Self::group(&mut self.places.borrow_mut(), id).1.fill(0);
    }

    /// What names the session, and the places that it may have.
    fn group<'a>(places: &'a mut [u64], id: &SessionId) -> (u64, &'a mut [u64]) {
        // FNV-1a will do, because ids are random and nobody can choose one.
        let mut number = 0xcbf2_9ce4_8422_2325_u64;
        for byte in id.as_str().bytes() {
            number = (number ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let index = usize::try_from(number & 0xffff).unwrap_or_default() % GROUPS;
        let group = places.chunks_exact_mut(GROUP).nth(index);
        (number & !SECONDS, group.unwrap_or_default())
    }
}

impl<H: Host> SessionStore<H> {
    /// Lets a session that is in use live on, after the response, if it is due for it.
    pub fn renew_behind(
        &self,
        renewals: &Rc<Renewals>,
        id: &SessionId,
        record: &Rc<SessionRecord>,
    ) {
        let host = self.redis().host();
        if !renewals.take(id, record, host.now()) {
            return;
        }
        let (store, renewals) = (self.clone(), renewals.clone());
        let (id, record) = (id.clone(), record.clone());
        host.spawn(async move {
            // Told by the clock anew: an origin may have taken its time.
            let now = store.redis().host().now();
            if let Err(reason) = store.renew(&id, &record, now).await {
                renewals.failed(&id);
                let telemetry = store.redis().dependency().telemetry();
                Line::new(Level::Warn, telemetry.service, "renewal_failed")
                    .field("session", id.log_name().as_str())
                    .field("reason", reason.as_str())
                    .emit(store.redis().host(), telemetry.threshold);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> SessionId {
        SessionId::parse(&format!("00000000-0000-4000-8000-{number:012}")).unwrap()
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    fn record() -> SessionRecord {
        SessionRecord::example(at(0))
    }

    #[test]
    fn a_session_is_renewed_once_in_a_sixth_of_its_life() {
        let renewals = Renewals::new(3600);
        let take = |seconds| renewals.take(&id(1), &record(), at(seconds));
        assert!(!take(599), "it has just begun");
        assert!(take(600));
        assert!(!take(601));
        assert!(!take(1199));
        assert!(take(1200));
    }

    #[test]
    fn a_failed_renewal_is_tried_again_with_the_next_request() {
        let renewals = Renewals::new(3600);
        assert!(renewals.take(&id(1), &record(), at(600)));
        renewals.failed(&id(1));
        assert!(renewals.take(&id(1), &record(), at(601)));
    }

    #[test]
    fn sessions_in_use_are_each_remembered_as_long_as_there_is_room() {
        let renewals = Renewals::new(3600);
        let taken = |second| {
            let take = |number: &usize| renewals.take(&id(*number), &record(), at(second));
            (0..5000).filter(take).count()
        };
        assert_eq!(taken(600), 5000);
        assert!(taken(601) < 5, "hardly one finds all places taken");
        assert_eq!(taken(1200), 5000);
    }

    #[test]
    fn a_session_is_remembered_though_a_place_before_its_own_is_free_again() {
        let renewals = Renewals::new(3600);
        let mut places = vec![0; GROUPS * GROUP];
        let mut group = |number: &usize| Renewals::group(&mut places, &id(*number)).1.as_ptr();
        let first = group(&0);
        let second = (1..100_000).find(|number| group(number) == first).unwrap();
        assert!(renewals.take(&id(0), &record(), at(600)));
        assert!(renewals.take(&id(second), &record(), at(700)));
        assert!(!renewals.take(&id(second), &record(), at(1250)));
    }

    #[test]
    fn more_sessions_than_there_is_room_for_are_renewed_all_the_same() {
        let renewals = Renewals::new(3600);
        for number in 0..2 * GROUPS * GROUP {
            assert!(renewals.take(&id(number), &record(), at(600)));
        }
        assert_eq!(renewals.places.borrow().len(), GROUPS * GROUP);
    }
}
