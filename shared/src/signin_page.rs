//! The page that stands in for the sign-in page while nobody can sign in.
//!
//! The auth worker renders it, at [`PATH`], and the gateway keeps it for the time when that worker
//! does not answer. This is what both must agree on: the gateway takes no other page for it, and
//! fills in what depends on the request.

/// Where the auth worker has it.
pub const PATH: &str = "/auth/signin/unavailable";

/// The languages that it may be asked for in, so that a client cannot have many pages kept. A
/// test of the auth worker's holds them against its own.
pub const LANGUAGES: [&str; 2] = ["en", "de"];

/// The seconds after which to try again, as they stand in the page until they are filled in. A page
/// whose text does not speak of them has none.
pub const SECONDS: &str = r#"<span id="seconds">10</span>"#;

/// What the link to try again has for attributes until its address is filled in. No text of a page
/// can hold it, because texts are escaped.
pub const AGAIN: &str = r#"id="again" href="/auth/signin""#;
