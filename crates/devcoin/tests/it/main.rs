//! What a ledger promises, by the one in memory and by the one in a real Redis; and what that does when
//! Redis fails.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic: that is how it fails")]

mod batches;
mod coins;
mod counting;
mod exactly_once;
mod faults;
mod kill;
mod redis_server;
mod refusals;
mod replicas;
mod retirement;
mod speed;
