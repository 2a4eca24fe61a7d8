//! The gateway of an isolate: its configuration, and what it remembers from request to request.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use authflow_shared::{dependency::Dependency, host::Random, redirect::Origin, sorted::Sorted};

use crate::{
    assertion::Assertions, config::Config, limits::Limits, remembered::Seed,
    session_cache::SessionCache, signin_page::Checks,
};

/// See the module. Whatever is remembered is bounded, and an isolate may forget it at any time.
#[derive(Debug)]
pub struct Gateway {
    /// Its configuration.
    pub config: Config,
    pub(crate) sessions: RefCell<SessionCache>,
    pub(crate) limits: RefCell<Limits>,
    pub(crate) assertions: RefCell<Assertions>,
    pub(crate) signin_checks: RefCell<Checks>,
    /// How many requests went to a route of several origins; they take turns.
    pub(crate) turn: Cell<usize>,
    /// What is known of each origin of a route.
    origins: RefCell<Sorted<Rc<Dependency>>>,
}

impl Gateway {
    /// A gateway under `config`, in an isolate with the randomness of `source`.
    pub fn new(config: Config, source: &impl Random) -> Self {
        let seed = Seed::random(source);
        let sessions = SessionCache::new(config.session_cache, seed);
        Self {
            config,
            sessions: RefCell::new(sessions),
            limits: RefCell::new(Limits::new(seed)),
            assertions: RefCell::new(Assertions::new(seed)),
            signin_checks: RefCell::default(),
            turn: Cell::default(),
            origins: RefCell::default(),
        }
    }

    /// What is known of `origin`.
    pub(crate) fn origin(&self, origin: &Origin) -> Rc<Dependency> {
        let mut origins = self.origins.borrow_mut();
        if let Some(known) = origins.get(origin.as_str()) {
            return known.clone();
        }
        let common = &self.config.common;
        let dependency = Dependency::origin(origin.as_str(), common.breaker, &common.telemetry);
        origins.insert(origin.as_str().to_owned(), dependency.clone());
        dependency
    }
}
