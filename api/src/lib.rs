//! The API: tells what the ledger of coins knows, as JSON and as Server-Sent Events.
//!
//! No request asks the ledger: a few tasks do ([`ledger`]), and all answers come from what they learnt. So an
//! answer takes no longer while the ledger is away; it says that it comes from a replica, or is stale, and how old.
//!
//! The way through: the ledger is asked (`ledger.rs`), what it said is kept (`known.rs`) and told (`answer.rs`), to who
//! asks (`routes.rs`) and to who listens (`events.rs`). The other files hold a part of one of these each.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS};
use axum::middleware;
use axum::response::Response;
use devcoin::Ledger;
use devcoin::ledger::CoinId;
use service::chaos::Role;
use service::{About, Chaos, Identity, Readiness, Server, Settings};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use utoipa_axum::routes;

mod answer;
mod coin;
mod config;
mod events;
mod failure;
mod known;
mod ledger;
mod openapi;
mod pace;
mod recent;
mod routes;
mod time;

pub use config::Config;
use ledger::{Knowledge, Reader};

/// What the program says of itself.
pub const ABOUT: About = service::about!();

/// An API whose port is taken, but which does not answer yet.
pub struct Api {
    server: Server,
    router: Router,
    readiness: Readiness,
    reader: Reader,
}

/// Takes the port; the ledger and its replica are the Redis servers that the settings name.
///
/// # Errors
/// When the port cannot be had, or a setting is wrong.
pub fn bind(config: &Config) -> anyhow::Result<Api> {
    let primary = config.ledger.ledger().map_err(anyhow::Error::msg)?;
    let replica = config.replica().map_err(anyhow::Error::msg)?;
    bind_with_both(config, Arc::new(primary), replica.map(|replica| Arc::new(replica) as Arc<dyn Ledger>))
}

/// Takes the port, to tell of this ledger; the settings of Redis do not count then.
///
/// # Errors
/// When the port cannot be had.
pub fn bind_with(config: &Config, ledger: Arc<dyn Ledger>) -> anyhow::Result<Api> {
    bind_with_both(config, ledger, None)
}

fn bind_with_both(config: &Config, primary: Arc<dyn Ledger>, replica: Option<Arc<dyn Ledger>>) -> anyhow::Result<Api> {
    let identity = Identity::new(&ABOUT, &config.service);
    service::metrics::init(&identity);
    let readiness = Readiness::unready("the ledger was not asked yet");
    let chaos = Chaos::new(&config.service, &readiness, Role::Server)?;
    let server =
        Server::bind(("HOST", "PORT"), config.health_address(), &["coins: http://"], &identity, &config.service)?;
    let (reader, knowledge) = Reader::new(primary, replica, readiness.clone());
    let app = App { knowledge, event_slots: events::slots(), identity: identity.clone() };
    let own = openapi::described(routes::routes().routes(routes!(events::events)))?;
    let router = service::http::router(own.with_state(app), &identity, &readiness, &chaos)
        .layer(middleware::map_response(for_every_page));
    Ok(Api { server, router, readiness, reader })
}

impl Api {
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
        // It reads for as long as somebody is served.
        let _reading = AbortOnDropHandle::new(tokio::spawn(self.reader.run()));
        self.server.run(self.router, self.readiness, shutdown).await
    }
}

/// What the handlers share.
#[derive(Clone, Debug)]
struct App {
    knowledge: Knowledge,
    event_slots: Arc<Semaphore>,
    identity: Identity,
}

impl App {
    fn served_by(&self) -> String {
        self.identity.served_by().to_owned()
    }

    /// The place of the last coin that is known.
    fn last_place(&self) -> CoinId {
        let known = self.knowledge.recent.borrow();
        known.value().and_then(recent::Recent::last).unwrap_or_default()
    }
}

/// Lets pages of any origin read the answer, and which replica gave it: all here is public.
async fn for_every_page(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("X-Served-By"));
    response
}
