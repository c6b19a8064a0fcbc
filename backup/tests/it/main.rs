//! What the backup promises, with a real Redis.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic: that is how it fails")]

mod away;
mod backup;
mod clock;
mod day;
mod folder;
mod journals;
mod ledger;
mod process;
mod refusals;
mod restore;
mod routes;
