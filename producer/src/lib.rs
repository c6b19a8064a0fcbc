//! The producer: `GET /number` answers `{"number":73}`, drawn anew from 1 to 180 each time.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::{Router, routing};
use service::chaos::Role;
use service::{About, Chaos, Identity, QuickGet, Readiness, Server, Settings};
use tokio_util::sync::CancellationToken;

mod config;

pub use config::Config;

/// What the program says of itself.
pub const ABOUT: About = service::about!();

/// What `GET /` tells a person.
const INDEX: &str = "\
producer: random numbers from 1 to 180

  GET /number   a number, as {\"number\":73}
  GET /whoami   which replica answers, and where it runs
  GET /healthz  200 while the process works
  GET /readyz   200 while it can serve
  GET /metrics  figures for Prometheus
";

/// A producer whose port is taken, but which does not answer yet.
#[derive(Debug)]
pub struct Producer {
    server: Server,
    app: QuickGet,
    readiness: Readiness,
}

/// Takes the port.
///
/// # Errors
/// When the port cannot be had.
pub fn bind(config: &Config) -> anyhow::Result<Producer> {
    let identity = Identity::new(&ABOUT, &config.service);
    let readiness = Readiness::ready();
    let chaos = Chaos::new(&config.service, &readiness, Role::Server)?;
    let server =
        Server::bind(("HOST", "PORT"), config.health_address(), &["numbers: http://"], &identity, &config.service)?;
    let routes = Router::new().route("/", routing::get(async || INDEX));
    let app = QuickGet::new("/number", draw, routes, &identity, &readiness, &chaos);
    Ok(Producer { server, app, readiness })
}

/// A number, each as likely as any other.
fn draw() -> Bytes {
    let number = rand::random_range(1..=180);
    format!(r#"{{"number":{number}}}"#).into()
}

impl Producer {
    /// The address on which it answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Answers until `shutdown`.
    ///
    /// # Errors
    /// When the listening socket breaks.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        self.server.run(self.app, self.readiness, shutdown).await
    }
}
