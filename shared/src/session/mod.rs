//! Sessions: what leaves the server, what is kept, and how it is kept.

mod active;
pub mod change;
pub mod create;
pub mod database;
pub mod debts;
pub mod devices;
mod end;
pub mod find;
pub mod keys;
pub mod of_user;
mod owed;
pub mod presented;
mod rebind;
pub mod record;
mod renew;
pub mod renewals;
mod restore;
pub mod store;
pub mod stored;
mod swap;
mod tell_redis;
pub mod token;
#[cfg(test)]
mod two_stores;

pub use self::{
    presented::Presented,
    record::SessionRecord,
    store::SessionStore,
    token::{SessionId, SessionToken, TokenKeys},
};
