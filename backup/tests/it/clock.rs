//! A clock that stands still until the test lets it go on.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use backup::Clock;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// The service's side.
pub(crate) struct TestClock {
    now: Mutex<Timestamp>,
    sleeping: mpsc::Sender<Sleeping>,
}

/// Somebody who sleeps: it has done what was to be done at this moment.
pub(crate) struct Sleeping {
    pub(crate) time: Duration,
    wake: oneshot::Sender<()>,
}

impl TestClock {
    /// One that shows this time, and where it tells of who sleeps.
    pub(crate) fn new(now: &str) -> (std::sync::Arc<Self>, mpsc::Receiver<Sleeping>) {
        let (sleeping, sleepers) = mpsc::channel(1);
        let clock = Self { now: Mutex::new(now.parse().unwrap()), sleeping };
        (std::sync::Arc::new(clock), sleepers)
    }

    /// Goes on by as much as somebody wanted to sleep, or by more or less.
    pub(crate) fn pass(&self, sleeping: Sleeping, time: SignedDuration) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += time;
        // The service may have been stopped meanwhile.
        let _ = sleeping.wake.send(());
    }
}

/// Waits until the service has nothing to do at this moment.
pub(crate) async fn asleep(sleepers: &mut mpsc::Receiver<Sleeping>) -> Sleeping {
    let sleeping = timeout(testing::LIMIT, sleepers.recv()).await;
    sleeping.unwrap_or_else(|_| panic!("it is never done")).unwrap_or_else(|| panic!("it has ended"))
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        async move {
            let (wake, woken) = oneshot::channel();
            // Without a test there is nobody to go on for.
            if self.sleeping.send(Sleeping { time, wake }).await.is_err() || woken.await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        .boxed()
    }
}
