//! One HTTP connection: answers, limits on waiting, and an end that loses no request.

use std::convert::Infallible;
use std::future::{poll_fn, ready};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::{Method, Request, Response, StatusCode};
use axum::response::IntoResponse;
use futures_util::future::Either;
use http_body_util::Either as EitherBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::client_stream::{Activity, ClientStream, Open};
use crate::error::HttpError;
use crate::guarded::Guarded;
use crate::identity::X_SERVED_BY;
use crate::metrics::{NO_ROUTE, http_requests_total};
use crate::request;

/// Longest wait for a complete request head, on a new connection and after an answer; then the
/// connection is closed, after half this time at the earliest. It must stay below the 900 s after
/// which a Swarm VIP forgets a connection.
pub const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Largest request head, and what is read ahead of a slow handler; a larger head is answered 431.
pub const REQUEST_HEAD_BYTES_MAX: usize = 16 * 1024;

/// The same limit for connections that come when most slots are taken: who says nothing then makes
/// room soon.
pub const REQUEST_HEAD_TIMEOUT_CROWDED: Duration = Duration::from_secs(2);

/// Wait at the stop for a request that may be on its way.
const LAST_REQUEST_GRACE: Duration = Duration::from_millis(300);

/// What answers requests; an axum router does.
pub trait App: Clone + Send + Sync + 'static {
    /// The answer's body.
    type Body: HttpBody<Data = Bytes, Error: Into<axum::BoxError>> + Send + Unpin + 'static;

    /// Answers one request.
    fn answer(&self, request: Request<Incoming>, client: &Client) -> Answer<Self::Body>;
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Client {
    /// Where the client is.
    pub address: SocketAddr,
    /// When to come to an end with it.
    pub closing: Closing,
}

/// Cancelled when connections are to end, `DRAIN_TIMEOUT` before they are cut.
///
/// What answers for longer than a moment has to wait for it: an endless body ends then, and a
/// WebSocket is closed. Handlers of a router have it as an `Extension`.
#[derive(Clone, Debug)]
pub struct Closing(pub CancellationToken);

/// An answer, or the work that leads to it.
pub enum Answer<B> {
    /// The answer. For what is known at once, as this spares a future its way through memory.
    Now(Response<B>),
    /// The work.
    Later(Pin<Box<dyn Future<Output = Response<B>> + Send>>),
}

impl<B: Send + 'static> Answer<B> {
    /// The same answer with another kind of body.
    pub fn map_body<C>(self, map: impl FnOnce(B) -> C + Send + 'static) -> Answer<C> {
        match self {
            Self::Now(response) => Answer::Now(response.map(map)),
            Self::Later(work) => Answer::Later(Box::pin(async { work.await.map(map) })),
        }
    }
}

/// How far the stop of a server has come.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    /// Answers say `Connection: close` from now on. Set before the others.
    pub(crate) begun: AtomicBool,
    /// Connections finish the request at hand.
    pub(crate) finish: CancellationToken,
    /// Connections are cut.
    pub(crate) cut: CancellationToken,
}

/// Serves one connection to its end.
pub(crate) async fn serve(
    stream: TcpStream,
    open: Open,
    client: Client,
    app: &impl App,
    served_by: &HeaderValue,
    stop: &Stop,
    head_timeout: Duration,
) -> hyper::Result<()> {
    let activity = Arc::new(Activity::default());
    let finish = Finish { activity: &activity, served_by, stop };
    let service = service_fn(|mut request| {
        activity.note_request();
        if let Err(error) = request::normalise(&mut request) {
            let refusal = refuse(request.method(), error);
            return Either::Left(ready(Ok::<_, Infallible>(finish.finish(refusal, EitherBody::Left))));
        }
        match app.answer(request, &client) {
            Answer::Now(response) => Either::Left(ready(Ok(finish.finish(response, EitherBody::Right)))),
            Answer::Later(work) => Either::Right(async move { Ok(finish.finish(work.await, EitherBody::Right)) }),
        }
    });
    let connection = http1::Builder::new()
        .max_buf_size(REQUEST_HEAD_BYTES_MAX)
        // Answers here are short: one copy of the body costs less than a list of buffers.
        .writev(false)
        // Without this, hyper looks during each request whether the client has gone, and takes a
        // new buffer to do so. Clients that close their side early get their answer, too.
        .half_close(true)
        .serve_connection(ClientStream::new(stream, activity.clone(), served_by.clone(), open), service)
        .with_upgrades();
    let mut connection = pin!(connection);

    match until_told(connection.as_mut(), &activity, stop, head_timeout / 2).await {
        Told::Ended(result) => return result,
        Told::TooSlow => return Ok(()),
        Told::ToFinish => {}
    }
    if activity.waiting().is_some() {
        // A request may be on its way; the answer to it closes the connection.
        if let Ok(result) = timeout(LAST_REQUEST_GRACE, connection.as_mut()).await {
            return result;
        }
        if activity.waiting().is_some() {
            return Ok(());
        }
    }
    connection.as_mut().graceful_shutdown();
    stop.cut.run_until_cancelled(connection).await.unwrap_or(Ok(()))
}

/// What every answer gets on its way out.
#[derive(Clone, Copy)]
struct Finish<'a> {
    activity: &'a Arc<Activity>,
    served_by: &'a HeaderValue,
    stop: &'a Stop,
}

impl Finish<'_> {
    /// `kind` makes one type of the bodies; here, so that the answer is moved but once.
    fn finish<B, C>(self, mut response: Response<B>, kind: impl FnOnce(B) -> C) -> Response<Guarded<C, BodyGiven>> {
        self.activity.note_answer();
        response.headers_mut().insert(X_SERVED_BY, self.served_by.clone());
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.activity.note_upgrade();
        } else if self.stop.begun.load(Relaxed) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.map(|body| Guarded::new(kind(body), BodyGiven(self.activity.clone())))
    }
}

/// The answer to a request that comes to no app.
fn refuse(method: &Method, error: HttpError) -> Response<axum::body::Body> {
    let refusal = error.into_response();
    http_requests_total(NO_ROUTE, method, refusal.status().as_u16()).increment(1);
    refusal
}

/// Why a connection is looked at.
enum Told<R> {
    /// The client ended it, or broke the protocol.
    Ended(R),
    /// No request came for too long.
    TooSlow,
    /// The server stops.
    ToFinish,
}

/// Drives a connection until something else than its requests is to be done.
///
/// The same as a `select!` of three futures, but cheaper for each request: timer and token wake
/// this task when they must, so there is no need to poll them, which takes locks, at every wake.
/// hyper's own `header_read_timeout` makes a timer for each request, at the price of 3 % of them.
async fn until_told<C: Future>(
    mut connection: Pin<&mut C>,
    activity: &Activity,
    stop: &Stop,
    look_interval: Duration,
) -> Told<C::Output> {
    let mut look = pin!(sleep(look_interval));
    let mut told = pin!(stop.finish.cancelled());
    let mut waiting_since_last_look = None;
    let mut armed = false;
    poll_fn(|context| {
        if let Poll::Ready(result) = connection.as_mut().poll(context) {
            return Poll::Ready(Told::Ended(result));
        }
        if !armed {
            // From now on both wake this task; it is always woken the same way.
            armed = true;
            arm(look.as_mut(), context);
            arm(told.as_mut(), context);
        }
        // The flag spares a lock for each request.
        if stop.begun.load(Relaxed) && stop.finish.is_cancelled() {
            return Poll::Ready(Told::ToFinish);
        }
        if look.is_elapsed() {
            let waiting = activity.waiting();
            if waiting.is_some() && waiting == waiting_since_last_look {
                return Poll::Ready(Told::TooSlow);
            }
            waiting_since_last_look = waiting;
            look.as_mut().reset(Instant::now() + look_interval);
            arm(look.as_mut(), context);
        }
        Poll::Pending
    })
    .await
}

/// Lets `future` wake this task. Without `unconstrained`, tokio may refuse that to a task which has
/// done much in this turn.
fn arm(future: impl Future, context: &mut Context<'_>) {
    let _ = pin!(unconstrained(future)).poll(context);
}

/// Tells of the end of an answer's body.
struct BodyGiven(Arc<Activity>);

impl Drop for BodyGiven {
    fn drop(&mut self) {
        self.0.note_body_given();
    }
}
