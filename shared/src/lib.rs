//! What both workers need: sessions, Redis, Supabase, configuration.
//!
//! Everything here is plain Rust over the traits of [`host`], so that it runs and is tested
//! natively; only `host::worker` touches JavaScript.

pub mod host;
pub mod secret;
pub mod timestamp;
