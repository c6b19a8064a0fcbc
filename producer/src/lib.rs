//! The producer: `GET /number` answers `{"number":73}`, drawn anew from 1 to 180 each time.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use axum::response::IntoResponse;
use axum::{Router, routing};
use service::program::About;
use service::{Identity, Readiness, Server};
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
    app: Router,
    readiness: Readiness,
}

/// Takes the port.
///
/// # Errors
/// When the port cannot be had.
pub fn bind(config: &Config) -> anyhow::Result<Producer> {
    let identity = Identity::new(&ABOUT, &config.service);
    let readiness = Readiness::ready();
    let server = Server::bind("PORT", (config.host, config.port).into(), &identity, &config.service)?;
    let routes =
        Router::new().route("/", routing::get(async || INDEX)).route("/number", routing::get(async || number()));
    Ok(Producer { server, app: service::http::router(routes, &identity, &readiness), readiness })
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

fn number() -> Response<Body> {
    let number = rand::random_range(1..=180);
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], format!("{{\"number\":{number}}}")).into_response()
}
