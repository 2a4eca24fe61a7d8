//! The link of a mail for a forgotten password.
//!
//! Supabase takes the link's token once, for a session that may set a password. That session is
//! kept, sealed and under the token's hash, for ten minutes from then on: so a password that is
//! refused as weak does not use up the link.
//!
//! Two systems change, and nothing makes them one. The password changes first; then every session
//! of the user ends. If the second fails, the answer is 503, and the same link with the same
//! password goes on where it stopped: what is about to be set is noted before, so that Supabase's
//! `same_password` is told apart from a person who typed the old one.

use core::time::Duration;

use authflow_shared::{
    hex,
    host::Host,
    json::{Object, Value},
    log::{Level, Line},
    secret::Secret,
    supabase::{AuthError, Session, account::Change},
};
use sha2::{Digest, Sha256};

use crate::{
    config::SERVICE,
    end_session,
    exchange::Exchange,
    failure::Failure,
    one_time::{self, Kind},
    open_session::discard,
    second_factor::{self, Choice, Given, Unraised},
};

/// A new password, and what allows it.
#[derive(Debug)]
pub(crate) struct Reset {
    pub(crate) token_hash: Secret,
    pub(crate) password: Secret,
    /// The code of a second factor.
    pub(crate) given: Option<Given>,
}

/// The recovery session behind a link.
struct Recovery {
    access_token: Secret,
    user_id: String,
    /// The factors of which one must be given first; none where that has been done.
    factors: Vec<Choice>,
    /// The trace of the password that was about to be set when this was kept.
    about_to_set: Option<String>,
}

/// Sets the password, and ends every session of the user, whose id it gives.
///
/// # Errors
/// `link_expired`, also for all but one of those who use a link at the same time. Whatever else goes
/// wrong, the link can be used again.
pub(crate) async fn redeem<H: Host>(
    exchange: &Exchange<'_, H>,
    reset: &Reset,
) -> Result<String, Failure> {
    // (1) One at a time.
    let link = reset.token_hash.expose();
    let in_use = in_use(exchange.config.supabase.timeout);
    let Some(claim) = exchange.claim(in_use, link).await? else {
        return Err(Failure::link_expired());
    };
    let done = redeem_alone(exchange, reset).await;
    match done {
        // (2) Used up. Whoever uses it at the same time still finds it claimed. What stays of it
        // is worth nothing: its session has ended.
        Ok(user_id) => {
            if let Err(failure) = exchange.forget(one_time::RESET, link).await {
                Line::new(Level::Warn, SERVICE, "reset_link_not_forgotten")
                    .maybe("cause", failure.cause.as_deref())
                    .emit(exchange.host, exchange.config.common.log_level);
            }
            Ok(user_id)
        }
        // (3) Free again; where that cannot be done, once the claim has run out.
        Err(failure) => match exchange.give_up(&claim).await {
            Ok(()) => Err(failure),
            Err(unreleased) => Err(unreleased.retry_in(in_use.seconds())),
        },
    }
}

/// The claim of a link in use, which outlives the use: Supabase is asked four times at most, and Redis in between.
fn in_use(supabase_timeout: Duration) -> Kind {
    let seconds = supabase_timeout.saturating_mul(4).as_secs();
    one_time::RESET_IN_USE.at_least(seconds.saturating_add(10))
}

async fn redeem_alone<H: Host>(
    exchange: &Exchange<'_, H>,
    reset: &Reset,
) -> Result<String, Failure> {
    // (1) The session that may do it.
    let mut recovery = recovery(exchange, &reset.token_hash).await?;

    // (2) The second factor, before anything is changed.
    if !recovery.factors.is_empty() {
        let Some(given) = &reset.given else {
            return Err(Failure::code_missing(&recovery.factors));
        };
        let session = second_factor::raise(exchange, &recovery.unraised(), given).await?;
        recovery.access_token = session.access_token;
        recovery.factors = Vec::new();
    }

    // (3) What is about to be done is noted, so that it can be gone on with.
    let trace = trace(reset);
    let goes_on = recovery.about_to_set.replace(trace.clone()) == Some(trace);
    if !keep_on(exchange, &reset.token_hash, &recovery).await? {
        return Err(Failure::link_expired());
    }

    // (4) The password.
    let change = Change::Password {
        new: &reset.password,
        current: None,
    };
    let supabase = exchange.supabase();
    match supabase.change(&recovery.access_token, change).await {
        Ok(_) => {}
        Err(AuthError::SamePassword) if goes_on => {}
        Err(error) => {
            if !matches!(error, AuthError::Unavailable(_)) {
                recovery.about_to_set = None;
                // A link whose time is over meanwhile says so when it is used again.
                keep_on(exchange, &reset.token_hash, &recovery).await?;
            }
            return Err(match error {
                AuthError::SessionEnded | AuthError::UserNotFound => Failure::link_expired(),
                error => Failure::from_supabase(&error),
            });
        }
    }

    exchange.audit("password_reset", &recovery.user_id, None);

    // (5) Everybody who is signed in with the old one.
    end_session::end_all(exchange, &recovery.user_id, None).await?;
    discard(exchange, recovery.access_token);
    Ok(recovery.user_id)
}

/// The kept session of a link, or a new one.
async fn recovery<H: Host>(
    exchange: &Exchange<'_, H>,
    token_hash: &Secret,
) -> Result<Recovery, Failure> {
    let kept = exchange
        .look_at(one_time::RESET, token_hash.expose())
        .await?;
    if let Some(recovery) = kept.and_then(Recovery::read) {
        return Ok(recovery);
    }
    let session = match exchange.supabase().verify(token_hash, "recovery").await {
        Ok(session) => session,
        // A token that Supabase cannot read was never one of a mail.
        Err(AuthError::Rejected(code)) if code == "validation_failed" => {
            return Err(Failure::link_expired());
        }
        Err(error) => return Err(Failure::from_supabase(&error)),
    };
    let recovery = Recovery::of(session);
    let value = recovery.to_object();
    exchange
        .keep(one_time::RESET, token_hash.expose(), &value)
        .await?;
    Ok(recovery)
}

/// Keeps `recovery` in place of what was kept, until the ten minutes are over; gives whether they are not.
async fn keep_on<H: Host>(
    exchange: &Exchange<'_, H>,
    token_hash: &Secret,
    recovery: &Recovery,
) -> Result<bool, Failure> {
    let value = recovery.to_object();
    exchange
        .keep_on(one_time::RESET, token_hash.expose(), &value)
        .await
}

/// What tells one password from another for as long as the link lives, and is worth nothing without
/// it.
fn trace(reset: &Reset) -> String {
    let both = [reset.token_hash.expose(), reset.password.expose()].join("\n");
    hex::encode(&Sha256::digest(both))
}

impl Recovery {
    fn of(session: Session) -> Self {
        let factors = if session.needs_second_factor() {
            Choice::among(&session.user.factors)
        } else {
            Vec::new()
        };
        Self {
            access_token: session.access_token,
            user_id: session.user.id,
            factors,
            about_to_set: None,
        }
    }

    fn read(mut kept: Object) -> Option<Self> {
        Some(Self {
            access_token: Secret::new(kept.text("access_token")?),
            user_id: kept.text("user_id")?,
            factors: Choice::read_list(kept.list("factors")?)?,
            about_to_set: kept.text("about_to_set"),
        })
    }

    fn unraised(&self) -> Unraised {
        Unraised {
            access_token: self.access_token.clone(),
            user_id: self.user_id.clone(),
            factors: self.factors.clone(),
        }
    }

    fn to_object(&self) -> Object {
        let factors: Vec<Value> = Choice::list(&self.factors);
        Object::new()
            .with("access_token", self.access_token.expose())
            .with("user_id", self.user_id.as_str())
            .with("factors", factors)
            .maybe("about_to_set", self.about_to_set.as_deref())
    }
}

/// The factors that a link's owner has to give one of; reads the mail's token, and so uses it up,
/// but keeps what it leads to.
pub(crate) async fn factors<H: Host>(
    exchange: &Exchange<'_, H>,
    token_hash: &Secret,
) -> Result<Vec<Choice>, Failure> {
    Ok(recovery(exchange, token_hash).await?.factors)
}

/// The session of a link that has been used and asked for a code.
///
/// # Errors
/// `link_expired` if there is none.
pub(crate) async fn asked_for_code<H: Host>(
    exchange: &Exchange<'_, H>,
    token_hash: &Secret,
) -> Result<Unraised, Failure> {
    let kept = exchange
        .look_at(one_time::RESET, token_hash.expose())
        .await?;
    let recovery = kept.and_then(Recovery::read);
    recovery
        .map(|recovery| recovery.unraised())
        .ok_or_else(Failure::link_expired)
}
