//! Makes a session of ours from one at Supabase: the last step of every way to sign in.

use authflow_shared::{
    cookie,
    host::Host,
    json::Object,
    secret::Secret,
    session::{
        SessionId, SessionRecord, SessionToken,
        record::{Identity, SealedTokens},
        store::NewSession,
    },
    supabase::Session,
    timestamp::Timestamp,
};

use crate::{device_label, exchange::Exchange, failure::Failure, profile, response::Response};

/// A session that has just begun.
#[derive(Debug)]
pub(crate) struct Opened {
    id: SessionId,
    token: SessionToken,
    user_id: String,
    profile: Object,
    expires_at: Timestamp,
    cookie: String,
}

/// Makes the session, and ends the one that the request presents.
///
/// # Errors
/// [`Failure`] if it is not certain that the session exists: its token must not leave then.
pub(crate) async fn open<H: Host>(
    exchange: &Exchange<'_, H>,
    session: Session,
) -> Result<Opened, Failure> {
    // (1) A password alone does not open an account that has a second factor.
    if session.needs_second_factor() {
        discard(exchange, session.access_token);
        return Err(Failure::mfa_required());
    }

    // (2) A new id, always: an id that somebody planted before the sign-in is worth nothing.
    let config = exchange.config;
    let now = exchange.host.now();
    let id = SessionId::random(exchange.host).map_err(|_| Failure::no_randomness())?;
    let aal = session.aal().to_owned();
    let access_token = session.access_token.clone();
    let sealed = SealedTokens {
        access_token: config.fernet.seal(&session.access_token, now),
        refresh_token: config.fernet.seal(&session.refresh_token, now),
    };
    let user = session.user;
    let identity = Identity {
        user_id: user.id.clone(),
        email: user.email.to_ascii_lowercase(),
        role: user.role.clone(),
        aal,
    };
    let fingerprinter = &config.common.fingerprinter;
    let device = exchange.device();
    let record = SessionRecord::new(
        identity,
        now,
        config.common.lifetimes.session_max,
        fingerprinter.of(&device),
        fingerprinter.factors_of(&device),
        sealed,
    );

    // (3) One transaction. A token that is not certain to open anything does not leave.
    let user_id = user.id.clone();
    let profile = profile::of_user(user);
    let new = NewSession {
        id: &id,
        record: &record,
        device_label: &device_label::of(device.user_agent),
        profile: &profile.to_json(),
        replaces: exchange.session.as_ref(),
    };
    if let Err(reason) = exchange.store().create(&new, now).await {
        discard(exchange, access_token);
        return Err(Failure::store_unavailable(reason));
    }
    let token = config.common.token_keys.sign(&id);
    let cookie = cookie::set(&token, config.common.lifetimes.session_max);
    Ok(Opened {
        id,
        token,
        user_id,
        profile,
        expires_at: Timestamp::from_seconds(record.expires_at),
        cookie,
    })
}

/// Ends a session at Supabase that nobody will use.
fn discard<H: Host>(exchange: &Exchange<'_, H>, access_token: Secret) {
    let supabase = exchange.supabase();
    exchange.afterwards("supabase_logout_failed", async move {
        let ended = supabase.sign_out(&access_token).await;
        ended.map_err(|error| error.as_str().to_owned())
    });
}

impl Opened {
    /// The answer for a program.
    pub(crate) fn into_json(mut self, status: u16) -> Response {
        let body = Object::new()
            .with("session_id", self.id.as_str())
            .with("session_token", self.token.expose())
            .with("expires_at", self.expires_at.to_string())
            .with("user", core::mem::take(&mut self.profile));
        let response = Response::json(status, "signed_in", &body);
        self.hand_out(response)
    }

    /// The answer for a browser, which is sent on to `location`.
    pub(crate) fn into_redirect(self, location: String) -> Response {
        self.hand_out(Response::see_other(location, "signed_in"))
    }

    fn hand_out(self, response: Response) -> Response {
        response
            .of_user(&self.user_id)
            .of_session(&self.id)
            .header("set-cookie", self.cookie)
    }
}
