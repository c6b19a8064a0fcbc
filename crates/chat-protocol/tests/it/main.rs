//! The calls between nodes as they are on the wire, and what holds for every input.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a test fails by panicking, and reads better without borrowing"
)]

mod calls;
mod corpus;
mod examples;
mod format;
mod hostile;
mod python;
mod replies;
