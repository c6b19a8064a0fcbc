//! The backup: copies the ledger and the chat's journals every few hours, and counts a copy only when it was restored.
//!
//! The way of a copy (`take.rs`): it comes over the network, and is restored as a trial (`ledger.rs` and `journal.rs`,
//! `trial.rs`), the ledger's by a Redis that is thrown away (`throwaway.rs`). Then it gets its name in the folder
//! (`folder.rs`), which says when it was taken and how much it holds (`copy.rs`). `keep.rs` says which are kept,
//! `rounds.rs` when the next is due. Who has the cluster's secret may have them (`routes.rs`, `peers.rs`); `restore.rs`
//! puts one where its owner begins with it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use service::chaos::Role;
use service::{About, Chaos, Identity, Readiness, Server, Settings};
use tokio_util::sync::CancellationToken;

mod clock;
pub mod commands;
mod config;
mod copy;
mod folder;
mod http;
mod journal;
mod keep;
mod ledger;
mod peers;
mod program;
mod restore;
mod rounds;
mod routes;
mod take;
mod throwaway;
mod trial;

pub use clock::{Clock, SystemClock};
pub use config::Config;
pub use copy::{CopyName, CopyNameError, Original, OriginalError};
pub use keep::{DAYS_KEPT, NEWEST_KEPT};
pub use trial::COPY_BYTES_MAX;

use folder::Folder;
use rounds::Rounds;
use take::Source;

/// What the program says of itself.
pub const ABOUT: About = service::about!();

/// A backup whose port for health, metrics and copies is taken, but which does not copy yet.
pub struct Backup {
    server: Server,
    router: Router,
    readiness: Readiness,
    rounds: Rounds,
}

/// Takes the port. The Redis that the settings name need not be there yet.
///
/// # Errors
/// When the port or the folder cannot be had, or a setting is wrong.
pub fn bind(config: &Config) -> anyhow::Result<Backup> {
    bind_with(config, Arc::new(SystemClock))
}

/// Does the same with another clock, by which copies are due and named.
///
/// # Errors
/// As [`bind`].
pub fn bind_with(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Backup> {
    let identity = Identity::new(&ABOUT, &config.service);
    let readiness = Readiness::unready("no copy was taken yet");
    let server = Server::bind(
        ("OPS_HOST", "OPS_PORT"),
        config.health_address(),
        &["health, metrics and copies: http://"],
        &identity,
        &config.service,
    )?;
    let folder = Folder::open(&config.backup_dir)?;
    let chaos = Chaos::new(&config.service, &readiness, Role::Server)?;
    let secret = config.cluster_secret.read().map_err(anyhow::Error::msg)?;
    let router = service::http::router(routes::routes(folder.clone(), secret), &identity, &readiness, &chaos);
    let sources = Source::all(config).map_err(anyhow::Error::msg)?;
    let rounds = Rounds::new(sources, folder, clock, config.backup_interval, readiness.clone());
    Ok(Backup { server, router, readiness, rounds })
}

impl Backup {
    /// The address of health, metrics and copies.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Copies until `shutdown`. A copy that is being taken then is given up, and leaves nothing behind.
    ///
    /// # Errors
    /// When the listening socket breaks.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let Self { server, router, readiness, rounds } = self;
        let stop = shutdown.child_token();
        let serving = async {
            // Whatever ends the serving ends the service.
            let _stop = stop.clone().drop_guard();
            server.run(router, readiness, stop.clone()).await
        };
        let (served, _) = tokio::join!(serving, stop.run_until_cancelled(rounds.run()));
        served
    }
}
