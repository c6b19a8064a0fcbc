//! `swarmyard autoscale`: as many replicas of a Swarm's service as its load needs.
//!
//! The way through: replicas are asked (`readings.rs`), what they said becomes a sample (`scaler.rs`), all samples a
//! decision (`decide.rs`), which is told (`sentence.rs`), done (`engine.rs`), and shown (`record.rs`, `page.rs`).

use std::net::SocketAddr;

use service::chaos::Role;
use service::shutdown::{cancel_on_signal, log_the_end};
use service::{Chaos, Identity, Readiness, Server, logging};
use tokio::runtime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

mod answer;
mod decide;
mod engine;
mod options;
mod page;
mod readings;
mod record;
mod scaler;
mod sentence;

pub(crate) use options::{MANUAL, Options};

use record::Record;
use scaler::Scaler;

/// Scales as `options` say until a signal.
///
/// # Errors
/// When the page's port cannot be had.
pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    let identity = Identity::new(&crate::ABOUT, &options.service);
    logging::init(&identity, options.service.log_level, options.service.log_format);
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let shutdown = cancel_on_signal()?;
        log_the_end(run_with(options, &identity, shutdown.clone()), shutdown).await
    });
    // A thread may hang in a name lookup.
    runtime.shutdown_background();
    result
}

async fn run_with(options: Options, identity: &Identity, shutdown: CancellationToken) -> anyhow::Result<()> {
    let address = SocketAddr::new(options.host, options.port);
    let server = Server::bind(("--host", "--port"), address, &["page: http://"], identity, &options.service)?;
    let readiness = Readiness::unready("nothing was decided yet");
    let record = Record::new(&options);
    let chaos = Chaos::new(&options.service, &readiness, Role::Server)?;
    let app = service::http::router(page::routes(&record), identity, &readiness, &chaos);
    let scaler = Scaler::new(options, record, readiness.clone())?;
    let _scaling = AbortOnDropHandle::new(tokio::spawn(scaler.run()));
    server.run(app, readiness, shutdown).await
}
