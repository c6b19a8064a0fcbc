//! The producer: `GET /number` answers `{"number":73}`, drawn anew from 1 to 180 each time.

use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request};
use axum::{Router, routing};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use metrics::Counter;
use service::metrics::http_requests_total;
use service::server::{Answer, Client};
use service::{About, Identity, Readiness, Server, Settings};
use tokio_util::sync::CancellationToken;

mod config;
mod numbers;

pub use config::Config;
use numbers::Numbers;

/// What the program says of itself.
pub const ABOUT: About = service::about!();

const NUMBER: &str = "/number";

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
    app: App,
    readiness: Readiness,
}

/// Takes the port.
///
/// # Errors
/// When the port cannot be had.
pub fn bind(config: &Config) -> anyhow::Result<Producer> {
    let identity = Identity::new(&ABOUT, &config.service);
    let readiness = Readiness::ready();
    let server =
        Server::bind(("HOST", "PORT"), config.health_address(), &["numbers: http://"], &identity, &config.service)?;
    let numbers = Numbers::new();
    let routes = Router::new()
        .route("/", routing::get(async || INDEX))
        .route(NUMBER, routing::get(async move || numbers.draw(HeaderMap::new()).map(Body::new)));
    let app = App {
        router: service::http::router(routes, &identity, &readiness),
        numbers,
        answered: http_requests_total(NUMBER, &Method::GET, 200),
    };
    Ok(Producer { server, app, readiness })
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

/// Answers the one request that comes all the time without the router's detours, which would take
/// longer than the answer itself (`bench/numbers`); hands on every other one.
#[derive(Clone, Debug)]
struct App {
    router: Router,
    numbers: Numbers,
    answered: Counter,
}

impl service::server::App for App {
    type Body = Either<Full<Bytes>, Body>;

    fn answer(&self, mut request: Request<Incoming>, client: &Client) -> Answer<Self::Body> {
        if request.method() == Method::GET && request.uri().path() == NUMBER {
            self.answered.increment(1);
            // The room of the request's headers serves for the answer's.
            let headers = std::mem::take(request.headers_mut());
            return Answer::Now(self.numbers.draw(headers).map(Either::Left));
        }
        self.router.answer(request, client).map_body(Either::Right)
    }
}
