//! What the client promises, through its real program: in a terminal, and in scripts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod fake;
mod node;
mod nodes;
mod pty;
mod send;
mod tail;
mod terminal;
mod usage;

/// The client's program.
const CLIENT: &str = env!("CARGO_BIN_EXE_chat-client");
