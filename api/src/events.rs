//! `GET /events`: coins and figures as they come, as Server-Sent Events.
//!
//! Nothing is queued for a client: what it is to get next is looked up when it has room for it. So a client
//! that reads slowly misses coins that are not recent any more, and costs nobody anything; one that reads
//! nothing is dropped by the kernel ([`service::server::UNREAD_ANSWER_TIMEOUT`]).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use devcoin::ledger::CoinId;
use futures_util::stream;
use serde::Deserialize;
use service::error::HttpError;
use service::server::Closing;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

use crate::App;
use crate::openapi::Problem;
use listener::Listener;

mod listener;

/// Most clients at once; further ones get 503 and are asked to come again, to another replica perhaps.
pub(crate) const CLIENTS_MAX: usize = 500;

/// When a client whose connection was lost is to come again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Longest silence; then a comment is sent, so that nobody on the way takes the connection for a dead one.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);

const LAST_EVENT_ID: &str = "last-event-id";

/// Where a client wants to begin.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// A coin's `id`: begin with the coins after it, as far as they are still among the recent ones; `0-0`
    /// gives all of those. The header Last-Event-ID, which a browser sends by itself, wins
    after: Option<String>,
}

/// Coins and figures as they come, as Server-Sent Events
///
/// Event `coins`: an array of coins, the oldest first, up to 100, up to four times a second. Its id is the
/// place of the last one: who comes again with that as Last-Event-ID, to whichever replica, gets the coins
/// after it. When coins come faster than that, some are left out; `stats` counts them. When the ledger was
/// emptied, coins may come again.
/// Event `stats`: every second, the same as `GET /stats`.
/// Event `stale`: when the ledger goes away, `{"stale":true,"reason":"…"}`, and comes back, `{"stale":false}`.
#[utoipa::path(get, path = "/events", params(
    EventsQuery,
    ("last-event-id" = Option<String>, Header, description = "The id of the last event that was received"),
), responses(
    (status = OK, description = "Events, without end", content_type = "text/event-stream", body = String),
    (status = BAD_REQUEST, description = "The place to begin at is none", body = Problem),
    (status = SERVICE_UNAVAILABLE, description = "There are too many clients", body = Problem),
))]
pub(crate) async fn events(
    State(app): State<App>,
    Extension(Closing(closing)): Extension<Closing>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Response {
    let place = match place(&headers, query) {
        Ok(place) => place,
        Err(error) => return error.into_response(),
    };
    let Ok(slot) = app.event_slots.clone().try_acquire_owned() else {
        let message = format!("{CLIENTS_MAX} clients listen already: come again later");
        let error = HttpError::new(StatusCode::SERVICE_UNAVAILABLE, message);
        return ([("retry-after", "5")], error).into_response();
    };
    let place = place.unwrap_or_else(|| app.last_place());
    // An id without data: the client keeps it, and does not miss what comes while it is not connected.
    let first = Event::default().retry(RETRY_DELAY).id(place.to_string());
    let listener = Listener::new(&app, place, closing, Slot::new(slot));
    let events = stream::unfold((Some(first), listener), async |(first, mut listener)| match first {
        Some(first) => Some((Ok::<_, Infallible>(first), (None, listener))),
        None => listener.next().await.map(|event| (Ok(event), (None, listener))),
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE_INTERVAL).text("still here"));
    // nginx would collect events until its buffer is full.
    ([("x-accel-buffering", "no")], events).into_response()
}

/// Where a client wants to begin, if it says so.
fn place(headers: &HeaderMap, query: EventsQuery) -> Result<Option<CoinId>, HttpError> {
    let header = headers.get(LAST_EVENT_ID).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let (name, text) = match (header, query.after) {
        (Some(text), _) if !text.is_empty() => ("Last-Event-ID", text),
        (_, Some(text)) => ("after", text),
        _ => return Ok(None),
    };
    let wrong = |error| HttpError::new(StatusCode::BAD_REQUEST, format!("{name} is '{text}': {error}"));
    text.parse().map(Some).map_err(wrong)
}

/// One of the [`CLIENTS_MAX`] places, which the figures count.
struct Slot(#[allow(dead_code, reason = "it is given back when dropped")] OwnedSemaphorePermit);

impl Slot {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        metrics::gauge!("api_event_clients").increment(1);
        Self(permit)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        metrics::gauge!("api_event_clients").decrement(1);
    }
}

/// The places for clients.
pub(crate) fn slots() -> Arc<tokio::sync::Semaphore> {
    metrics::describe_gauge!("api_event_clients", "Clients that listen to events");
    Arc::new(tokio::sync::Semaphore::new(CLIENTS_MAX))
}
