//! Readers as simple as can be; the targets hold the real ones against them.

mod cookies;
mod lax_origin;

pub use self::{cookies::cookies, lax_origin::LaxOrigin};
