//! A small service on a free port, and clients for it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Once;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade, close_code};
use axum::extract::{Extension, Path, Query};
use axum::http::StatusCode;
use axum::response::Response as AxumResponse;
use axum::routing::{any, get, post};
use futures_util::{StreamExt, stream};
use reqwest::{Client, RequestBuilder, Response};
use service::chaos::Role;
use service::config::{Invocation, parse};
use service::error::HttpError;
use service::server::Closing;
use service::{About, Chaos, Identity, Readiness, Server, ServiceConfig, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Bytes of the answer at `/large`: more than any buffer on the way holds.
pub(crate) const LARGE: usize = 16 * 1024 * 1024;

/// Generous: only a broken service takes this long.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// Whether somebody is interested in a line of the log is asked when it is first written, by whichever test does; a test
/// that listens a moment later would hear nothing of it.
static SOMEBODY_LISTENS: Once = Once::new();

const ABOUT: About = About { name: "echo", version: "1.2.3", description: "Says what it hears" };

#[derive(Clone, Debug, clap::Args)]
struct Config {
    #[command(flatten)]
    service: ServiceConfig,
}

impl Settings for Config {
    fn service(&self) -> &ServiceConfig {
        &self.service
    }

    fn health_address(&self) -> SocketAddr {
        ([127, 0, 0, 1], 0).into()
    }
}

/// A running service; it stops when this is dropped.
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    pub(crate) identity: Identity,
    pub(crate) readiness: Readiness,
    pub(crate) shutdown: CancellationToken,
    _stop: DropGuard,
    task: JoinHandle<anyhow::Result<()>>,
    client: Client,
}

/// Starts the service with these arguments.
pub(crate) fn start<const N: usize>(args: [&str; N]) -> Echo {
    SOMEBODY_LISTENS.call_once(|| tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap());
    let Ok(Invocation::Run(config)) = parse::<Config>(&ABOUT, ["echo"].into_iter().chain(args)) else {
        panic!("wrong arguments: {args:?}")
    };
    let identity = Identity::new(&ABOUT, &config.service);
    let readiness = Readiness::unready("waiting for redis");
    let server =
        Server::bind(("HOST", "PORT"), config.health_address(), &["echo: http://"], &identity, &config.service);
    let server = server.unwrap();
    let routes = Router::new()
        .route("/echo", post(async |body: String| body))
        .route("/slow/{milliseconds}", get(slow))
        .route("/drip/{seconds}", get(drip))
        .route("/large", get(async || "x".repeat(LARGE)))
        .route("/shout", any(shout))
        .route("/deaf", any(deaf))
        .route("/panic", get(panic))
        .route("/query", get(async |Query(_): Query<HashMap<String, u8>>| ()))
        .route("/coin", get(async || HttpError::new(StatusCode::NOT_FOUND, "no coin of that hash")));
    let (address, shutdown) = (server.address(), CancellationToken::new());
    let chaos = Chaos::new(&config.service, &readiness, Role::Server).unwrap();
    let app = service::http::router(routes, &identity, &readiness, &chaos);
    let task = tokio::spawn(server.run(app, readiness.clone(), shutdown.clone()));
    let client = Client::builder().no_proxy().build().unwrap();
    Echo { address, identity, readiness, _stop: shutdown.clone().drop_guard(), shutdown, task, client }
}

async fn slow(Path(milliseconds): Path<u64>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    "done"
}

/// A body that comes a byte a second.
async fn drip(Path(seconds): Path<usize>) -> Body {
    let drops = stream::repeat("x").take(seconds).then(async |drop| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, Infallible>(drop)
    });
    Body::from_stream(Box::pin(drops))
}

/// A WebSocket that gives back what it gets, and says goodbye at the stop.
async fn shout(upgrade: WebSocketUpgrade, Extension(Closing(closing)): Extension<Closing>) -> AxumResponse {
    upgrade.on_upgrade(async move |mut socket| {
        while let Some(Some(Ok(message))) = closing.run_until_cancelled(socket.recv()).await {
            if socket.send(message).await.is_err() {
                return;
            }
        }
        let goodbye = CloseFrame { code: close_code::AWAY, reason: "the service stops".into() };
        let _ = socket.send(Message::Close(Some(goodbye))).await;
    })
}

/// A WebSocket that knows no end.
async fn deaf(upgrade: WebSocketUpgrade) -> AxumResponse {
    upgrade.on_upgrade(async move |_socket| std::future::pending().await)
}

async fn panic() {
    panic!("a handler panics, as a test wants it to");
}

impl Echo {
    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.client.request(method.parse().unwrap(), format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request("GET", path).send().await.unwrap()
    }

    /// A connection on which a test speaks for itself.
    pub(crate) async fn connect(&self) -> Raw {
        Raw(TcpStream::connect(self.address).await.unwrap())
    }

    /// Waits for the end of the service.
    pub(crate) async fn ended(&mut self) {
        timeout(LIMIT, &mut self.task).await.unwrap().unwrap().unwrap();
    }
}

/// One TCP connection.
pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.unwrap();
    }

    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.write_all(bytes.as_ref()).await
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn close_sending(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    /// Reads some bytes and gives their number.
    pub(crate) async fn read(&mut self, most: usize) -> usize {
        self.0.read(&mut vec![0; most]).await.unwrap()
    }

    /// Everything up to the end of the connection; a reset ends it as well.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = self.0.read_to_end(&mut bytes).await;
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads up to `end`.
    pub(crate) async fn read_to(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            bytes.push(self.0.read_u8().await.unwrap());
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
