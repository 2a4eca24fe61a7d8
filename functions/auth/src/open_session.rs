//! Makes a session of ours from one at Supabase: the last step of every way to sign in.

use authflow_shared::{
    cookie,
    host::Host,
    json::Object,
    secret::Secret,
    session::{
        SessionId, SessionRecord, SessionToken,
        create::{NewSession, NotCreated},
        record::{Identity, SealedTokens},
    },
    supabase::{AuthError, Session, auth::Scope},
    timestamp::Timestamp,
};

use crate::{
    end_session,
    exchange::Exchange,
    failure::Failure,
    new_device, profile,
    response::Response,
    second_factor::{self, Pending},
    signed_in::SignedIn,
};

/// A session that has just begun.
#[derive(Debug)]
pub(crate) struct Opened {
    id: SessionId,
    token: SessionToken,
    user_id: String,
    profile: Object,
    expires_at: Timestamp,
    cookie: Secret,
}

/// Whether an account is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It has just been made, so that no device is known yet.
    FirstTime,
    /// It was there before.
    Returning,
}

/// What a first factor leads to.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A session.
    Opened(Box<Opened>),
    /// The second factor.
    SecondFactor(Pending),
}

/// What comes after a first factor: a session, or the question for a second one.
///
/// # Errors
/// [`Failure`] if it is not certain that there is either.
pub(crate) async fn enter<H: Host>(
    exchange: &Exchange<'_, H>,
    session: Session,
    arrival: Arrival,
) -> Result<Entry, Failure> {
    enter_by(exchange, session, arrival, Opening::SignIn(arrival)).await
}

/// The same after a change that ended every session of the user at the moment `ended`.
///
/// # Errors
/// [`Failure`] if it is not certain that there is either.
pub(crate) async fn enter_after<H: Host>(
    exchange: &Exchange<'_, H>,
    session: Session,
    ended: Timestamp,
) -> Result<Entry, Failure> {
    enter_by(
        exchange,
        session,
        Arrival::Returning,
        Opening::AfterAll { ended },
    )
    .await
}

async fn enter_by<H: Host>(
    exchange: &Exchange<'_, H>,
    session: Session,
    arrival: Arrival,
    opening: Opening<'_>,
) -> Result<Entry, Failure> {
    exchange.note_user(&session.user.id);
    // A password alone does not open an account that has a second factor.
    if session.needs_second_factor() {
        let begun = second_factor::begin(exchange, &session, arrival).await;
        if begun.is_err() {
            discard(exchange, session.access_token);
        }
        return begun.map(Entry::SecondFactor);
    }
    let opened = open(exchange, session, opening).await?;
    Ok(Entry::Opened(Box::new(opened)))
}

/// Why a session begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Opening<'s> {
    /// Somebody signed in.
    SignIn(Arrival),
    /// Somebody made a change for whose sake all sessions were ended.
    AfterAll {
        /// When they were ended.
        ended: Timestamp,
    },
    /// A second factor raised this session, which ends when it would have.
    Raised(&'s SignedIn),
    /// This session goes on under a new id, as it was.
    Renewed {
        before: &'s SignedIn,
        /// When all others were ended for its sake.
        ended: Timestamp,
    },
}

/// Makes the session, and ends the one that the request presents.
///
/// # Errors
/// [`Failure`] if it is not certain that the session exists: its token must not leave then.
pub(crate) async fn open<H: Host>(
    exchange: &Exchange<'_, H>,
    session: Session,
    opening: Opening<'_>,
) -> Result<Opened, Failure> {
    // (1) A new id, always: an id that somebody planted before the sign-in is worth nothing.
    let config = exchange.config;
    let now = exchange.host.now();
    // Not every way to a session at Supabase looks at a lock.
    if session.user.is_locked(now) {
        discard(exchange, session.access_token);
        return Err(Failure::from_supabase(&AuthError::UserBanned));
    }
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
        role: user.access_role().to_owned(),
        aal,
    };
    let fingerprinter = &config.common.fingerprinter;
    let device = exchange.device();
    let mut record = SessionRecord::new(
        identity,
        now,
        config.common.lifetimes.session_max,
        fingerprinter.of(&device),
        fingerprinter.factors_of(&device),
        sealed,
    );

    if let Opening::Raised(before) | Opening::Renewed { before, .. } = opening {
        record.created_at = before.record.created_at;
        record.expires_at = before.record.expires_at;
    }
    if let Opening::Renewed { before, .. } = opening {
        record.aal.clone_from(&before.record.aal);
    }

    record.asked_at = match opening {
        Opening::SignIn(_) | Opening::Raised(_) => exchange.ids.started.millis(),
        Opening::Renewed { ended, .. } | Opening::AfterAll { ended } => ended.millis() + 1,
    };

    // (2) One transaction. A token that is not certain to open anything does not leave.
    let user_id = user.id.clone();
    let profile = profile::of_user(user);
    let new = NewSession {
        id: &id,
        record: &record,
        device: exchange.device_entry(),
        former_fingerprints: fingerprinter.former(&device),
        profile: &profile::to_store(&profile),
        replaces: exchange.session.as_ref(),
        goes_on: matches!(opening, Opening::Raised(_) | Opening::Renewed { .. }),
    };
    let created = match exchange.store().create(&new, now).await {
        Ok(created) => created,
        Err(reason) => {
            // The session before goes on, and has Supabase's still.
            let has_owner = !matches!(opening, Opening::SignIn(_));
            return Err(match reason {
                NotCreated::Ended => {
                    discard(exchange, access_token);
                    Failure::session_ended_meanwhile()
                }
                // Supabase's session is that of whichever went on in its place.
                NotCreated::Gone => Failure::no_session(),
                NotCreated::Unavailable(reason) => {
                    if !has_owner {
                        discard(exchange, access_token);
                    }
                    Failure::store_unavailable(reason)
                }
            });
        }
    };

    exchange.new_device.set(!created.known_device);
    // (3) Whoever signs in from a device that nobody has seen may be somebody else.
    let is_arrival = matches!(
        opening,
        Opening::SignIn(Arrival::Returning) | Opening::AfterAll { .. }
    );
    if !created.known_device && is_arrival {
        new_device::tell(exchange, &record);
    }
    let token = config.common.token_keys.sign(&id);
    let cookie = Secret::new(cookie::set(&token, config.common.lifetimes.session_max));
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
pub(crate) fn discard<H: Host>(exchange: &Exchange<'_, H>, access_token: Secret) {
    end_session::sign_out_at_supabase(exchange, access_token, Scope::Local);
}

impl Entry {
    /// The answer for a program.
    pub(crate) fn into_json(self, status: u16) -> Response {
        match self {
            Self::Opened(opened) => opened.into_json(status),
            Self::SecondFactor(pending) => pending.into_json(),
        }
    }
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
            .header("set-cookie", self.cookie.expose())
    }
}
