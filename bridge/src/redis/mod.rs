//! The way to Redis: a pool of connections that all requests share.
//!
//! A batch of commands is written in one piece, and Redis answers in order; so requests need no
//! connection of their own as long as no command changes the connection's state. `redis`'s
//! `MultiplexedConnection` does that part. Its `ConnectionManager` does not fit: it keeps a connection
//! on which a reply is late, and what is still owed there grows as long as Redis is silent; and it knows
//! no Sentinel. So connections are kept by [`slot`], and one that was late is given up.
//!
//! One thing the `redis` crate cannot do: an error whose text is no UTF-8 (Redis cuts what it quotes)
//! ends the connection, and the requests under way on it fail with 500.

mod address;
mod connect;
mod connector;
mod follow;
mod guard;
mod observer;
mod pool;
mod sentinel;
mod slot;
mod tls;

pub(crate) use self::tls::{Tls, TlsFiles};
pub use self::{
    address::{Address, Target},
    connect::Login,
    observer::Observer,
    pool::{Options, Pool},
};
