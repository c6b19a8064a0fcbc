//! Serving HTTP on a port, up to a stop that drops nobody.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request};
use hyper::body::Incoming;
use metrics::{Gauge, counter, gauge};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::client_stream::Open;
use crate::config::ServiceConfig;
use crate::connection::{self, Stop};
use crate::http::allow_options;
use crate::identity::Identity;
use crate::listen::{connections_max, listen};
use crate::readiness::Readiness;

pub use crate::connection::{
    Answer, App, Client, Closing, REQUEST_HEAD_BYTES_MAX, REQUEST_HEAD_TIMEOUT, REQUEST_HEAD_TIMEOUT_CROWDED,
};
pub use crate::listen::{CONNECTIONS_MAX, ListenError, UNREAD_ANSWER_TIMEOUT, raise_limit_on_files};

/// Pause after the system refused a connection for want of files or memory.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// Longest wait for connections that were cut; they end at once, unless a handler has their stream.
const CUT_TIMEOUT: Duration = Duration::from_millis(500);

/// A port that is taken, but not served yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    /// Tells in the log what is where.
    greeting: String,
    served_by: HeaderValue,
    drain_delay: Duration,
    drain_timeout: Duration,
}

impl Server {
    /// Takes `address`, which the settings called `settings` (host and port) name. Port 0 takes any
    /// free port. The log says what is there: `faces` are what people find, each with the start of its
    /// URL, such as `page: http://`.
    ///
    /// # Errors
    /// [`ListenError`] when the address cannot be had; the message says what to do.
    pub fn bind(
        settings: (&str, &str),
        address: SocketAddr,
        faces: &[&str],
        identity: &Identity,
        config: &ServiceConfig,
    ) -> anyhow::Result<Self> {
        let listener = listen(settings, address)?;
        let address = listener.local_addr()?;
        Ok(Self {
            address,
            greeting: greeting(faces, address, identity),
            listener,
            served_by: identity.header_value(),
            drain_delay: config.drain_delay,
            drain_timeout: config.drain_timeout,
        })
    }

    /// The address, with the port that the system chose for port 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `app` until `shutdown`, then stops so that nobody is dropped:
    /// unready, but serving, for the drain delay; then nothing new is accepted, and what is in
    /// flight is finished within the drain time-out.
    ///
    /// # Errors
    /// When the listening socket breaks at the stop.
    pub async fn run(self, app: impl App, readiness: Readiness, shutdown: CancellationToken) -> anyhow::Result<()> {
        tracing::info!(address = %self.address, "{}", self.greeting);
        let slots = connections_max();
        let connections = Connections {
            app,
            served_by: self.served_by,
            slots: Arc::new(Semaphore::new(slots)),
            slots_when_crowded: slots / 4,
            stop: Arc::default(),
            tracker: TaskTracker::new(),
            open: gauge!("http_connections"),
        };
        shutdown.run_until_cancelled(connections.accept(&self.listener)).await;

        readiness.set_stopping();
        connections.stop.begun.store(true, Relaxed);
        if !self.drain_delay.is_zero() {
            let delay = self.drain_delay;
            let duration_seconds = delay.as_secs_f64();
            tracing::info!(duration_seconds, "serving for another {delay:?}, so that load balancers notice");
            // It accepts for ever, so it always times out.
            let _ = timeout(self.drain_delay, connections.accept(&self.listener)).await;
        }
        connections.accept_waiting(&self.listener.into_std()?);
        connections.finish(self.drain_timeout).await;
        Ok(())
    }
}

/// `listening on page: http://localhost:8080 (webui 0.1.0, pi1)`
fn greeting(faces: &[&str], address: SocketAddr, identity: &Identity) -> String {
    let (place, inside) = match (address.ip().is_unspecified(), address.port()) {
        // Who reads the log is outside, where the port may be another one, or none.
        (true, port) if is_in_container() => (format!("localhost:{port}"), " inside the container"),
        (true, port) => (format!("localhost:{port}"), ""),
        (false, _) => (address.to_string(), ""),
    };
    let urls: Vec<_> = faces.iter().map(|face| format!("{face}{place}")).collect();
    let (name, version, served_by) = (identity.name(), identity.version(), identity.served_by());
    format!("listening on {}{inside} ({name} {version}, {served_by})", urls.join(", "))
}

/// Docker and Podman leave a file in each container, Kubernetes a variable.
fn is_in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|file| Path::new(file).exists())
        || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

/// The open connections, and all that they share.
#[derive(Clone)]
struct Connections<A> {
    app: A,
    served_by: HeaderValue,
    slots: Arc<Semaphore>,
    /// With fewer free slots than this, new clients have to be quick.
    slots_when_crowded: usize,
    stop: Arc<Stop>,
    tracker: TaskTracker,
    open: Gauge,
}

impl<A: App> Connections<A> {
    /// Accepts connections for ever.
    async fn accept(&self, listener: &TcpListener) {
        let mut failures: u64 = 0;
        loop {
            // The semaphore is never closed, so there is always a slot in the end.
            let Ok(slot) = self.slots.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, caller)) => {
                    if failures > 0 {
                        tracing::info!(count = failures, "accepting connections again, after {failures} tries");
                        failures = 0;
                    }
                    self.spawn(stream, caller, slot);
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    // It may go on for long: the log has its begin and its end, and the metric how often.
                    if failures == 0 {
                        tracing::warn!("cannot accept connections: {error}; trying again every {ACCEPT_RETRY_DELAY:?}");
                    }
                    failures += 1;
                    counter!("http_accept_failures_total").increment(1);
                    sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    }

    /// Accepts the connections that wait in the backlog: closing the socket would reset them.
    fn accept_waiting(&self, listener: &StdListener) {
        while let Ok(slot) = self.slots.clone().try_acquire_owned() {
            match listener.accept() {
                Ok((stream, caller)) => {
                    // It fails for a connection that is gone again, which has no wish any more.
                    if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
                        self.spawn(stream, caller, slot);
                    }
                }
                Err(error) if is_about_one_connection(&error) => {}
                // Mostly: there are no more.
                Err(_) => break,
            }
        }
    }

    fn spawn(&self, stream: TcpStream, caller: SocketAddr, slot: OwnedSemaphorePermit) {
        let Self { app, served_by, stop, .. } = self.clone();
        let crowded = self.slots.available_permits() < self.slots_when_crowded;
        let head_timeout = if crowded { REQUEST_HEAD_TIMEOUT_CROWDED } else { REQUEST_HEAD_TIMEOUT };
        let open = Open::new(self.open.clone(), slot, self.tracker.token());
        let client = Client { address: caller, closing: Closing(stop.finish.clone()) };
        self.tracker.spawn(async move {
            // An error is the client's: it went away, or does not speak HTTP.
            if let Err(error) = connection::serve(stream, open, client, &app, &served_by, &stop, head_timeout).await {
                tracing::debug!(peer = %caller, "connection of {caller} ended: {error}");
            }
        });
    }

    /// Waits until each connection has finished the request at hand, `limit` at most.
    async fn finish(self, limit: Duration) {
        self.stop.finish.cancel();
        self.tracker.close();
        if timeout(limit, self.tracker.wait()).await.is_err() {
            let (count, duration_seconds) = (self.tracker.len(), limit.as_secs_f64());
            tracing::warn!(count, duration_seconds, "cutting {count} connections that were still busy after {limit:?}");
            self.stop.cut.cancel();
            // A WebSocket that ignores all this ends with the process.
            let _ = timeout(CUT_TIMEOUT, self.tracker.wait()).await;
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

impl App for Router {
    type Body = Body;

    fn answer(&self, mut request: Request<Incoming>, client: &Client) -> Answer<Body> {
        request.extensions_mut().insert(ConnectInfo(client.address));
        request.extensions_mut().insert(client.closing.clone());
        let work = self.clone().call(request);
        Answer::Later(Box::pin(async {
            // A router answers every request; its error type has no values.
            let Ok(mut response) = work.await;
            allow_options(response.headers_mut());
            response
        }))
    }
}
