//! The gateway's own code, timed on this machine.
//!
//! What a request costs beside this is the runtime's, the network's, and the border's between
//! JavaScript and WebAssembly: `scripts/bench` has all of it together.

mod gateway;
mod parts;
mod requests;

use divan::Divan;

fn main() {
    Divan::default()
        .sample_count(1_000)
        .config_with_args()
        .main();
}
