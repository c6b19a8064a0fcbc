//! The API, under `/api/` of this service: `/api/stats` here is `/stats` there.
//!
//! Answers are passed on as they come, events at once. Nothing is stored.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Extension, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use axum::{Router, routing};
use futures_util::stream;
use reqwest::{Client, Url};
use service::error::HttpError;
use service::outgoing;
use service::server::Closing;
use tokio::time::{Instant, timeout, timeout_at};

use failure::Failure;

mod failure;
mod headers;

/// Longest time for finding the API and connecting to it: half of it for its name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest wait for the head of an answer, connecting included; then the browser gets an error.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time for the rest of an answer that is no event stream; then it is broken off.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest silence of an event stream, on which the API says something every 15 s at least; then it is
/// ended, and the browser asks again. So streams whose browser or API has vanished do not stay.
const SILENCE_MAX: Duration = Duration::from_secs(40);

const EVENT_STREAM: &str = "text/event-stream";

/// Tells nginx, which may be in front of this, to pass each event on at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Where requests are passed on to.
#[derive(Debug)]
struct Api {
    client: Client,
    url: Url,
    /// The last request failed: what is not news is not logged.
    is_away: AtomicBool,
}

/// `GET` and `HEAD` of everything under `/api/`.
///
/// # Errors
/// When the HTTP client cannot be set up.
pub(crate) fn routes(url: &Url) -> anyhow::Result<Router> {
    let client = outgoing::client(CONNECT_TIMEOUT / 2, CONNECT_TIMEOUT)
        // A Swarm VIP balances connections, not requests: a kept one would always ask the same replica.
        .pool_max_idle_per_host(0)
        .build()?;
    let api = Arc::new(Api { client, url: url.clone(), is_away: AtomicBool::new(false) });
    let forward = routing::get(forward);
    Ok(Router::new().route("/api/", forward.clone()).route("/api/{*path}", forward).with_state(api))
}

async fn forward(
    State(api): State<Arc<Api>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    Extension(closing): Extension<Closing>,
    request: Request,
) -> Result<Response<Body>, HttpError> {
    let mut passed_on = reqwest::Request::new(request.method().clone(), api.target(&request)?);
    *passed_on.headers_mut() = headers::for_the_api(request.headers(), client.ip());
    let result = match timeout(HEAD_TIMEOUT, api.client.execute(passed_on)).await {
        Ok(result) => result.map_err(|error| Failure::explain(&error, &api.url)),
        Err(_) => Err(Failure::silent(&api.url, HEAD_TIMEOUT)),
    };
    api.note(result.as_ref().err());
    Ok(answer(result?, closing))
}

impl Api {
    /// The same path and query at the API.
    fn target(&self, request: &Request) -> Result<Url, HttpError> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let path = path.strip_prefix("/api").unwrap_or(path);
        let not_a_path = |_| HttpError::new(StatusCode::BAD_REQUEST, "this is not a path");
        Url::parse(&format!("{}{path}", self.url.as_str().trim_end_matches('/'))).map_err(not_a_path)
    }

    /// Logs that the API went away, or is back.
    fn note(&self, failure: Option<&Failure>) {
        match (failure, self.is_away.swap(failure.is_some(), Relaxed)) {
            (Some(failure), false) => {
                tracing::warn!(dependency = "api", "{failure}; browsers are told so until it is back");
            }
            (None, true) => tracing::info!(dependency = "api", "the API at {} answers again", self.url),
            _ => {}
        }
    }
}

/// The API's answer as this service's.
fn answer(answer: reqwest::Response, closing: Closing) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    *response.headers_mut() = headers::for_the_browser(answer.headers());
    *response.body_mut() = if is_event_stream(answer.headers()) {
        response.headers_mut().insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
        events(answer, closing)
    } else {
        rest(answer)
    };
    response
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM.as_bytes()))
}

/// Events as they come, until either side goes away, or this service stops. A browser that went away
/// is noticed at the next event.
fn events(answer: reqwest::Response, Closing(closing): Closing) -> Body {
    Body::from_stream(stream::unfold(answer, move |mut answer| {
        let closing = closing.clone();
        async move {
            let chunk = timeout(SILENCE_MAX, answer.chunk());
            // An end for the browser in any case: it asks again, maybe another replica.
            let chunk = closing.run_until_cancelled(chunk).await?.ok()?.ok()??;
            Some((Ok::<_, reqwest::Error>(chunk), answer))
        }
    }))
}

/// The rest of an answer. When it breaks off, it must not look complete: then the connection ends.
fn rest(answer: reqwest::Response) -> Body {
    let deadline = Instant::now() + BODY_TIMEOUT;
    Body::from_stream(stream::unfold(answer, move |mut answer| async move {
        let chunk = match timeout_at(deadline, answer.chunk()).await {
            Ok(chunk) => chunk.map_err(axum::BoxError::from).transpose()?,
            Err(late) => Err(late.into()),
        };
        Some((chunk, answer))
    }))
}
