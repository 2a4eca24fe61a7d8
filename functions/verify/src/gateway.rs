//! The gateway of an isolate: its configuration, and what it remembers from request to request.

use core::cell::{Cell, RefCell};

use authflow_shared::rate_limit::Counter;

use crate::{
    assertion::Assertions, config::Config, limits::Limits, renewal::Renewals,
    session_cache::SessionCache,
};

/// See the module. Whatever is remembered is bounded, and an isolate may forget it at any time.
#[derive(Debug)]
pub struct Gateway {
    /// Its configuration.
    pub config: Config,
    pub(crate) sessions: RefCell<SessionCache>,
    pub(crate) renewals: RefCell<Renewals>,
    pub(crate) limits: RefCell<Limits>,
    pub(crate) counter: Counter,
    pub(crate) assertions: RefCell<Assertions>,
    /// How many requests went to a route of several origins; they take turns.
    pub(crate) turn: Cell<usize>,
}

impl Gateway {
    /// A gateway under `config`.
    pub fn new(config: Config) -> Self {
        let sessions = RefCell::new(SessionCache::new(config.session_cache));
        let renewals = RefCell::new(Renewals::new(config.common.lifetimes.session));
        Self {
            config,
            sessions,
            renewals,
            limits: RefCell::default(),
            counter: Counter::default(),
            assertions: RefCell::default(),
            turn: Cell::default(),
        }
    }
}
