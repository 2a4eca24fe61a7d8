//! Signing in at another provider, through Supabase, with PKCE (RFC 7636, RFC 9700).
//!
//! A sign-in has three secrets, each with another holder. The *state* goes with the address, to
//! Supabase and back, and names the sign-in. The *binding* is the cookie of the browser that began
//! it. The *verifier* never leaves the worker, and without it Supabase's code is worth nothing.

mod binding;
mod provider;
mod refusal;

use core::fmt;

use authflow_shared::{host::Host, json::Object, secret::Secret, supabase::AuthError};
use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

pub(crate) use self::provider::{Provider, read as read_providers};
use crate::{
    exchange::Exchange,
    failure::Failure,
    form, limits,
    one_time::{self, OAUTH},
    open_session::{self, Arrival, Entry},
    response::Response,
};

/// Where Supabase sends a browser back to.
const CALLBACK: &str = "/auth/callback";

/// A sign-in that has begun.
pub(crate) struct Begun {
    /// Where the browser goes on to.
    pub(crate) url: String,
    cookies: Vec<String>,
}

/// The address holds the state, and a cookie the binding.
impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").finish_non_exhaustive()
    }
}

impl Begun {
    /// Adds the cookies to `response`.
    pub(crate) fn hand_out(self, response: Response) -> Response {
        self.cookies.into_iter().fold(response, with_cookie)
    }
}

/// A sign-in whose browser has come back.
#[derive(Debug)]
pub(crate) struct Attempt {
    state: Secret,
    verifier: Secret,
    provider: String,
    /// Where the person goes on to, if that was said.
    pub(crate) next: Option<String>,
    /// The hash of the cookie's secret.
    binding: String,
    /// When it began, RFC 3339.
    started: String,
}

/// Begins a sign-in at `provider`.
pub(crate) async fn begin<H: Host>(
    exchange: &Exchange<'_, H>,
    provider: Provider,
    next: Option<&str>,
) -> Result<Begun, Failure> {
    // (1) Each leaves something in Redis.
    exchange.count_address(limits::Attempt::SignIn).await?;

    // (2) Kept before the browser leaves.
    let state = one_time::random_name(exchange.host)?;
    let binding = one_time::random_name(exchange.host)?;
    let verifier = one_time::random_name(exchange.host)?;
    let started = exchange.ids.started.to_rfc_3339();
    let attempt = Object::new()
        .with("verifier", verifier.expose())
        .with("provider", provider.name)
        .maybe("next", next)
        .with("binding", binding::hash(binding.expose()))
        .with("started", started);
    exchange.keep(OAUTH, state.expose(), &attempt).await?;

    // (3) Where the person goes on to is not in the address: Supabase and the provider see it.
    let auth_url = &exchange.config.common.auth_url;
    let back = format!("{auth_url}{CALLBACK}?state={}", state.expose());
    let challenge = Base64UrlUnpadded::encode_string(&Sha256::digest(verifier.expose()));
    let supabase = exchange.supabase();
    let url = supabase.authorize_url(provider.name, provider.scopes, &back, &challenge);
    let mut cookies = binding::make_room(cookies(exchange));
    cookies.push(binding::set(state.expose(), &binding));
    Ok(Begun { url, cookies })
}

/// The sign-in that a browser comes back from, for exactly one of those who ask at once.
///
/// # Errors
/// `oauth_expired` for all others.
pub(crate) async fn take<H: Host>(exchange: &Exchange<'_, H>) -> Result<Attempt, Failure> {
    let state = form::field(&exchange.request.query, "state").unwrap_or_default();
    let kept = if state.is_empty() {
        None
    } else {
        exchange.take(OAUTH, &state).await?
    };
    kept.and_then(|kept| Attempt::read(state, kept))
        .ok_or_else(Failure::oauth_expired)
}

/// Ends a sign-in: with a session, or with the question for a second factor.
pub(crate) async fn enter<H: Host>(
    exchange: &Exchange<'_, H>,
    attempt: &Attempt,
) -> Result<Entry, Failure> {
    // (1) The browser that began it, at a provider that is still on.
    if !binding::holds(cookies(exchange), attempt.state.expose(), &attempt.binding) {
        return Err(Failure::oauth_other_browser());
    }
    let providers = &exchange.config.oauth_providers;
    if !providers.iter().any(|on| on.name == attempt.provider) {
        return Err(Failure::oauth_expired());
    }

    // (2) What Supabase made of it.
    let query = &exchange.request.query;
    if let Some(failure) = refusal::read(query) {
        return Err(failure);
    }
    let code = form::field(query, "code").filter(|code| !code.is_empty());
    let code = Secret::new(code.ok_or_else(Failure::oauth_expired)?);
    let supabase = exchange.supabase();
    let exchanged = supabase.exchange_code(&code, &attempt.verifier).await;
    let session = exchanged.map_err(|error| of_exchange(&error))?;

    // (3) Applications tell people by their addresses, so there must be one, and it must be theirs.
    let user = &session.user;
    let refused = if user.email.is_empty() {
        Some(Failure::provider_email_missing())
    } else if user.email_confirmed_at.is_none() {
        Some(Failure::provider_email_unverified())
    } else {
        None
    };
    if let Some(failure) = refused {
        open_session::discard(exchange, session.access_token);
        return Err(failure);
    }

    // (4) Supabase does not say whether the account is new, but when it was made.
    let created_at = user.created_at.as_deref().unwrap_or_default();
    let arrival = if seconds(created_at) >= seconds(&attempt.started) {
        Arrival::FirstTime
    } else {
        Arrival::Returning
    };
    open_session::enter(exchange, session, arrival).await
}

/// Takes the cookie of a sign-in away that is over.
pub(crate) fn forget(attempt: &Attempt, response: Response) -> Response {
    with_cookie(response, binding::clear(attempt.state.expose()))
}

impl Attempt {
    fn read(state: String, mut kept: Object) -> Option<Self> {
        Some(Self {
            state: Secret::new(state),
            verifier: Secret::new(kept.text("verifier")?),
            provider: kept.text("provider")?,
            next: kept.text("next"),
            binding: kept.text("binding")?,
            started: kept.text("started")?,
        })
    }
}

fn of_exchange(error: &AuthError) -> Failure {
    match error {
        AuthError::Rejected(code)
            if code.starts_with("flow_state_") || code == "bad_code_verifier" =>
        {
            Failure::oauth_expired()
        }
        error => Failure::from_supabase(error),
    }
}

/// A moment in UTC to the second; as texts, such are in the order of time.
fn seconds(moment: &str) -> &str {
    moment.get(..19).unwrap_or_default()
}

fn cookies<'e, H: Host>(exchange: &'e Exchange<'_, H>) -> &'e str {
    exchange.request.header("cookie").unwrap_or_default()
}

fn with_cookie(response: Response, cookie: String) -> Response {
    response.header("set-cookie", cookie)
}
