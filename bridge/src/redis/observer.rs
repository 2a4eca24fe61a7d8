//! What is told of the way to Redis, for logs and counts.

use std::fmt;

use super::Address;

/// Who wants to know what happens to the pool.
pub trait Observer: fmt::Debug + Send + Sync {
    /// A command is about to be sent, or refused.
    fn command(&self, _name: &str) {}
    /// A connection was opened.
    fn connected(&self, _address: &Address) {}
    /// A connection ended.
    fn lost(&self) {}
    /// A connection could not be opened.
    fn unreachable(&self, _problem: &str) {}
    /// Redis was late.
    fn late(&self) {}
}
