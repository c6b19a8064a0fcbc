//! The web page: the coins as they are found, in any browser.
//!
//! The page's files are in the binary. The API is passed on under `/api/`, so that a browser needs one
//! address only.

use std::net::SocketAddr;

use axum::Router;
use service::chaos::Role;
use service::{About, Chaos, Identity, Readiness, Server, Settings};
use tokio_util::sync::CancellationToken;

mod config;
mod page;
mod proxy;

pub use config::Config;

/// What the program says of itself.
pub const ABOUT: About = service::about!();

/// A web page whose port is taken, but which is not served yet.
#[derive(Debug)]
pub struct Webui {
    server: Server,
    app: Router,
    readiness: Readiness,
}

/// Takes the port.
///
/// # Errors
/// When the port cannot be had.
pub fn bind(config: &Config) -> anyhow::Result<Webui> {
    let identity = Identity::new(&ABOUT, &config.service);
    // The page does not need the API: it is there to say how the API is.
    let readiness = Readiness::ready();
    let chaos = Chaos::new(&config.service, &readiness, Role::Server)?;
    let server =
        Server::bind(("HOST", "PORT"), config.health_address(), &["page: http://"], &identity, &config.service)?;
    let routes = page::routes().merge(proxy::routes(&config.api_url)?);
    let app = service::http::router(routes, &identity, &readiness, &chaos);
    Ok(Webui { server, app, readiness })
}

impl Webui {
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
