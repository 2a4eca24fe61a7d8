//! A strict stand-in for Supabase behind its gateway: Supabase Auth (`GoTrue`), all in memory, and
//! PostgREST over a real PostgreSQL, where there is one ([`rest`]).
//!
//! The real `GoTrue` needs Docker or Go. This one answers the part of it that `AuthFlow` uses, as
//! recordings of the real server show it: `tests/supabase` replays them. Mails are not sent but
//! kept in an outbox, with links that lead to our own pages.
//!
//! Beside `/auth/v1` and `/rest/v1` there are controls, open to anyone who reaches the port:
//!
//! * `GET /outbox`: the mails as a JSON list, newest last: `to`, `subject`, `kind` (Supabase's
//!   `type`), `link`, `token_hash`, `token` (the six digits). `DELETE /outbox` empties it.
//!   What has no link or no token has an empty one: a text message with a second factor's code
//!   (`kind` `phone_mfa`, `to` a number), a code for reauthentication, a notice of a change.
//! * `POST /clock` `{advance_seconds}`: moves this server's clock forward, so that links, tokens
//!   and sessions expire. The clocks of others stay; an app's codes have to be those of `now` in
//!   the answer.
//! * `GET /config`, `POST /config` with some fields of [`config::Config`]: another server variant.
//! * `GET /provider/authorize`, `POST /provider/authorize`: the provider of OAuth, see
//!   [`provider`].
//! * `POST /reset`: forgets users, mails, the clock and the configuration.
//!
//! What it does not model: ES256, captcha, anonymous users, sign-in by phone, passkeys and
//! `WebAuthn`, hooks, the audit log, CORS. All providers have profiles in the manner of GitHub's. A
//! time has at most six decimals, where the real one at times shows nine.

mod account;
mod admin;
mod admin_factors;
mod admin_list;
mod authorize;
mod bearer;
mod call;
mod callback;
mod challenge;
mod config;
mod controls;
mod dispatch;
mod email_change;
mod error;
mod exchange;
mod factor;
mod flow;
mod gateway;
mod generate_link;
mod identities;
mod identity;
mod invite;
mod jwt;
mod landing;
mod logout;
mod magic_link;
mod mail;
mod metadata;
mod mfa;
mod oauth_account;
mod one_time_token;
mod params;
mod password;
mod pkce;
mod provider;
mod purpose;
mod random;
mod rate_limit;
mod reauthenticate;
mod recover;
mod redirect;
mod refresh;
mod resend;
mod rest;
mod session;
mod signin;
mod signup;
mod state;
mod token;
mod totp;
mod user;
mod verify;
mod verify_link;

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    routing::{any, get, post},
};

use state::State;

/// What the stand-in is told by the program around it.
#[derive(Clone)]
pub(crate) struct Settings {
    /// Where this server is reached, without `/auth/v1`; it becomes the tokens' issuer.
    pub(crate) url: String,
    /// The auth worker, whose pages the mails' links lead to.
    pub(crate) site_url: String,
    /// The gateway worker, another origin that `redirect_to` may name.
    pub(crate) gateway_url: String,
    /// The key of ordinary clients.
    pub(crate) anon_key: String,
    /// The key that opens `/admin`.
    pub(crate) service_key: String,
    /// Signs the access tokens (HS256).
    pub(crate) jwt_secret: String,
    /// Whether a new address counts as confirmed at once.
    pub(crate) autoconfirm: bool,
    /// The PostgreSQL behind `/rest/v1`, if there is one.
    pub(crate) postgres: Option<tokio_postgres::Config>,
}

type Shared = Arc<Mutex<State>>;

/// The stand-in with its controls, with no users yet.
pub(crate) fn router(settings: Settings) -> Router {
    let database = settings.postgres.clone().map(rest::Database::new);
    let shared: Shared = Arc::new(Mutex::new(State::new(settings)));
    let rest = Arc::new(rest::Rest {
        shared: Arc::clone(&shared),
        database,
    });
    let rest = Router::new()
        .route("/rest/v1/{*path}", any(rest::answer))
        .with_state(rest);
    Router::new()
        .route("/auth/v1", any(dispatch::dispatch))
        .route("/auth/v1/", any(dispatch::dispatch))
        .route("/auth/v1/{*path}", any(dispatch::dispatch))
        .route(
            "/outbox",
            get(controls::outbox).delete(controls::empty_outbox),
        )
        .route("/clock", post(controls::advance_clock))
        .route(
            "/config",
            get(controls::config).post(controls::change_config),
        )
        .route("/reset", post(controls::reset))
        .route(
            "/provider/authorize",
            get(provider::page).post(provider::decide),
        )
        .with_state(shared)
        .merge(rest)
}
