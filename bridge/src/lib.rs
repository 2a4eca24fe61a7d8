//! Redis over HTTP: the REST protocol of Upstash in front of a real Redis server.
//!
//! The workers speak to Redis over HTTP alone. Whoever has no Upstash database puts this in front of a
//! Redis of their own. The library is the protocol ([`router`]) and the way to Redis ([`Pool`]); the
//! program around it adds what production asks for (`docs/BRIDGE.md`).

mod client;
mod command;
mod drain;
mod forbidden;
mod health;
mod limits;
mod log;
mod memory;
mod metrics;
mod patience;
mod redis;
mod refusal;
mod reply;
mod router;
mod run;
mod scripts;
mod serve;
mod settings;
mod tokens;
mod watch;

pub use self::{
    metrics::kind,
    redis::{Address, Login, Observer, Options as PoolOptions, Pool, Target},
    router::{Options, router},
    run::run,
    tokens::Tokens,
};
