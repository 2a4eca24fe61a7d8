//! `POST /token?grant_type=refresh_token`: rotation, and what the reuse of an old token does.

use axum::{http::HeaderValue, response::Response};
use serde_json::Map;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    call::Call,
    config::Config,
    error::AuthError,
    params::Params,
    session::{RefreshToken, Session},
    state::State,
    user::Seen,
};

/// What a refresh token is worth.
enum Exchange {
    /// A new token, and the old one is revoked.
    New,
    /// The active token once more: the old one is its parent, whose answer may have been lost.
    Same(String),
    /// Nothing: it was used before.
    Refused,
}

/// Exchanges a refresh token for a new one and an access token.
pub(super) fn refresh(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    let token = Params::read(call, "RefreshTokenGrantParams")?.text("refresh_token")?;
    let is_well_formed = token.len() == 12
        && token
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !is_well_formed {
        return Err(AuthError::validation("Refresh token is not valid"));
    }
    let unknown = || {
        let message = "Invalid Refresh Token: Refresh Token Not Found";
        AuthError::new(400, "refresh_token_not_found", message)
    };
    let session_id = *state.refresh_tokens.get(&token).ok_or_else(unknown)?;
    let session = state.sessions.get(&session_id).ok_or_else(unknown)?;
    let user_id = session.user_id;
    let now = state.now();
    if state.user(user_id)?.is_banned(now) {
        let message = "Invalid Refresh Token: User Banned";
        return Err(
            AuthError::new(400, "user_banned", message).with_header("sb-auth-user-id", user_id)
        );
    }
    let named = |error: AuthError| {
        error
            .with_header("sb-auth-user-id", user_id)
            .with_header("sb-auth-session-id", session_id)
    };
    check_age(state, session).map_err(named)?;

    let exchange = session.exchange(&token, &state.config, now);
    let session = state
        .sessions
        .get_mut(&session_id)
        .ok_or_else(AuthError::lost)?;
    let refresh_token = match exchange {
        Exchange::Same(active) => active,
        Exchange::New => {
            session.refreshed_at = now;
            session.revoke(now, |old| old.token == token);
            return renew(state, session_id, token);
        }
        Exchange::Refused => {
            if state.config.refresh_token_rotation {
                session.revoke(now, |_| true);
            }
            let message = "Invalid Refresh Token: Already Used";
            return Err(named(AuthError::new(
                400,
                "refresh_token_already_used",
                message,
            )));
        }
    };
    state
        .issue(session_id, refresh_token)?
        .answer(state, Seen::Known, Map::new())
}

fn renew(state: &mut State, session_id: Uuid, parent: String) -> Result<Response, AuthError> {
    let token = state.add_refresh_token(session_id, Some(parent))?;
    let mut response = state
        .issue(session_id, token)?
        .answer(state, Seen::Known, Map::new())?;
    let reused = HeaderValue::from_static("false");
    response
        .headers_mut()
        .insert("sb-auth-refresh-token-reuse", reused);
    Ok(response)
}

/// Refuses a session that is too old, was idle for too long, or is not the user's newest.
fn check_age(state: &State, session: &Session) -> Result<(), AuthError> {
    let config = &state.config;
    let outlived = |since: OffsetDateTime, limit: i64| {
        limit > 0 && state.now() - since > Duration::seconds(limit)
    };
    let newer_exists = || {
        state
            .sessions
            .values()
            .any(|other| other.user_id == session.user_id && other.number > session.number)
    };
    let detail = if outlived(session.created_at, config.session_timebox_seconds) {
        ""
    } else if outlived(session.refreshed_at, config.session_inactivity_seconds) {
        " (Inactivity)"
    } else if config.single_session && newer_exists() {
        " (Revoked by Newer Login)"
    } else {
        return Ok(());
    };
    let message = format!("Invalid Refresh Token: Session Expired{detail}");
    Err(AuthError::new(400, "session_expired", message))
}

impl Session {
    fn exchange(&self, token: &str, config: &Config, now: OffsetDateTime) -> Exchange {
        let Some(given) = self
            .refresh_tokens
            .iter()
            .find(|known| known.token == token)
        else {
            return Exchange::Refused;
        };
        let Some(revoked_at) = given.revoked_at else {
            return Exchange::New;
        };
        let active = self
            .refresh_tokens
            .iter()
            .rfind(|known| known.revoked_at.is_none());
        if let Some(active) = active
            && active.parent.as_deref() == Some(token)
        {
            return Exchange::Same(active.token.clone());
        }
        let interval = Duration::seconds(config.refresh_reuse_interval_seconds);
        if interval.is_positive() && now - revoked_at <= interval {
            return Exchange::New;
        }
        Exchange::Refused
    }

    fn revoke(&mut self, now: OffsetDateTime, chosen: impl Fn(&RefreshToken) -> bool) {
        for token in self.refresh_tokens.iter_mut().filter(|token| chosen(token)) {
            token.revoked_at.get_or_insert(now);
        }
    }
}
