//! Asking: one request after the other, as the plan has it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout_at};

use super::pace::Pacer;
use super::tally::{Tally, Timing};
use crate::http_client::connection::End;
use crate::http_client::{Addresses, Answer, Connection, Failure, NoAnswer, Target};

/// Pause after a request without an answer, where nothing else holds the next one up: whoever refuses is not asked
/// by all the processor can.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(10);

/// What all workers share.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) addresses: Arc<Addresses>,
    /// Whether a connection carries one request, and no more.
    pub(crate) fresh: bool,
    /// For a connection and the whole answer.
    pub(crate) timeout: Duration,
    pub(crate) turns: Turns,
}

/// When a worker sends its next request.
#[derive(Debug)]
pub(crate) enum Turns {
    /// When it has the answer to the one before, until it is over.
    Closed { is_over: AtomicBool },
    /// When one is due.
    Open(Arc<Pacer>),
}

/// When a request was due, where that is not simply now.
#[derive(Clone, Copy, Debug)]
struct Turn {
    due: Option<Instant>,
}

impl Turns {
    /// Waits for a worker's turn; nothing when there are no more.
    async fn next(&self) -> Option<Turn> {
        match self {
            Self::Closed { is_over } => (!is_over.load(Relaxed)).then_some(Turn { due: None }),
            Self::Open(pacer) => Some(Turn { due: Some(pacer.next().await?) }),
        }
    }

    /// How many requests were due, and had no connection.
    pub(crate) fn not_sent(&self) -> u64 {
        match self {
            Self::Closed { .. } => 0,
            Self::Open(pacer) => pacer.not_sent(),
        }
    }

    /// Lets no request begin from now on.
    pub(crate) fn end_now(&self) {
        match self {
            Self::Closed { is_over } => is_over.store(true, Relaxed),
            Self::Open(pacer) => pacer.end_now(),
        }
    }
}

impl Plan {
    /// A worker: asks at each of its turns, to the end.
    pub(crate) async fn work(self: Arc<Self>, tally: Arc<Mutex<Tally>>) {
        let mut kept = None;
        while let Some(Turn { due }) = self.turns.next().await {
            let sent = Instant::now();
            let outcome = self.ask(&mut kept, sent + self.timeout).await;
            let timing = Timing { due, sent, answered: Instant::now() };
            tally.lock().unwrap_or_else(PoisonError::into_inner).note(timing, &outcome);
            if outcome.is_err() && due.is_none() {
                sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }

    /// Sends one request, on the connection that was kept if it still stands.
    async fn ask(&self, kept: &mut Option<Connection>, deadline: Instant) -> Result<Answer, Failure> {
        let deadline = deadline.into();
        loop {
            let usable = usable(kept.take()).await;
            let is_new = usable.is_none();
            let mut connection = if let Some(connection) = usable {
                connection
            } else {
                let end = if self.fresh { End::Reset } else { End::Orderly };
                let opening = timeout_at(deadline, Connection::open(&self.addresses, end));
                opening.await.unwrap_or(Err(Failure::NotConnected))?
            };
            match timeout_at(deadline, connection.ask(self.target.request())).await {
                Ok(Ok(answer)) => {
                    if !self.fresh {
                        *kept = Some(connection);
                    }
                    return Ok(answer);
                }
                // The server ended it while nothing was asked: no request is lost, a new connection carries it.
                Ok(Err(NoAnswer::NotAsked)) if !is_new => {}
                Ok(Err(NoAnswer::NotAsked)) => return Err(Failure::Closed),
                Ok(Err(NoAnswer::Failed(failure))) => return Err(failure),
                Err(_) => return Err(Failure::TimedOut),
            }
        }
    }
}

/// A connection that was kept, if it still stands.
async fn usable(kept: Option<Connection>) -> Option<Connection> {
    let mut connection = kept?;
    connection.is_usable().await.then_some(connection)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::thread;

    /// A server that ends each connection after one answer, without saying so before.
    fn curt_server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().map(Result::unwrap) {
                let head = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
                assert!(head.take_while(|line| !line.is_empty()).count() > 1);
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn a_connection_that_ended_while_nothing_was_asked_costs_no_request() {
        let target: Target = curt_server().to_string().parse().unwrap();
        let addresses = Addresses::of(&target).await.unwrap();
        let turns = Turns::Closed { is_over: AtomicBool::new(false) };
        let timeout = Duration::from_mins(1);
        let plan = Plan { target, addresses, fresh: false, timeout, turns };
        let mut kept = None;
        for _ in 0..3 {
            let answer = plan.ask(&mut kept, Instant::now() + timeout).await.unwrap();
            assert_eq!((answer.status.as_u16(), answer.size), (200, 2));
            // Until its end is known here.
            while kept.as_mut().unwrap().is_usable().await {
                tokio::task::yield_now().await;
            }
        }
    }
}
