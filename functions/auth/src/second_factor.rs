//! Second factors: the step between the first factor and a session, and codes that count once.
//!
//! Who gave a first factor and has a verified second one gets an `mfa_token` in place of a session.
//! It names, for ten minutes, a session at Supabase that is still of level `aal1`; the right code
//! raises that one, and it becomes a session of ours. Nobody else can do anything with it.

use authflow_shared::{
    host::Host,
    json::{Object, Value},
    secret::Secret,
    supabase::{AuthError, Factor, Session},
};

use crate::{
    exchange::Exchange,
    failure::Failure,
    limits::Attempt,
    one_time,
    open_session::{self, Arrival, Opened, Opening, discard},
    response::Response,
};

/// A sign-in that waits for a code.
#[derive(Debug)]
pub(crate) struct Pending {
    /// What names it; whoever has it may try codes.
    pub(crate) token: Secret,
    /// What may be given.
    pub(crate) factors: Vec<Choice>,
    pub(crate) user_id: String,
}

/// A factor that may be given.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) id: String,
    /// As in `totp`.
    pub(crate) kind: String,
    /// What the user calls it; may be empty.
    pub(crate) name: String,
}

impl Choice {
    /// `factor`, verified or not.
    pub(crate) fn of(factor: &Factor) -> Self {
        Self {
            id: factor.id.clone(),
            kind: factor.factor_type.clone(),
            name: factor.friendly_name.clone(),
        }
    }

    /// The verified ones among `factors`.
    pub(crate) fn among(factors: &[Factor]) -> Vec<Self> {
        let verified = factors.iter().filter(|factor| factor.is_verified());
        verified.map(Self::of).collect()
    }

    /// Whether its codes are sent, and so must be asked for.
    pub(crate) fn is_phone(&self) -> bool {
        self.kind == "phone"
    }

    /// As a program is told of it.
    pub(crate) fn to_object(&self) -> Object {
        Object::new()
            .with("id", self.id.as_str())
            .with("type", self.kind.as_str())
            .with("name", self.name.as_str())
    }

    /// As a program is told of several.
    pub(crate) fn list(choices: &[Self]) -> Vec<Value> {
        let objects = choices.iter().map(Self::to_object);
        objects.map(Value::from).collect()
    }

    /// Reads what [`Choice::list`] wrote.
    pub(crate) fn read_list(list: Vec<Value>) -> Option<Vec<Self>> {
        list.into_iter().map(Self::read).collect()
    }

    fn read(value: Value) -> Option<Self> {
        let mut object = Object::from_value(value)?;
        Some(Self {
            id: object.text("id")?,
            kind: object.text("type")?,
            name: object.text("name")?,
        })
    }
}

/// A session at Supabase that a code of one of `factors` raises.
#[derive(Debug)]
pub(crate) struct Unraised {
    pub(crate) access_token: Secret,
    pub(crate) user_id: String,
    pub(crate) factors: Vec<Choice>,
}

impl Unraised {
    /// The factor `id`.
    ///
    /// # Errors
    /// `validation_failed` if it is none of these.
    pub(crate) fn factor(&self, id: &str) -> Result<&Choice, Failure> {
        let mut factors = self.factors.iter();
        factors.find(|factor| factor.id == id).ok_or_else(|| {
            let detail = "The account has no such second factor.";
            Failure::of_field("factor_id", "unknown", detail)
        })
    }
}

/// What waits behind an `mfa_token`.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) unraised: Unraised,
    pub(crate) arrival: Arrival,
}

/// Keeps a session of level `aal1` until its second factor was given.
pub(crate) async fn begin<H: Host>(
    exchange: &Exchange<'_, H>,
    session: &Session,
    arrival: Arrival,
) -> Result<Pending, Failure> {
    let token = one_time::random_name(exchange.host)?;
    let factors = Choice::among(&session.user.factors);
    let waiting = Object::new()
        .with("access_token", session.access_token.expose())
        .with("user_id", session.user.id.as_str())
        .with("first_time", arrival == Arrival::FirstTime)
        .with("factors", Choice::list(&factors));
    exchange
        .keep(one_time::SECOND_FACTOR, token.expose(), &waiting)
        .await?;
    Ok(Pending {
        token,
        factors,
        user_id: session.user.id.clone(),
    })
}

/// What waits behind `mfa_token`; it goes on waiting.
///
/// # Errors
/// `mfa_expired` if nothing does.
pub(crate) async fn waiting<H: Host>(
    exchange: &Exchange<'_, H>,
    mfa_token: &str,
) -> Result<Waiting, Failure> {
    let kept = exchange.look_at(one_time::SECOND_FACTOR, mfa_token).await?;
    let waiting = kept.and_then(Waiting::read);
    let waiting = waiting.ok_or_else(Failure::mfa_expired)?;
    exchange.note_user(&waiting.unraised.user_id);
    Ok(waiting)
}

/// Ends the wait behind `mfa_token`, for exactly one of those who ask at once.
///
/// # Errors
/// `mfa_expired` for all others.
async fn finish<H: Host>(exchange: &Exchange<'_, H>, mfa_token: &str) -> Result<(), Failure> {
    let taken = exchange.take(one_time::SECOND_FACTOR, mfa_token).await?;
    taken.map(drop).ok_or_else(Failure::mfa_expired)
}

impl Waiting {
    fn read(mut kept: Object) -> Option<Self> {
        Some(Self {
            unraised: Unraised {
                access_token: Secret::new(kept.text("access_token")?),
                user_id: kept.text("user_id")?,
                factors: Choice::read_list(kept.list("factors")?)?,
            },
            arrival: match kept.take("first_time")? {
                Value::Bool(true) => Arrival::FirstTime,
                _ => Arrival::Returning,
            },
        })
    }
}

/// A code that somebody gave.
#[derive(Debug)]
pub(crate) struct Given {
    /// The factor it is of, a UUID.
    pub(crate) factor_id: String,
    /// The challenge it answers, a UUID, where it was sent; else one is made.
    pub(crate) challenge_id: Option<String>,
    pub(crate) code: Secret,
}

/// Has the code of a phone sent; of an app, which has it already, nothing is sent. Gives the
/// challenge's id.
///
/// # Errors
/// [`Failure`] if it is not certain that the code was sent.
pub(crate) async fn send_code<H: Host>(
    exchange: &Exchange<'_, H>,
    unraised: &Unraised,
    factor_id: &str,
) -> Result<String, Failure> {
    let factor = unraised.factor(factor_id)?;
    // Counted with the codes that are tried: each message costs money.
    exchange.count(Attempt::Code, &unraised.user_id).await?;
    let supabase = exchange.supabase();
    let sent = supabase.challenge(&unraised.access_token, &factor.id).await;
    sent.map_err(|error| Failure::from_code(&error))
}

/// Has Supabase check a code, and raise the session.
///
/// # Errors
/// `wrong_code` if the code is wrong, or was tried before by anybody.
pub(crate) async fn raise<H: Host>(
    exchange: &Exchange<'_, H>,
    unraised: &Unraised,
    given: &Given,
) -> Result<Session, Failure> {
    let Unraised {
        access_token,
        user_id,
        ..
    } = unraised;
    let Given {
        factor_id,
        challenge_id,
        code,
    } = given;
    // (1) One of the factors. A phone has no code before one was sent, by a challenge.
    if unraised.factor(factor_id)?.is_phone() && challenge_id.is_none() {
        return Err(Failure::challenge_missing());
    }
    // (2) Counted first: a million codes are soon tried.
    exchange.count(Attempt::Code, user_id).await?;
    // (3) Claimed: Supabase would take a code again while its time lasts, from whoever saw it.
    let tried = [factor_id, ":", code.expose()].concat();
    let Some(claim) = exchange.claim(one_time::TRIED_CODE, &tried).await? else {
        return Err(Failure::wrong_code());
    };
    // (4) Challenge and answer at once: Supabase compares the addresses they come from.
    let supabase = exchange.supabase();
    let challenge_id = match challenge_id {
        Some(id) => id.clone(),
        None => match supabase.challenge(access_token, factor_id).await {
            Ok(id) => id,
            Err(error) => {
                // Nobody has seen the code yet.
                exchange.give_up(&claim).await?;
                return Err(Failure::from_code(&error));
            }
        },
    };
    let raised = supabase
        .answer_challenge(access_token, factor_id, &challenge_id, code.expose())
        .await;
    match raised {
        Ok(session) if session.aal() == "aal2" && session.user.id == *user_id => Ok(session),
        Ok(_) => Err(Failure::wrong_code()),
        // (5) Supabase may have taken the code, so that it has counted.
        Err(AuthError::Unavailable(reason)) => {
            Err(Failure::from_code(&AuthError::Unavailable(reason)).before_code_was_judged())
        }
        Err(error) => {
            if is_unjudged(&error) {
                exchange.give_up(&claim).await?;
            }
            Err(Failure::from_code(&error))
        }
    }
}

/// Whether `error` shows that Supabase has not looked at the code, which its owner may try again then.
fn is_unjudged(error: &AuthError) -> bool {
    matches!(
        error,
        AuthError::RateLimited | AuthError::SessionEnded | AuthError::UserNotFound
    )
}

/// Ends the wait behind `mfa_token` with a code, and signs in.
///
/// # Errors
/// `mfa_expired` for all but one of those who give a right code.
pub(crate) async fn complete<H: Host>(
    exchange: &Exchange<'_, H>,
    mfa_token: &str,
    given: &Given,
) -> Result<Opened, Failure> {
    let waiting = waiting(exchange, mfa_token).await?;
    let session = raise(exchange, &waiting.unraised, given).await?;
    // Two right codes raise one session at Supabase; only one of them makes a session of ours.
    if let Err(failure) = finish(exchange, mfa_token).await {
        // Where somebody else was faster, it is theirs; where nobody knows, it must not stay raised.
        if failure.problem.code != "mfa_expired" {
            discard(exchange, session.access_token);
        }
        return Err(failure);
    }
    open_session::open(exchange, session, Opening::SignIn(waiting.arrival)).await
}

impl Pending {
    /// The answer for a program.
    pub(crate) fn into_json(self) -> Response {
        let body = Object::new()
            .with("status", "mfa_required")
            .with("mfa_token", self.token.expose())
            .with("factors", Choice::list(&self.factors));
        Response::json(200, "mfa_required", &body).of_user(&self.user_id)
    }
}
