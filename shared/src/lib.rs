//! What both workers need: sessions, Redis, Supabase, configuration.
//!
//! Everything here is plain Rust over the traits of [`host`], so that it runs and is tested
//! natively; nothing touches JavaScript but the source of randomness.

pub mod audit;
pub mod breaker;
pub mod client_ip;
pub mod config;
pub mod cookie;
pub mod dependency;
pub mod fernet;
pub mod fingerprint;
pub mod hex;
pub mod host;
pub mod json;
pub mod layout;
pub mod log;
pub mod problem;
pub mod rate_limit;
pub mod readiness;
pub mod redacted;
pub mod redirect;
pub mod redis;
pub mod request_id;
pub mod retry;
pub mod secret;
pub mod session;
pub mod signin_page;
pub mod sorted;
pub mod supabase;
pub mod telemetry;
pub mod timestamp;
pub mod trace;
