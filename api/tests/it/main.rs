//! What the API promises, by its real program and a real Redis.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic: that is how it fails")]

mod answers;
mod away;
mod client;
mod document;
mod events;
mod listener;
mod process;
mod redis;
mod resuming;
