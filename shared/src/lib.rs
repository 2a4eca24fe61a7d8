//! What both workers need.
//!
//! Everything here is pure and runs natively; only [`host`] touches JavaScript.
