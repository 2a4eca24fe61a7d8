//! The connections to PostgreSQL: made when needed, replaced when lost.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Semaphore, time::timeout};
use tokio_postgres::Config;

use super::{
    answer::{Answer, Problem},
    request::Request,
    session::{Failure, Session},
    visitor::Visitor,
};

/// How many requests PostgreSQL has at a time; PostgREST's own default.
const CONNECTIONS: usize = 10;

/// How long a request may take, and how long it may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// A PostgreSQL server, reached when needed.
#[derive(Debug)]
pub(in crate::supabase) struct Database {
    config: Config,
    turns: Semaphore,
    idle: Mutex<Vec<Session>>,
}

impl Database {
    pub(in crate::supabase) fn new(config: Config) -> Self {
        Self {
            config,
            turns: Semaphore::new(CONNECTIONS),
            idle: Mutex::default(),
        }
    }

    /// Carries out a request.
    pub(super) async fn run(
        &self,
        visitor: &Visitor,
        request: &Request,
    ) -> Result<Answer, Problem> {
        let turn = timeout(PATIENCE, self.turns.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or_else(Problem::busy)?;
        // A connection that is given up in the middle is dropped, and so closed.
        timeout(PATIENCE, self.attempt(visitor, request))
            .await
            .unwrap_or_else(|_| Err(Problem::lost("no answer in time")))
    }

    async fn attempt(&self, visitor: &Visitor, request: &Request) -> Result<Answer, Problem> {
        loop {
            let idle = self.take();
            let was_idle = idle.is_some();
            let mut session = match idle {
                Some(session) => session,
                None => Session::connect(&self.config)
                    .await
                    .map_err(|error| Problem::no_connection(describe(&error)))?,
            };
            match session.answer(visitor, request).await {
                // The server was started anew since the connection's last request.
                Err(Failure::Lost(_)) if was_idle => {}
                Err(Failure::Lost(reason)) => return Err(Problem::lost(reason)),
                Err(Failure::Refused(problem)) => {
                    if !problem.tells_of_change() {
                        self.give_back(session);
                    }
                    return Err(problem);
                }
                Ok(answer) => {
                    self.give_back(session);
                    return Ok(answer);
                }
            }
        }
    }

    fn take(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(Session::is_open);
        idle.pop()
    }

    fn give_back(&self, session: Session) {
        if session.is_open() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(session);
        }
    }
}

/// An error with its cause: the crate's own text leaves it out.
fn describe(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
