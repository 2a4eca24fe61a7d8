//! Sessions, their refresh tokens, and the answer that hands both out.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{error::AuthError, factor::Factor, jwt, random, state::State, user::Seen};

/// How long an access token lasts, in seconds.
pub(super) const ACCESS_TOKEN_SECONDS: i64 = 3600;

/// One sign-in of a user.
pub(super) struct Session {
    pub(super) user_id: Uuid,
    /// Higher than that of every session opened before.
    pub(super) number: u64,
    pub(super) created_at: OffsetDateTime,
    pub(super) refreshed_at: OffsetDateTime,
    /// What the user proved, in the order of time.
    pub(super) proofs: Vec<Proof>,
    /// Oldest first.
    pub(super) refresh_tokens: Vec<RefreshToken>,
}

/// One way in which a user proved to be one: an entry of a token's `amr`.
pub(super) struct Proof {
    pub(super) method: &'static str,
    given_at: OffsetDateTime,
    /// The second factor that gave it.
    factor_id: Option<Uuid>,
}

pub(super) struct RefreshToken {
    pub(super) token: String,
    /// The token it was exchanged for.
    pub(super) parent: Option<String>,
    pub(super) revoked_at: Option<OffsetDateTime>,
}

/// What a client gets to act for a session.
pub(super) struct Issued {
    user_id: Uuid,
    session_id: Uuid,
    pub(super) access_token: String,
    pub(super) refresh_token: String,
    pub(super) expires_at: i64,
}

impl State {
    /// Opens a session for a user who proved to be one by `method`.
    pub(super) fn open_session(
        &mut self,
        user_id: Uuid,
        method: &'static str,
    ) -> Result<Issued, AuthError> {
        let now = self.now();
        self.user_mut(user_id)?.last_sign_in_at = Some(now);
        self.opened += 1;
        let session_id = Uuid::new_v4();
        let session = Session {
            user_id,
            number: self.opened,
            created_at: now,
            refreshed_at: now,
            proofs: vec![Proof {
                method,
                given_at: now,
                factor_id: None,
            }],
            refresh_tokens: Vec::new(),
        };
        self.sessions.insert(session_id, session);
        let refresh_token = self.add_refresh_token(session_id, None)?;
        self.issue(session_id, refresh_token)
    }

    /// Adds a refresh token to a session, in exchange for `parent`.
    pub(super) fn add_refresh_token(
        &mut self,
        session_id: Uuid,
        parent: Option<String>,
    ) -> Result<String, AuthError> {
        let session = self
            .sessions
            .get_mut(&session_id)
            .ok_or_else(AuthError::lost)?;
        let token = random::refresh_token();
        session.refresh_tokens.push(RefreshToken {
            token: token.clone(),
            parent,
            revoked_at: None,
        });
        self.refresh_tokens.insert(token.clone(), session_id);
        Ok(token)
    }

    /// Signs an access token to go with a refresh token.
    pub(super) fn issue(
        &self,
        session_id: Uuid,
        refresh_token: String,
    ) -> Result<Issued, AuthError> {
        let session = self.sessions.get(&session_id).ok_or_else(AuthError::lost)?;
        let user = self.user(session.user_id)?;
        let issued_at = self.now().unix_timestamp();
        let expires_at = issued_at + ACCESS_TOKEN_SECONDS;
        let claims = json!({
            "iss": self.config.issuer,
            "sub": user.id,
            "aud": "authenticated",
            "exp": expires_at,
            "iat": issued_at,
            "email": user.email,
            "phone": "",
            "app_metadata": user.app_metadata,
            "user_metadata": user.user_metadata,
            "role": user.role,
            "aal": if session.is_aal2() { "aal2" } else { "aal1" },
            "amr": session.amr(),
            "session_id": session_id,
            "is_anonymous": false,
        });
        let access_token = jwt::sign(&claims, &self.config.jwt_secret);
        Ok(Issued {
            user_id: user.id,
            session_id,
            access_token,
            refresh_token,
            expires_at,
        })
    }

    /// Ends the sessions of a user that `ended` chooses, and their refresh tokens with them.
    pub(super) fn end_sessions(&mut self, user_id: Uuid, ended: impl Fn(Uuid) -> bool) {
        self.sessions
            .retain(|id, session| session.user_id != user_id || !ended(*id));
        let sessions = &self.sessions;
        self.refresh_tokens
            .retain(|_, session_id| sessions.contains_key(session_id));
    }
}

impl Session {
    pub(super) fn is_aal2(&self) -> bool {
        self.proofs.iter().any(|proof| proof.factor_id.is_some())
    }

    /// Notes that a second factor was met, in place of an older proof by one of its kind.
    pub(super) fn raise(&mut self, factor: &Factor, now: OffsetDateTime) {
        let method = factor.device.method();
        self.proofs.retain(|proof| proof.method != method);
        self.proofs.push(Proof {
            method,
            given_at: now,
            factor_id: Some(factor.id),
        });
    }

    /// Takes back what a factor proved.
    pub(super) fn lower(&mut self, factor_id: Uuid) {
        self.proofs
            .retain(|proof| proof.factor_id != Some(factor_id));
    }

    /// Revokes the active refresh token, and names it.
    pub(super) fn exchange_active(&mut self, now: OffsetDateTime) -> Option<String> {
        let mut tokens = self.refresh_tokens.iter_mut();
        let active = tokens.rfind(|token| token.revoked_at.is_none())?;
        active.revoked_at = Some(now);
        Some(active.token.clone())
    }

    /// The proofs as a token shows them: newest first.
    fn amr(&self) -> Vec<Value> {
        let newest_first = self.proofs.iter().rev();
        newest_first
            .map(|proof| json!({"method": proof.method, "timestamp": proof.given_at.unix_timestamp()}))
            .collect()
    }
}

impl Issued {
    /// The session as JSON, with the user and what else the grant adds.
    pub(super) fn to_json(
        &self,
        state: &State,
        seen: Seen,
        extra: Map<String, Value>,
    ) -> Result<Value, AuthError> {
        let mut body = json!({
            "access_token": self.access_token,
            "token_type": "bearer",
            "expires_in": ACCESS_TOKEN_SECONDS,
            "expires_at": self.expires_at,
            "refresh_token": self.refresh_token,
            "user": state.user(self.user_id)?.to_json(seen),
        });
        if let Some(body) = body.as_object_mut() {
            body.extend(extra);
        }
        Ok(body)
    }

    /// The answer of most grants: the session, which the headers name, too.
    pub(super) fn answer(
        &self,
        state: &State,
        seen: Seen,
        extra: Map<String, Value>,
    ) -> Result<Response, AuthError> {
        let mut response = Json(self.to_json(state, seen, extra)?).into_response();
        self.name_in(response.headers_mut());
        Ok(response)
    }

    /// Names user, session and refresh token in the headers, as the real server does.
    pub(super) fn name_in(&self, headers: &mut HeaderMap) {
        let prefix: String = self.refresh_token.chars().take(5).collect();
        let values = [
            ("sb-auth-user-id", self.user_id.to_string()),
            ("sb-auth-session-id", self.session_id.to_string()),
            ("sb-auth-refresh-token-prefix", prefix),
        ];
        for (name, value) in values {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}
