//! Serving HTTP: limits against slow and hostile clients, and a stop that drops nobody.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::{Gauge, gauge};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::config::ServiceConfig;
use crate::identity::{Identity, X_SERVED_BY};
use crate::readiness::Readiness;

/// Most connections at once; further ones wait in the kernel's backlog until one ends. The limit on
/// open files may lower it.
pub const CONNECTIONS_MAX: u64 = 10_000;

/// Files that the service needs beside its connections.
const OTHER_FILES: u64 = 64;

/// Connections that wait to be accepted; the kernel makes clients beyond it try again after 1 s.
const BACKLOG: i32 = 4096;

/// Longest wait for a complete request head, on a new connection and after an answer; then the
/// connection is closed. It must stay below the 900 s after which a Swarm VIP forgets a connection.
pub const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Largest request head, and what is read ahead of a slow handler; a larger head is answered 431.
pub const REQUEST_HEAD_BYTES_MAX: usize = 16 * 1024;

/// Longest time that a client may leave an answer unread; then the kernel drops the connection.
pub const UNREAD_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Silence after which the kernel asks whether the client is still there.
const TCP_KEEPALIVE: Duration = Duration::from_mins(1);

/// Wait at the stop for the first request of a connection that was opened just before.
const FIRST_REQUEST_GRACE: Duration = Duration::from_millis(300);

/// Pause after the system refused a connection for want of files or memory.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// What answers requests; a [`Router`] does.
pub trait App: Clone + Send + Sync + 'static {
    /// Answers one request of the client at `caller`.
    fn answer(&self, request: Request<Incoming>, caller: SocketAddr) -> impl Future<Output = Response<Body>> + Send;
}

impl App for Router {
    async fn answer(&self, mut request: Request<Incoming>, caller: SocketAddr) -> Response<Body> {
        request.extensions_mut().insert(ConnectInfo(caller));
        // A router answers every request; its error type has no values.
        let Ok(response) = self.clone().call(request).await;
        response
    }
}

/// A port that is taken, but not served yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    served_by: HeaderValue,
    drain_delay: Duration,
    drain_timeout: Duration,
}

impl Server {
    /// Takes `address`, which the setting called `setting` names. Port 0 takes any free port.
    ///
    /// # Errors
    /// When the address cannot be had; the message says what to do.
    pub fn bind(
        setting: &str,
        address: SocketAddr,
        identity: &Identity,
        config: &ServiceConfig,
    ) -> anyhow::Result<Self> {
        let listener = listen(address).map_err(|error| explain(setting, address, error))?;
        Ok(Self {
            address: listener.local_addr()?,
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
        tracing::info!("listening on http://{}", self.address);
        let slots = Arc::new(Semaphore::new(connections_max()));
        let connections = Connections {
            app,
            served_by: self.served_by.clone(),
            stop: Arc::new(Stop::default()),
            tracker: TaskTracker::new(),
            open: gauge!("http_connections"),
        };
        shutdown.run_until_cancelled(accept(&self.listener, &slots, &connections)).await;

        readiness.set_stopping();
        connections.stop.begin.store(true, Ordering::Relaxed);
        if !self.drain_delay.is_zero() {
            tracing::info!("serving for another {:?}, so that load balancers notice", self.drain_delay);
            let _ = timeout(self.drain_delay, accept(&self.listener, &slots, &connections)).await;
        }
        accept_waiting(&self.listener.into_std()?, &slots, &connections);
        connections.finish(self.drain_timeout).await;
        Ok(())
    }
}

/// Everything that connections share.
#[derive(Clone)]
struct Connections<A> {
    app: A,
    served_by: HeaderValue,
    stop: Arc<Stop>,
    tracker: TaskTracker,
    open: Gauge,
}

/// How far the stop has come.
#[derive(Default)]
struct Stop {
    /// Answers say `Connection: close` from now on.
    begin: AtomicBool,
    /// Connections finish the request at hand.
    finish: CancellationToken,
    /// Connections are cut.
    cut: CancellationToken,
}

impl<A: App> Connections<A> {
    fn spawn(&self, stream: TcpStream, caller: SocketAddr, slot: OwnedSemaphorePermit) {
        let connections = self.clone();
        self.tracker.spawn(async move {
            connections.open.increment(1);
            // An error is the client's: it went away, was too slow, or does not speak HTTP.
            if let Err(error) = connections.serve(stream, caller).await {
                tracing::debug!("connection of {caller} ended: {error}");
            }
            connections.open.decrement(1);
            drop(slot);
        });
    }

    async fn serve(&self, stream: TcpStream, caller: SocketAddr) -> hyper::Result<()> {
        let asked = AtomicBool::new(false);
        let service = service_fn(|request| {
            asked.store(true, Ordering::Relaxed);
            self.answer(request, caller)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(REQUEST_HEAD_TIMEOUT)
            .max_buf_size(REQUEST_HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            biased;
            result = connection.as_mut() => return result,
            () = self.stop.finish.cancelled() => {}
        }
        if !asked.load(Ordering::Relaxed) {
            // Its request may be on the way; the answer to it closes the connection.
            if let Ok(result) = timeout(FIRST_REQUEST_GRACE, connection.as_mut()).await {
                return result;
            }
        }
        connection.as_mut().graceful_shutdown();
        self.stop.cut.run_until_cancelled(connection).await.unwrap_or(Ok(()))
    }

    async fn answer(&self, request: Request<Incoming>, caller: SocketAddr) -> Result<Response<Body>, Infallible> {
        let mut response = self.app.answer(request, caller).await;
        response.headers_mut().insert(X_SERVED_BY, self.served_by.clone());
        if self.stop.begin.load(Ordering::Relaxed) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Waits until each connection has finished the request at hand, `limit` at most.
    async fn finish(self, limit: Duration) {
        self.stop.finish.cancel();
        self.tracker.close();
        if timeout(limit, self.tracker.wait()).await.is_err() {
            tracing::warn!("cutting {} connections that were still busy after {limit:?}", self.tracker.len());
            self.stop.cut.cancel();
            self.tracker.wait().await;
        }
    }
}

/// Accepts connections for ever.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>, connections: &Connections<impl App>) {
    loop {
        // The semaphore is never closed, so there is always a slot in the end.
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, caller)) => connections.spawn(stream, caller, slot),
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!("cannot accept connections: {error}; trying again");
                sleep(ACCEPT_RETRY_DELAY).await;
            }
        }
    }
}

/// Accepts the connections that are waiting in the backlog: closing the socket would reset them.
fn accept_waiting(listener: &StdListener, slots: &Arc<Semaphore>, connections: &Connections<impl App>) {
    while let Ok(slot) = slots.clone().try_acquire_owned()
        && let Ok((stream, caller)) = listener.accept()
    {
        // It fails for a connection that is gone again, which has no wish any more.
        if let Ok(stream) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) {
            connections.spawn(stream, caller, slot);
        }
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    // Accepted connections inherit the next three from the listening socket.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(TCP_KEEPALIVE))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNREAD_ANSWER_TIMEOUT))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn explain(setting: &str, address: SocketAddr, error: io::Error) -> anyhow::Error {
    let port = address.port();
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {port} is taken: stop the program that has it, or set {setting} to another port")
        }
        io::ErrorKind::PermissionDenied => format!("port {port} needs root: set {setting} to a port above 1023"),
        _ => format!("set {setting} and its address to one that this machine has"),
    };
    anyhow::Error::new(error).context(format!("cannot listen on {address}: {advice}"))
}

/// [`CONNECTIONS_MAX`], or fewer where the limit on open files, raised as far as it goes, is lower.
fn connections_max() -> usize {
    let files = getrlimit(Resource::Nofile);
    let wanted = CONNECTIONS_MAX + OTHER_FILES;
    let most = files.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let now = files.current.unwrap_or(wanted);
    let raised = now >= most || setrlimit(Resource::Nofile, Rlimit { current: Some(most), ..files }).is_ok();
    let files = if raised { now.max(most) } else { now };
    let connections = files.saturating_sub(OTHER_FILES).clamp(1, CONNECTIONS_MAX);
    // At most CONNECTIONS_MAX, which fits every usize.
    usize::try_from(connections).unwrap_or(usize::MAX)
}
