//! The yard: every instance, as it tells of itself at `/whoami`, for whoever looks at the page.
//!
//! Nobody is asked while nobody looks. All who look share one round of questions a second, and each is sent what has
//! changed since what they were sent before.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router, routing};
use futures_util::stream;
use service::error::HttpError;
use service::server::Closing;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

mod changes;
mod instances;
mod knobs;
mod lookup;
mod place;
mod report;
mod rounds;

pub use place::Place;
pub(crate) use rounds::Rounds;

use changes::Changes;
use instances::Snapshot;

/// Most viewers at once; further ones get 503 and are asked to come again, to another replica perhaps.
const VIEWERS_MAX: usize = 200;

/// When a viewer whose connection was lost is to come again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// So long nobody has to look before the questions stop: a page that is loaded again goes on where it was.
const LINGER: Duration = Duration::from_secs(3);

/// `GET /yard/events`: Server-Sent Events `yard`, one a second, of which the first has all; and the instances' knobs.
///
/// # Errors
/// When the HTTP client cannot be set up.
pub(crate) fn routes(viewers: Arc<Viewers>) -> anyhow::Result<Router> {
    let knobs = knobs::routes(viewers.clone())?;
    Ok(Router::new().route("/yard/events", routing::get(events)).with_state(viewers).merge(knobs))
}

/// Those who look, and what there is to see.
#[derive(Debug)]
pub(crate) struct Viewers {
    /// Nothing before the first round after somebody came.
    snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    /// Somebody came.
    came: Notify,
    slots: Arc<Semaphore>,
}

impl Viewers {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            snapshots: watch::Sender::new(None),
            came: Notify::new(),
            slots: Arc::new(Semaphore::new(VIEWERS_MAX)),
        })
    }

    /// Looks once; none when nobody asks any more, at the stop.
    async fn look(&self) -> Option<Arc<Snapshot>> {
        let mut snapshots = self.snapshots.subscribe();
        self.came.notify_one();
        snapshots.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Waits until somebody looks.
    async fn wait_for_one(&self) {
        while self.snapshots.receiver_count() == 0 {
            self.came.notified().await;
        }
    }

    /// Waits until nobody has looked for [`LINGER`].
    async fn wait_for_none(&self) {
        loop {
            self.snapshots.closed().await;
            tokio::time::sleep(LINGER).await;
            if self.snapshots.receiver_count() == 0 {
                return;
            }
        }
    }

    fn show(&self, snapshot: Option<Snapshot>) {
        self.snapshots.send_replace(snapshot.map(Arc::new));
    }
}

async fn events(State(viewers): State<Arc<Viewers>>, Extension(Closing(closing)): Extension<Closing>) -> Response {
    let Ok(slot) = viewers.slots.clone().try_acquire_owned() else {
        let message = format!("{VIEWERS_MAX} look at the yard already: come again later");
        let error = HttpError::new(StatusCode::SERVICE_UNAVAILABLE, message);
        return ([("retry-after", "5")], error).into_response();
    };
    let mut snapshots = viewers.snapshots.subscribe();
    // What is there already is news to who comes.
    snapshots.mark_changed();
    viewers.came.notify_one();
    let viewer = Viewer { snapshots, before: None, closing, _slot: slot };
    let events = stream::unfold(viewer, async |mut viewer| {
        let event = viewer.next().await?;
        Some((Ok::<_, Infallible>(event), viewer))
    });
    // nginx would collect events until its buffer is full.
    ([("x-accel-buffering", "no")], Sse::new(events)).into_response()
}

/// One who looks. Nothing is queued: whoever reads slowly gets what has changed since the last time.
struct Viewer {
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    /// What was sent last.
    before: Option<Arc<Snapshot>>,
    closing: CancellationToken,
    _slot: OwnedSemaphorePermit,
}

impl Viewer {
    /// What is to be sent next; none at the stop of the service.
    async fn next(&mut self) -> Option<Event> {
        let Self { snapshots, before, closing, .. } = self;
        let next = async {
            loop {
                // It fails when nobody asks any more, at the stop.
                snapshots.changed().await.ok()?;
                if let Some(snapshot) = snapshots.borrow_and_update().clone() {
                    return Some(snapshot);
                }
            }
        };
        let now = closing.run_until_cancelled(next).await??;
        let is_first = before.is_none();
        let event = Event::default().event("yard").json_data(Changes::between(before.as_deref(), &now)).ok()?;
        *before = Some(now);
        Some(if is_first { event.retry(RETRY_DELAY) } else { event })
    }
}
