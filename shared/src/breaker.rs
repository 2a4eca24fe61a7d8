//! A circuit breaker: a dependency that keeps failing is left alone for a while, so that nobody waits
//! for it and it can recover.
//!
//! ```text
//!            failures in a row                    the time is over
//!   closed ──────────────────────► open ◄──────┐ ─────────────────► half-open: one probe
//!      ▲                                       └───────────────────────┤
//!      └───────────────────────────────────────── it succeeds ─────────┘ it fails
//! ```
//!
//! A pure state machine, without a clock: whoever asks says when. It lives in one isolate and knows
//! what that one saw.

use core::time::Duration;

use crate::timestamp::Timestamp;

/// How long one waits for a probe before the next. One may never come back, because its client left: nobody
/// is to keep a breaker from closing that way.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Failures in a row that open it; 0 never does.
    pub failures: u32,
    /// How long it stays open before one probe.
    pub open: Duration,
}

/// A breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    settings: Settings,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Timestamp },
    HalfOpen { probe_until: Timestamp },
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Everybody may ask.
    Closed,
    /// Nobody may.
    Open,
    /// One does.
    HalfOpen,
}

/// Nobody may ask now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// That a breaker came to stand elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Where it stood.
    pub from: Standing,
    /// Where it stands.
    pub to: Standing,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            failures: 5,
            open: Duration::from_mins(1),
        }
    }
}

impl Standing {
    /// The word for log lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl Breaker {
    /// A closed one.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            state: State::Closed { failures: 0 },
        }
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        match self.state {
            State::Closed { .. } => Standing::Closed,
            State::Open { .. } => Standing::Open,
            State::HalfOpen { .. } => Standing::HalfOpen,
        }
    }

    /// The moment from which on it lets the next call through, if nothing happens until then.
    pub fn until(&self) -> Timestamp {
        match self.state {
            State::Closed { .. } => Timestamp::default(),
            State::Open { until } => until,
            State::HalfOpen { probe_until } => probe_until,
        }
    }

    /// Asks for one call at `now`. Whoever may make it tells by [`Breaker::succeeded`] or
    /// [`Breaker::failed`] what came of it.
    ///
    /// # Errors
    /// [`Refused`] while it is open, and while a probe is on its way.
    pub fn ask(&mut self, now: Timestamp) -> Result<Option<Transition>, Refused> {
        let until = match self.state {
            State::Closed { .. } => return Ok(None),
            State::Open { until } => until,
            State::HalfOpen { probe_until } => probe_until,
        };
        if now < until {
            return Err(Refused);
        }
        let probe_until = now.after(PROBE_PATIENCE);
        Ok(self.move_to(State::HalfOpen { probe_until }))
    }

    /// A call came to an answer. One that began before the breaker opened changes nothing: it says
    /// how things were.
    pub fn succeeded(&mut self) -> Option<Transition> {
        match self.state {
            State::Open { .. } => None,
            State::Closed { .. } | State::HalfOpen { .. } => {
                self.move_to(State::Closed { failures: 0 })
            }
        }
    }

    /// A call that nobody asked this breaker for came to an answer: whatever it saw is over.
    pub fn recovered(&mut self) -> Option<Transition> {
        self.move_to(State::Closed { failures: 0 })
    }

    /// A call that came to its end at `now` failed.
    pub fn failed(&mut self, now: Timestamp) -> Option<Transition> {
        let failures = match self.state {
            State::Open { .. } => return None,
            State::Closed { failures } => failures.saturating_add(1),
            State::HalfOpen { .. } => self.settings.failures,
        };
        if self.settings.failures == 0 || failures < self.settings.failures {
            return self.move_to(State::Closed { failures });
        }
        let until = now.after(self.settings.open);
        self.move_to(State::Open { until })
    }

    fn move_to(&mut self, state: State) -> Option<Transition> {
        let from = self.standing();
        self.state = state;
        let to = self.standing();
        (from != to).then_some(Transition { from, to })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: Settings = Settings {
        failures: 5,
        open: Duration::from_mins(1),
    };

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + millis)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(SETTINGS);
        for _ in 0..5 {
            breaker.failed(at(0));
        }
        breaker
    }

    #[test]
    fn transitions() {
        use Standing::{Closed, HalfOpen, Open};
        let mut breaker = Breaker::new(SETTINGS);
        for _ in 0..4 {
            assert_eq!(breaker.ask(at(0)), Ok(None));
            assert_eq!(breaker.failed(at(0)), None);
        }
        let moved = |from, to| Some(Transition { from, to });
        assert_eq!(breaker.failed(at(0)), moved(Closed, Open));
        assert!(breaker.ask(at(59_999)).is_err());
        assert_eq!(breaker.ask(at(60_000)), Ok(moved(Open, HalfOpen)));
        assert!(breaker.ask(at(60_001)).is_err(), "one probe");
        assert_eq!(breaker.failed(at(60_300)), moved(HalfOpen, Open));
        assert!(breaker.ask(at(120_299)).is_err(), "its time begins anew");
        assert_eq!(breaker.ask(at(120_300)), Ok(moved(Open, HalfOpen)));
        assert_eq!(breaker.succeeded(), moved(HalfOpen, Closed));
        assert_eq!(breaker.ask(at(120_301)), Ok(None));
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let mut breaker = Breaker::new(SETTINGS);
        for _ in 0..100 {
            (0..4).for_each(|_| assert_eq!(breaker.failed(at(0)), None));
            breaker.succeeded();
        }
        assert_eq!(breaker.standing(), Standing::Closed);
    }

    #[test]
    fn what_began_before_it_opened_does_not_close_it() {
        let mut breaker = opened();
        assert_eq!(breaker.succeeded(), None);
        assert_eq!(breaker.failed(at(30_000)), None);
        assert!(breaker.ask(at(59_999)).is_err());
        assert!(breaker.ask(at(60_000)).is_ok(), "nor keep it open");
    }

    #[test]
    fn a_probe_that_never_comes_back_makes_room_for_another() {
        let mut breaker = opened();
        assert!(breaker.ask(at(60_000)).is_ok());
        assert!(breaker.ask(at(61_999)).is_err());
        assert!(breaker.ask(at(62_000)).is_ok());
        assert!(breaker.ask(at(62_001)).is_err());
    }

    #[test]
    fn proof_that_it_is_well_closes_it_at_once() {
        let mut breaker = opened();
        assert_eq!(breaker.recovered().unwrap().to, Standing::Closed);
        assert_eq!(breaker.ask(at(1)), Ok(None));
        assert_eq!(breaker.recovered(), None);
    }

    #[test]
    fn without_a_number_of_failures_it_never_opens() {
        let mut breaker = Breaker::new(Settings {
            failures: 0,
            ..SETTINGS
        });
        for _ in 0..100 {
            assert_eq!(breaker.failed(at(0)), None);
        }
        assert_eq!(breaker.ask(at(0)), Ok(None));
    }

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Wait(u64),
        Ask,
        Succeed,
        Fail,
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = prop_oneof![
            (0_u64..40_000).prop_map(Event::Wait),
            Just(Event::Ask),
            Just(Event::Succeed),
            Just(Event::Fail),
            Just(Event::Fail),
        ];
        prop::collection::vec(event, 0..200)
    }

    proptest! {
        /// Told once more, by the whole history instead of a state.
        #[test]
        fn it_does_what_its_history_says(events in events()) {
            let mut breaker = Breaker::new(SETTINGS);
            let mut now = 0;
            // The failures in a row while closed, when it opened last, and when a probe was let go.
            let (mut row, mut opened_at, mut probe_at) = (0, None, None::<u64>);
            for event in events {
                match event {
                    Event::Wait(millis) => now += millis,
                    Event::Ask => {
                        let expected = match (opened_at, probe_at) {
                            (None, _) => true,
                            (Some(_), Some(probe)) => now >= probe + 2_000,
                            (Some(opened), None) => now >= opened + 60_000,
                        };
                        let allowed = breaker.ask(at(now));
                        prop_assert_eq!(allowed.is_ok(), expected);
                        if expected && opened_at.is_some() {
                            probe_at = Some(now);
                        }
                    }
                    Event::Succeed if opened_at.is_none() || probe_at.is_some() => {
                        (row, opened_at, probe_at) = (0, None, None);
                        breaker.succeeded();
                    }
                    Event::Succeed => prop_assert_eq!(breaker.succeeded(), None),
                    Event::Fail => {
                        row += 1;
                        if opened_at.is_none() && row >= 5 || probe_at.is_some() {
                            (row, opened_at, probe_at) = (0, Some(now), None);
                        }
                        breaker.failed(at(now));
                    }
                }
                let expected = match (opened_at, probe_at) {
                    (None, _) => Standing::Closed,
                    (Some(_), None) => Standing::Open,
                    (Some(_), Some(_)) => Standing::HalfOpen,
                };
                prop_assert_eq!(breaker.standing(), expected);
                if opened_at.is_some() { row = 0; }
            }
        }
    }
}
