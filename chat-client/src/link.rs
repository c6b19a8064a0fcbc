//! A connection that comes back: it connects, passes requests and messages on, and after a loss tries
//! again with growing, jittered waits.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use chat_protocol::{Request, ServerMessage};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::address::Address;
use crate::connection::Connection;

/// First wait before connecting again; each later one is twice as long.
const RETRY_DELAY_MIN: Duration = Duration::from_millis(250);

/// Longest wait before connecting again (before jitter, which at most doubles it): who reads is back within 3 s of the
/// node.
const RETRY_DELAY_MAX: Duration = Duration::from_millis(1500);

/// A connection that stood this long was a good one: the waits begin small again.
const GOOD_CONNECTION: Duration = Duration::from_secs(10);

/// Wait before joining a room again that could not be joined after a loss: its node may be on its way.
pub(crate) const REJOIN_DELAY: Duration = Duration::from_secs(2);

/// Longest time of such tries; then the room counts as gone.
pub(crate) const REJOIN_LIMIT: Duration = Duration::from_mins(1);

/// Events that wait for the reader; then the link reads no more from the node.
const EVENTS_MAX: usize = 1024;

/// Requests that wait for the node to take them; with more, [`Link::send`] gives the connection up.
const REQUESTS_MAX: usize = 64;

/// Longest wait for the link's task at the end: a connection's close has its own, shorter limit.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// What happens on a link.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// There is a connection, a new one: whoever was in a room has to join again.
    Connected,
    /// There is no connection, and the next try is at this time.
    Lost { reason: String, next_try: Instant },
    /// The node sent this.
    Message(ServerMessage),
}

#[derive(Debug)]
enum Report {
    Connected(mpsc::Sender<Request>),
    Lost { reason: String, next_try: Instant },
    Message(ServerMessage),
}

/// A link to a node; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Link {
    reports: mpsc::Receiver<Report>,
    /// Leads to the connection of which the reader knows: a request never gets into a later one.
    requests: Option<mpsc::Sender<Request>>,
    end: CancellationToken,
    task: JoinHandle<()>,
}

impl Link {
    /// Begins to connect.
    pub(crate) fn open(address: Address) -> Self {
        let (sender, reports) = mpsc::channel(EVENTS_MAX);
        let end = CancellationToken::new();
        let task = tokio::spawn(run(address, sender, end.clone()));
        Self { reports, requests: None, end, task }
    }

    /// The next event; `None` never comes while this exists. It may be dropped while it waits.
    pub(crate) async fn event(&mut self) -> Option<LinkEvent> {
        Some(match self.reports.recv().await? {
            Report::Connected(requests) => {
                self.requests = Some(requests);
                LinkEvent::Connected
            }
            Report::Lost { reason, next_try } => {
                self.requests = None;
                LinkEvent::Lost { reason, next_try }
            }
            Report::Message(message) => LinkEvent::Message(message),
        })
    }

    /// Whether no event waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.reports.is_empty()
    }

    /// Sends a request on the connection that was reported last. If that is lost by now, so is the
    /// request: the next event tells.
    pub(crate) fn send(&mut self, request: Request) {
        if self.requests.as_ref().is_some_and(|requests| requests.try_send(request).is_err()) {
            // Lost, or a node that takes nothing: without a sender, the connection is given up.
            self.requests = None;
        }
    }

    /// Ends the link politely: what was sent goes out, then the connection is closed.
    pub(crate) async fn close(mut self) {
        self.end.cancel();
        self.requests = None;
        // Nobody reads any more, so that a full queue holds nothing up.
        self.reports.close();
        // A task that takes longer ends with the program.
        let _ = timeout(END_TIMEOUT, &mut self.task).await;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// Connects again and again, until `end` or until nobody listens.
async fn run(address: Address, reports: mpsc::Sender<Report>, end: CancellationToken) {
    let mut delays = delays();
    loop {
        let Some(opened) = end.run_until_cancelled(Connection::open(&address)).await else { return };
        let start = Instant::now();
        let reason = match opened {
            Ok(connection) => match converse(connection, &reports, &end).await {
                Some(reason) => reason,
                None => return,
            },
            Err(lost) => lost.to_string(),
        };
        if start.elapsed() > GOOD_CONNECTION {
            delays = self::delays();
        }
        let next_try = Instant::now() + delays.next().unwrap_or(RETRY_DELAY_MAX);
        if reports.send(Report::Lost { reason, next_try }).await.is_err() {
            return;
        }
        if end.run_until_cancelled(sleep_until(next_try)).await.is_none() {
            return;
        }
    }
}

fn delays() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(RETRY_DELAY_MIN)
        .with_max_delay(RETRY_DELAY_MAX)
        .with_jitter()
        .without_max_times()
        .build()
}

/// Passes requests and messages on until the connection is lost, and says why; `None` at the end.
async fn converse(
    mut connection: Connection,
    reports: &mpsc::Sender<Report>,
    end: &CancellationToken,
) -> Option<String> {
    let (sender, mut requests) = mpsc::channel(REQUESTS_MAX);
    reports.send(Report::Connected(sender)).await.ok()?;
    loop {
        tokio::select! {
            // What was asked before the end goes out before it.
            biased;
            request = requests.recv() => {
                let Some(request) = request else {
                    connection.close().await;
                    return (!end.is_cancelled()).then(|| "too many requests wait for the node".to_owned());
                };
                if let Err(lost) = connection.send(&request).await {
                    return Some(lost.to_string());
                }
            }
            message = connection.next() => match message {
                Ok(message) => reports.send(Report::Message(message)).await.ok()?,
                Err(lost) => return Some(lost.to_string()),
            },
        }
    }
}
