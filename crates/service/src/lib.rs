//! What every Swarmyard service does alike, one concern a file.
//!
//! A service is a library with `bind(config)` and then `run(shutdown)`; its `main.rs` hands both to
//! [`program::run`]. Its HTTP face is an axum router that [`http::router`] completes and
//! [`server::Server`] serves.

pub mod about;
pub mod chaos;
mod client_stream;
pub mod cluster_secret;
pub mod config;
mod connection;
pub mod error;
mod guarded;
pub mod healthcheck;
pub mod http;
pub mod identity;
mod in_flight;
mod listen;
pub mod logging;
pub mod metrics;
pub mod outgoing;
pub mod page;
pub mod program;
pub mod quick;
pub mod readiness;
mod request;
pub mod resolve;
pub mod retry;
pub mod secret;
pub mod server;
pub mod shutdown;
pub mod time;
pub mod value;

pub use about::About;
pub use chaos::Chaos;
pub use config::{ServiceConfig, Settings};
pub use identity::{Identity, Requests};
pub use quick::QuickGet;
pub use readiness::Readiness;
pub use server::Server;
