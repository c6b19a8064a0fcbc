//! What every service promises, through the network, on a small service made for these tests.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic: that is how it fails")]

mod answers;
mod apart;
mod chaos;
mod clients;
mod harness;
mod in_flight;
mod stop;
mod websockets;
