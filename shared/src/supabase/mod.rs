//! Supabase, which keeps the users and checks their passwords.

pub mod auth;
mod error;
mod session;

pub use self::{
    auth::AuthClient,
    error::{AuthError, Unavailable, Weakness},
    session::{Factor, Session, User},
};
