//! The miner: finds coins at the speed that is set, and has each recorded in the ledger exactly once.
//!
//! Threads search (`ground.rs`) what the plan (`plan.rs`) gives them, and the recorder (`recorder.rs`) sends
//! what they found, batch after batch. A miner's id is new for each run, so miners never search the same
//! ground, and need no coordinator. Health and metrics are at `OPS_PORT`.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{anyhow, ensure};
use axum::Router;
use devcoin::{Ledger, MinerId, Search};
use metrics::{describe_counter, describe_gauge, describe_histogram};
use service::chaos::Role;
use service::{About, Chaos, Identity, Readiness, Server, Settings};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

mod config;
mod crew;
mod file;
mod ground;
mod hash_rate;
mod name;
mod order;
mod plan;
mod recorder;
mod report;
mod schedule;
mod speed;

pub use config::Config;
pub use file::FILE_BYTES_MAX;
pub use plan::HELD_COINS_MAX;
pub use recorder::{BATCH_INTERVAL, HEARTBEAT_INTERVAL};
pub use report::REPORT_INTERVAL;
pub use schedule::CATCH_UP_MAX;
pub use speed::{Speed, THREADS_MAX};

use crew::Crew;
use ground::Ground;
use recorder::Recorder;
use speed::Mining;

/// What the program says of itself.
pub const ABOUT: About = service::about!();

/// A miner whose port for health and metrics is taken, but which does not search yet.
pub struct Miner {
    server: Server,
    ops: Router,
    readiness: Readiness,
    chaos: Chaos,
    ledger: Arc<dyn Ledger>,
    id: MinerId,
    name: String,
    identity: Identity,
    config: Config,
    mining: Mining,
}

/// Takes the port for health and metrics. The ledger is the Redis that `config` names; it need not be
/// there yet.
///
/// # Errors
/// When that port cannot be had, or a setting is wrong.
pub fn bind(config: &Config) -> anyhow::Result<Miner> {
    let ledger = config.ledger.ledger().map_err(|problem| anyhow!(problem))?.with_replicas(config.redis_replicas);
    bind_with(config, Arc::new(ledger))
}

/// Does the same with another ledger, which other services of this process may share.
///
/// # Errors
/// When the port cannot be had, or the file `MINER_CONFIG` is wrong.
pub fn bind_with(config: &Config, ledger: Arc<dyn Ledger>) -> anyhow::Result<Miner> {
    let mining = config.mining().map_err(|problem| anyhow!(problem))?;
    let identity = Identity::new(&ABOUT, &config.service);
    let readiness = Readiness::unready("the ledger has not answered yet");
    let chaos = Chaos::new(&config.service, &readiness, Role::Client)?;
    let server = Server::bind(
        ("OPS_HOST", "OPS_PORT"),
        config.health_address(),
        &["health and metrics: http://"],
        &identity,
        &config.service,
    )?;
    let ops = service::http::router(Router::new(), &identity, &readiness, &chaos);
    describe_counter!("miner_hashes_total", "Hashes computed");
    describe_counter!("miner_coins_found_total", "Coins found");
    describe_counter!("miner_coins_recorded_total", "Coins that the ledger has got");
    describe_gauge!("miner_coins_buffered", "Coins that the ledger has not got yet");
    describe_counter!("miner_batches_total", "Batches sent to the ledger, by what became of them");
    describe_histogram!("miner_ledger_seconds", "Time that the ledger took to answer");
    let name = name::name(identity.served_by(), config.service.node_name.as_deref());
    let id = MinerId::new(&name);
    Ok(Miner { server, ops, readiness, chaos, ledger, id, name, identity, config: config.clone(), mining })
}

impl Miner {
    /// The address of health and metrics.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Finds coins until `shutdown`; then stops searching, and has what is held recorded, for
    /// `DRAIN_TIMEOUT` at most.
    ///
    /// # Errors
    /// When the system gives no threads, no signals, or breaks the listening socket, and when a thread that
    /// searches panics.
    pub async fn run(self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let Self { server, ops, readiness, chaos, ledger, id, name, identity, config, mining } = self;
        let stop = shutdown.child_token();
        // Without a file there is nothing to read again, and a hangup means what it means to every program.
        let hangups = config.miner_config.is_some().then(|| signal(SignalKind::hangup())).transpose()?;
        let search = Search::new(id.clone());
        tracing::info!(miner = %id, threads = mining.threads(), "miner {id}: {mining}; {}", search.way());
        let ground = Ground::new(mining);
        let mut crew = Crew::start(ground.clone(), search, mining, stop.clone())?;
        let recorder = Recorder::new(id, name, identity, ledger, ground.clone(), readiness.clone(), chaos);
        let status = recorder.status();

        let serving = async {
            // Whatever ends the serving ends the service.
            let _stop = stop.clone().drop_guard();
            server.run(ops, readiness, stop.clone()).await
        };
        let (served, (), _, _) = tokio::join!(
            serving,
            recorder.run(&stop, config.service.drain_timeout),
            stop.run_until_cancelled(report::run(&ground, &status)),
            stop.run_until_cancelled(crew.follow(&config, hangups)),
        );
        served?;
        ensure!(shutdown.is_cancelled(), "a thread that searches has panicked, which is a bug: please tell us");
        Ok(())
    }
}

impl std::fmt::Debug for Miner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Miner").field("address", &self.address()).finish_non_exhaustive()
    }
}
