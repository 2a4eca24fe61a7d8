//! Flows that leave the server and come back with a code: sign-in at a provider, and links of mails
//! in a PKCE flow.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{error::AuthError, pkce::CodeChallenge, state::State};

/// How long a flow may take.
const FLOW_LIFE: Duration = Duration::seconds(300);

/// One flow on its way.
#[derive(Clone)]
pub(super) struct Flow {
    /// The `state` at a provider.
    pub(super) id: Uuid,
    /// What is exchanged for a session at the end.
    pub(super) code: Uuid,
    /// None for an implicit flow, which ends without a code.
    pub(super) challenge: Option<CodeChallenge>,
    /// The name in a token's `amr`.
    pub(super) method: &'static str,
    /// Known from the beginning if a mail is on its way, later if a provider is to say.
    pub(super) user_id: Option<Uuid>,
    pub(super) created_at: OffsetDateTime,
    /// When the code was given out.
    pub(super) issued_at: Option<OffsetDateTime>,
    pub(super) errand: Option<Errand>,
}

/// What a flow does at a provider.
#[derive(Clone)]
pub(super) struct Errand {
    pub(super) provider: String,
    /// Where the browser goes on to.
    pub(super) target: String,
    /// The user who wants to add an identity; none to sign in.
    pub(super) linking: Option<Uuid>,
    /// What opens the provider's own interface.
    pub(super) provider_token: String,
}

impl Flow {
    pub(super) fn new(
        method: &'static str,
        challenge: Option<CodeChallenge>,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            id: Uuid::new_v4(),
            code: Uuid::new_v4(),
            challenge,
            method,
            user_id: None,
            created_at: now,
            issued_at: None,
            errand: None,
        }
    }

    /// The time counts from the beginning, or for a magic link from the click.
    pub(super) fn is_expired(&self, now: OffsetDateTime) -> bool {
        let since = match self.issued_at {
            Some(issued_at) if self.method == "magiclink" => issued_at,
            _ => self.created_at,
        };
        since + FLOW_LIFE < now
    }
}

impl State {
    /// Gives out the code of a user's newest flow by `method`, whose mail was just opened.
    pub(super) fn issue_code(&mut self, user_id: Uuid, method: &str) -> Result<Uuid, AuthError> {
        let now = self.now();
        let mut flows = self.flows.iter_mut();
        let flow = flows.rfind(|flow| flow.user_id == Some(user_id) && flow.method == method);
        let flow = flow.ok_or_else(|| {
            let message = "No valid flow state found for user.";
            AuthError::new(422, "flow_state_not_found", message)
        })?;
        flow.issued_at = Some(now);
        Ok(flow.code)
    }
}
