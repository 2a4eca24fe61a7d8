//! Configuration: read once per isolate from the worker's variables and secrets.
//!
//! Every fault is collected, so that an operator mends them all at once. A worker whose
//! configuration has a fault answers nothing but `config_invalid`.

mod common;
pub mod database;
mod reader;

#[cfg(any(test, feature = "fake"))]
pub use self::common::variables;
pub use self::{
    common::{Common, Lifetimes},
    reader::{Fault, Reader, Variables, is_word, parse_variables, shown},
};
