//! Finding the addresses behind a name, again and again, as they come and go.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use service::resolve::look_up;
use tokio::time::{Instant, sleep};

use super::place::Place;

/// How often a name that has addresses is looked up.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(1);

/// How often one is that has none: a name server that does not know it may ask others, further away. With a round after
/// it, the first instance of a name is there within 3 s all the same.
const LOOKUP_INTERVAL_ABSENT: Duration = Duration::from_millis(1500);

/// Longest wait for a name server; then there are no addresses this time.
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(500);

/// So long a name that has addresses, but none under `tasks.`, is not looked up under that again.
const TASKS_RETRY: Duration = Duration::from_secs(30);

/// A place, and the addresses that it has by now.
#[derive(Debug)]
pub(super) struct Lookup<'a> {
    pub(super) place: &'a Place,
    found: Mutex<Vec<SocketAddr>>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(place: &'a Place) -> Self {
        Self { place, found: Mutex::default() }
    }

    /// The addresses, as they were found last.
    pub(super) fn found(&self) -> Vec<SocketAddr> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks the place up for ever; `is_found` is called after the first time.
    pub(super) async fn keep_looking(&self, is_found: impl FnOnce()) {
        let mut is_found = Some(is_found);
        let mut without_tasks_since = None;
        loop {
            let found: Vec<_> = match self.place {
                Place::Address(address) => vec![*address],
                Place::Name { name, port } => {
                    let found = addresses(name, &mut without_tasks_since).await;
                    found.into_iter().map(|address| (address.ip(), *port).into()).collect()
                }
            };
            let interval = if found.is_empty() { LOOKUP_INTERVAL_ABSENT } else { LOOKUP_INTERVAL };
            *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
            if let Some(is_found) = is_found.take() {
                is_found();
            }
            sleep(interval).await;
        }
    }
}

/// On a Swarm, a service's name may be one address for all its tasks; `tasks.NAME` is all of theirs. Elsewhere there is
/// no such name, which is remembered for a while.
async fn addresses(name: &str, without_tasks_since: &mut Option<Instant>) -> Vec<SocketAddr> {
    if without_tasks_since.is_none_or(|since| since.elapsed() >= TASKS_RETRY) {
        if let Ok(found) = look_up(&format!("tasks.{name}"), LOOKUP_TIMEOUT).await {
            *without_tasks_since = None;
            return found;
        }
        *without_tasks_since = Some(Instant::now());
    }
    let found = look_up(name, LOOKUP_TIMEOUT).await.unwrap_or_default();
    if found.is_empty() {
        // When the service comes, it may have tasks.
        *without_tasks_since = None;
    }
    found
}
