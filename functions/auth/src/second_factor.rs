//! Second factors: the step between the first factor and a session, and codes that count once.
//!
//! Who gave a first factor and has a verified second one gets an `mfa_token` in place of a session. It names, for
//! ten minutes, a session at Supabase that is still of level `aal1`; the right code raises that one,
//! and it becomes a session of ours. Nobody else can do anything with it.

use authflow_shared::{
    host::Host,
    json::{Object, Value},
    secret::Secret,
    supabase::{AuthError, Factor, Session},
};

use crate::{
    exchange::Exchange, failure::Failure, limits::Attempt, one_time, open_session::Arrival,
    response::Response,
};

/// A sign-in that waits for a code.
#[derive(Debug)]
pub(crate) struct Pending {
    /// What names it; whoever has it may try codes.
    pub(crate) token: Secret,
    /// What may be given.
    pub(crate) factors: Vec<Choice>,
    user_id: String,
}

/// A verified factor that may be given.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) id: String,
    /// As in `totp`.
    pub(crate) kind: String,
    /// What the user calls it; may be empty.
    pub(crate) name: String,
}

impl Choice {
    /// The verified ones among `factors`.
    pub(crate) fn among(factors: &[Factor]) -> Vec<Self> {
        let verified = factors.iter().filter(|factor| factor.is_verified());
        verified
            .map(|factor| Self {
                id: factor.id.clone(),
                kind: factor.factor_type.clone(),
                name: factor.friendly_name.clone(),
            })
            .collect()
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

/// What waits behind an `mfa_token`.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) access_token: Secret,
    pub(crate) user_id: String,
    pub(crate) factors: Vec<Choice>,
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
    kept.and_then(Waiting::read)
        .ok_or_else(Failure::mfa_expired)
}

/// Ends the wait behind `mfa_token`, for exactly one of those who ask at once.
///
/// # Errors
/// `mfa_expired` for all others.
pub(crate) async fn finish<H: Host>(
    exchange: &Exchange<'_, H>,
    mfa_token: &str,
) -> Result<(), Failure> {
    let taken = exchange.take(one_time::SECOND_FACTOR, mfa_token).await?;
    taken.map(drop).ok_or_else(Failure::mfa_expired)
}

impl Waiting {
    fn read(mut kept: Object) -> Option<Self> {
        Some(Self {
            access_token: Secret::new(kept.text("access_token")?),
            user_id: kept.text("user_id")?,
            arrival: match kept.take("first_time")? {
                Value::Bool(true) => Arrival::FirstTime,
                _ => Arrival::Returning,
            },
            factors: Choice::read_list(kept.list("factors")?)?,
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
    pub(crate) code: String,
}

/// Has Supabase check a code, and raise the session of `access_token`, which is the user `user_id`'s.
///
/// # Errors
/// `wrong_code` if the code is wrong, or was tried before by anybody.
pub(crate) async fn raise<H: Host>(
    exchange: &Exchange<'_, H>,
    access_token: &Secret,
    user_id: &str,
    given: &Given,
) -> Result<Session, Failure> {
    let Given {
        factor_id,
        challenge_id,
        code,
    } = given;
    // (1) Counted first: a million codes are soon tried.
    exchange.count(Attempt::Code, user_id).await?;
    // (2) Claimed: Supabase would take a code again while its time lasts, from whoever saw it.
    let tried = format!("{factor_id}:{code}");
    if !exchange.claim(one_time::TRIED_CODE, &tried).await? {
        return Err(Failure::wrong_code());
    }
    // (3) Challenge and answer at once: Supabase compares the addresses they come from.
    let supabase = exchange.supabase();
    let raised = async {
        let challenge_id = match challenge_id {
            Some(id) => id.clone(),
            None => supabase.challenge(access_token, factor_id).await?,
        };
        supabase
            .answer_challenge(access_token, factor_id, &challenge_id, code)
            .await
    };
    match raised.await {
        Ok(session) if session.aal() == "aal2" => Ok(session),
        Ok(_) => Err(Failure::wrong_code()),
        Err(error) => {
            // (4) Nobody knows whether the code was right: its owner may try it again.
            if matches!(error, AuthError::Unavailable(_) | AuthError::RateLimited) {
                exchange.release(one_time::TRIED_CODE, &tried).await?;
            }
            Err(Failure::from_code(&error))
        }
    }
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
