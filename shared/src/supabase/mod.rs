//! Supabase, which keeps the users and checks their passwords.

pub mod account;
pub mod admin;
pub mod auth;
mod error;
pub mod factors;
mod oauth;
mod session;

pub use self::{
    auth::AuthClient,
    error::{AuthError, Unavailable, Weakness},
    session::{Factor, Session, User, expiry, is_uuid},
};
