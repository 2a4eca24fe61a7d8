//! All that the server remembers.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    Settings, config::Config, error::AuthError, factor::Challenge, flow::Flow, mail::Mail,
    one_time_token::OneTimeToken, provider::Profile, rate_limit::Bucket, session::Session,
    user::User,
};

/// Users, sessions and mails, with the clock they live by.
pub(super) struct State {
    settings: Settings,
    pub(super) config: Config,
    ahead: Duration,
    pub(super) users: BTreeMap<Uuid, User>,
    pub(super) sessions: BTreeMap<Uuid, Session>,
    /// How many sessions were ever opened; tells a newer one from an older.
    pub(super) opened: u64,
    /// The session of each refresh token.
    pub(super) refresh_tokens: BTreeMap<String, Uuid>,
    pub(super) one_time_tokens: Vec<OneTimeToken>,
    pub(super) challenges: Vec<Challenge>,
    /// Oldest first.
    pub(super) flows: Vec<Flow>,
    /// The codes that the provider gave out, and whose they are.
    pub(super) provider_codes: BTreeMap<String, Profile>,
    pub(super) outbox: Vec<Mail>,
    pub(super) mails_sent_at: Vec<OffsetDateTime>,
    /// By kind of request and address.
    pub(super) buckets: BTreeMap<(&'static str, String), Bucket>,
}

impl State {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            config: Config::new(&settings),
            settings,
            ahead: Duration::ZERO,
            users: BTreeMap::new(),
            sessions: BTreeMap::new(),
            opened: 0,
            refresh_tokens: BTreeMap::new(),
            one_time_tokens: Vec::new(),
            challenges: Vec::new(),
            flows: Vec::new(),
            provider_codes: BTreeMap::new(),
            outbox: Vec::new(),
            mails_sent_at: Vec::new(),
            buckets: BTreeMap::new(),
        }
    }

    /// Forgets everything.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.settings.clone());
    }

    /// The present, in whole microseconds as the real database keeps it.
    pub(super) fn now(&self) -> OffsetDateTime {
        let now = OffsetDateTime::now_utc();
        let now = now.checked_add(self.ahead).unwrap_or(now);
        now.replace_microsecond(now.microsecond()).unwrap_or(now)
    }

    pub(super) fn advance_clock(&mut self, by: Duration) {
        self.ahead = self.ahead.saturating_add(by);
    }

    /// The user with an address in lower case.
    pub(super) fn user_by_email(&self, email: &str) -> Option<&User> {
        self.users.values().find(|user| user.email == email)
    }

    /// A user that this request already met.
    pub(super) fn user(&self, id: Uuid) -> Result<&User, AuthError> {
        self.users.get(&id).ok_or_else(AuthError::lost)
    }

    /// The same, to be changed.
    pub(super) fn user_mut(&mut self, id: Uuid) -> Result<&mut User, AuthError> {
        let now = self.now();
        let user = self.users.get_mut(&id).ok_or_else(AuthError::lost)?;
        user.updated_at = now;
        Ok(user)
    }
}
