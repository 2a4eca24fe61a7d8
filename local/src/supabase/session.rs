//! Sessions, their refresh tokens, and the answer that hands both out.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{error::AuthError, jwt, random, state::State, user::Seen};

/// How long an access token lasts, in seconds.
pub(super) const ACCESS_TOKEN_SECONDS: i64 = 3600;

/// One sign-in of a user.
pub(super) struct Session {
    pub(super) user_id: Uuid,
    /// Higher than that of every session opened before.
    pub(super) number: u64,
    pub(super) created_at: OffsetDateTime,
    pub(super) refreshed_at: OffsetDateTime,
    /// How the user signed in: `password` or `otp`.
    pub(super) method: &'static str,
    /// Oldest first.
    pub(super) refresh_tokens: Vec<RefreshToken>,
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
            method,
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
            "aal": "aal1",
            "amr": [{"method": session.method, "timestamp": session.created_at.unix_timestamp()}],
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

impl Issued {
    /// The session as JSON, with the user and what else the grant adds.
    pub(super) fn answer(
        &self,
        state: &State,
        seen: Seen,
        extra: Map<String, Value>,
    ) -> Result<Response, AuthError> {
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
        let mut response = Json(body).into_response();
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
