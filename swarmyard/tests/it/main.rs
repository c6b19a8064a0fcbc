//! What the toolkit promises, through its real program, the services that it runs, and servers of tests.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic: that is how it fails")]

mod autoscale;
mod r#break;
mod commands;
mod doctor;
mod engine;
mod harness;
mod instances;
mod load;
mod load_chat;
mod manual;
mod server;
mod start;
mod stop;
mod terminal;
mod watch;
