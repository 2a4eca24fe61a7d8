//! Sessions: what leaves the server, what is kept, and how it is kept.

pub mod devices;
pub mod keys;
pub mod of_user;
pub mod presented;
mod rebind;
pub mod record;
mod renew;
pub mod store;
mod swap;
pub mod token;

pub use self::{
    presented::Presented,
    record::SessionRecord,
    store::SessionStore,
    token::{SessionId, SessionToken, TokenKeys},
};
