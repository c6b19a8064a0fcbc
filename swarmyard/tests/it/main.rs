//! What `swarmyard up` promises, through its real program and the ports of its services.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic: that is how it fails")]

mod commands;
mod harness;
mod instances;
mod manual;
mod start;
mod stop;
mod terminal;
