//! The companions of a developer's machine.

#[tokio::main]
async fn main() {}
