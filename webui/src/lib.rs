//! The web page: the three demos and every instance of them, in any browser.
//!
//! The page's files are in the binary. The API is passed on under `/api/`, so that a browser needs one
//! address only; what the instances say of themselves comes from `/yard/events`.

use std::net::SocketAddr;

use axum::Router;
use service::chaos::Role;
use service::{About, Chaos, Identity, Readiness, Server, Settings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

mod config;
mod page;
mod proxy;
mod yard;

pub use config::Config;
pub use yard::Place;

use yard::{Rounds, Viewers};

/// What the program says of itself.
pub const ABOUT: About = service::about!();

/// A web page whose port is taken, but which is not served yet.
#[derive(Debug)]
pub struct Webui {
    server: Server,
    app: Router,
    readiness: Readiness,
    rounds: Rounds,
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
    let viewers = Viewers::new();
    let rounds = Rounds::new(config.yard.clone(), viewers.clone())?;
    let routes = page::routes().merge(proxy::routes(&config.api_url)?).merge(yard::routes(viewers)?);
    let app = service::http::router(routes, &identity, &readiness, &chaos);
    Ok(Webui { server, app, readiness, rounds })
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
        // For as long as somebody may look.
        let _rounds = AbortOnDropHandle::new(tokio::spawn(self.rounds.run()));
        self.server.run(self.app, self.readiness, shutdown).await
    }
}
