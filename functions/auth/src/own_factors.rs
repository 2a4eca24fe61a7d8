//! The second factors of somebody who is signed in: given to raise the session, enrolled and
//! removed.
//!
//! What may be done is decided by the level of our own session, before Supabase is asked: its
//! session may have been raised by another of ours since, and then its tokens are worth more than
//! the person proved here.

use authflow_shared::{
    host::Host,
    secret::Secret,
    supabase::{
        AuthError, Factor,
        factors::{NewFactor, TotpSecret},
    },
};

use crate::{
    change_password,
    exchange::Exchange,
    failure::Failure,
    open_session::{self, Opened, Opening},
    second_factor::{self, Choice, Given, Unraised},
    signed_in::{self, SignedIn},
};

/// Somebody who is signed in, and all their factors, verified or not.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) signed_in: SignedIn,
    access_token: Secret,
    factors: Vec<Factor>,
    email: String,
    has_password: bool,
}

/// A factor to be enrolled.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// What the user calls it.
    pub(crate) name: Option<String>,
    /// The number of a phone, in E.164; none for an app.
    pub(crate) phone: Option<String>,
    /// The present password.
    pub(crate) current: Option<Secret>,
}

/// A factor that waits for its first code.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) factor: Choice,
    /// What an app is given.
    pub(crate) totp: Option<TotpSecret>,
}

/// Who asks.
///
/// # Errors
/// `no_session`, also where Supabase has ended its session because another one was raised.
pub(crate) async fn owner<H: Host>(exchange: &Exchange<'_, H>) -> Result<Owner, Failure> {
    let signed_in = signed_in::require(exchange).await?;
    let access_token = signed_in::tokens(exchange, &signed_in).await?.access_token;
    let user = signed_in::user(exchange, &signed_in, &access_token).await?;
    Ok(Owner {
        signed_in,
        access_token,
        email: user.email.to_ascii_lowercase(),
        has_password: user.has_password(),
        factors: user.factors,
    })
}

impl Owner {
    /// Whether the second factor was given in this session.
    pub(crate) fn is_raised(&self) -> bool {
        self.signed_in.record.aal == "aal2"
    }

    /// Whether the first factor takes the password, where there is one: with nothing but a stolen
    /// session, nobody may lock its owner out.
    pub(crate) fn needs_password(&self) -> bool {
        self.has_password && self.verified().is_empty()
    }

    /// The factors that may be given.
    pub(crate) fn verified(&self) -> Vec<Choice> {
        Choice::among(&self.factors)
    }

    /// The session with the verified factors, of which one raises it.
    pub(crate) fn unraised(&self) -> Unraised {
        self.with_factors(self.verified())
    }

    /// The same with all factors: the first code of one that waits for it raises the session too.
    pub(crate) fn with_all_factors(&self) -> Unraised {
        self.with_factors(self.factors.iter().map(Choice::of).collect())
    }

    /// The same with a factor that was begun just now.
    pub(crate) fn with_new(&self, begun: &Begun) -> Unraised {
        self.with_factors(vec![begun.factor.clone()])
    }

    fn with_factors(&self, factors: Vec<Choice>) -> Unraised {
        Unraised {
            access_token: self.access_token.clone(),
            user_id: self.signed_in.user_id().to_owned(),
            factors,
        }
    }

    /// Nobody changes the factors of an account that has some without giving one.
    fn require_raised(&self) -> Result<(), Failure> {
        if self.is_raised() || self.verified().is_empty() {
            return Ok(());
        }
        Err(Failure::step_up_required())
    }

    fn factor(&self, id: &str) -> Result<&Factor, Failure> {
        let mut factors = self.factors.iter();
        factors
            .find(|factor| factor.id == id)
            .ok_or_else(Failure::not_found)
    }

    /// `name`, with a number if another factor that counts has it.
    fn free_name(&self, name: &str) -> String {
        let is_free = |name: &String| {
            let mut verified = self.factors.iter().filter(|factor| factor.is_verified());
            !verified.any(|factor| factor.friendly_name == *name)
        };
        let numbered = (2..).map(|number| format!("{name} {number}"));
        let mut names = core::iter::once(name.to_owned()).chain(numbered);
        names.find(is_free).unwrap_or_default()
    }
}

/// Raises the session: it goes on under a new id, and ends when it would have.
///
/// # Errors
/// [`Failure`]; the session is what it was then.
pub(crate) async fn step_up<H: Host>(
    exchange: &Exchange<'_, H>,
    owner: &Owner,
    given: &Given,
) -> Result<Opened, Failure> {
    let session = second_factor::raise(exchange, &owner.unraised(), given).await?;
    open_session::open(exchange, session, Opening::Raised(&owner.signed_in)).await
}

/// Enrols a factor, which counts once its first code was given. Without a name it is called
/// `default`.
///
/// # Errors
/// `step_up_required` if there is a verified one and none was given in this session;
/// `validation_failed` if there is none, and the password is missing or wrong.
pub(crate) async fn enroll<H: Host>(
    exchange: &Exchange<'_, H>,
    owner: &Owner,
    wanted: &Wanted,
    default: &str,
) -> Result<Begun, Failure> {
    // (1) What the operator offers. Who has nothing but a session does not change how its owner signs in.
    if wanted.phone.is_some() && !exchange.config.pages.offers_phones {
        return Err(Failure::factor_not_offered());
    }
    owner.require_raised()?;
    if owner.needs_password() {
        let current = wanted.current.as_ref();
        let current = current.ok_or_else(Failure::current_password_missing)?;
        change_password::check(exchange, &owner.email, current).await?;
    }

    let supabase = exchange.supabase();
    let token = &owner.access_token;
    let name = match &wanted.name {
        Some(name) => name.clone(),
        None => owner.free_name(default),
    };

    // (2) One that was begun and left makes room: its secret is not shown again.
    let of_name = |factor: &&Factor| factor.friendly_name == name && !factor.is_verified();
    for stale in owner.factors.iter().filter(of_name) {
        match supabase.unenroll(token, &stale.id).await {
            Ok(()) => {}
            Err(AuthError::Rejected(code)) if code == "mfa_factor_not_found" => {}
            Err(error) => return Err(Failure::from_factor_change(&error)),
        }
    }

    // (3) The new one.
    let new = match &wanted.phone {
        Some(phone) => NewFactor::Phone { phone },
        None => NewFactor::Totp {
            issuer: exchange.config.pages.brand_name(),
        },
    };
    let enrolled = supabase.enroll(token, new, &name).await;
    let enrolled = enrolled.map_err(|error| Failure::from_factor_change(&error))?;
    let kind = if wanted.phone.is_some() {
        "phone"
    } else {
        "totp"
    };
    Ok(Begun {
        factor: Choice {
            id: enrolled.id,
            kind: kind.to_owned(),
            name,
        },
        totp: enrolled.totp,
    })
}

/// Takes the first code of a factor: from now on the factor counts, and this session is raised.
///
/// # Errors
/// `not_found` if there is no such factor; `step_up_required` as [`enroll`].
pub(crate) async fn verify<H: Host>(
    exchange: &Exchange<'_, H>,
    owner: &Owner,
    given: &Given,
) -> Result<Opened, Failure> {
    // One that counts already raises the session like any other code of it.
    let is_new = !owner.factor(&given.factor_id)?.is_verified();
    if is_new {
        owner.require_raised()?;
    }
    let session = second_factor::raise(exchange, &owner.with_all_factors(), given).await?;
    if is_new {
        exchange.audit("factor_enrolled", owner.signed_in.user_id(), None);
    }
    open_session::open(exchange, session, Opening::Raised(&owner.signed_in)).await
}

/// Removes a factor. With a verified one, no session of the user counts as raised any more: whoever
/// has the phone that was lost may have raised one.
///
/// # Errors
/// `not_found` if there is no such factor; `step_up_required` if a verified one is to go and none
/// was given in this session. A `store_unavailable` that comes after the factor has gone says so.
pub(crate) async fn remove<H: Host>(
    exchange: &Exchange<'_, H>,
    owner: &Owner,
    factor_id: &str,
) -> Result<(), Failure> {
    let counts = owner.factor(factor_id)?.is_verified();
    if counts {
        owner.require_raised()?;
        // The others first: if that fails, nothing has happened, and it can be tried again.
        lower_others(exchange, &owner.signed_in).await?;
    }
    let supabase = exchange.supabase();
    let removed = supabase.unenroll(&owner.access_token, factor_id).await;
    removed.map_err(|error| Failure::from_factor_change(&error))?;
    if counts {
        exchange.audit("factor_removed", owner.signed_in.user_id(), None);
        lower_all(exchange, &owner.signed_in)
            .await
            .map_err(Failure::after_factor_removal)?;
    }
    Ok(())
}

/// Lowers those that the factor raised while it was going, and one's own last.
async fn lower_all<H: Host>(
    exchange: &Exchange<'_, H>,
    signed_in: &SignedIn,
) -> Result<(), Failure> {
    let store = exchange.store();
    let noted = store.note_lowering(signed_in.user_id(), exchange.host.now());
    noted.await.map_err(Failure::store_unavailable)?;
    lower_others(exchange, signed_in).await?;
    let lowered = store.lower(&signed_in.id).await;
    lowered.map_err(Failure::store_unavailable)
}

async fn lower_others<H: Host>(
    exchange: &Exchange<'_, H>,
    signed_in: &SignedIn,
) -> Result<(), Failure> {
    let store = exchange.store();
    let sessions = store.list(signed_in.user_id(), exchange.host.now()).await;
    for session in sessions.map_err(Failure::store_unavailable)? {
        if session.id != signed_in.id && session.record.aal != "aal1" {
            let lowered = store.lower(&session.id).await;
            lowered.map_err(Failure::store_unavailable)?;
        }
    }
    Ok(())
}
