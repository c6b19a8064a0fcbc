//! Waiting for a dependency that is not there yet: normal at start, and after an update.

use std::fmt::Display;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio_util::sync::CancellationToken;

/// First wait between two tries; each later one is twice as long.
pub const RETRY_DELAY_MIN: Duration = Duration::from_millis(250);

/// Longest wait between two tries (before jitter): a dependency that comes back is found this soon.
pub const RETRY_DELAY_MAX: Duration = Duration::from_secs(5);

/// Calls `connect` until it succeeds, and returns what it gave; `None` once `shutdown` is cancelled.
///
/// Waits between tries grow from [`RETRY_DELAY_MIN`] to [`RETRY_DELAY_MAX`], with jitter, so that
/// replicas which lost the same dependency do not come back all at once. Each failed try logs one
/// line: `waiting for redis: name not found, next try in 2.0 s`. `connect` must look names up anew
/// and bear its own time limit.
pub async fn wait_for<T, E: Display, F: Future<Output = Result<T, E>>>(
    dependency: &str,
    shutdown: &CancellationToken,
    connect: impl FnMut() -> F,
) -> Option<T> {
    let tries = connect.retry(delays()).notify(|error, delay| {
        let delay_seconds = delay.as_secs_f64();
        tracing::warn!(dependency, delay_seconds, "{}", line(dependency, error, delay));
    });
    // Without a last try, the only way out with an error is none at all.
    shutdown.run_until_cancelled(tries).await?.ok()
}

/// The waits of [`wait_for`], without an end, for who tries again in its own way.
#[must_use]
pub fn delays() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(RETRY_DELAY_MIN)
        .with_max_delay(RETRY_DELAY_MAX)
        .with_jitter()
        .without_max_times()
}

fn line(dependency: &str, error: &impl Display, delay: Duration) -> String {
    format!("waiting for {dependency}: {error}, next try in {:.1} s", delay.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_dependency_that_comes_late_is_waited_for_with_growing_capped_delays() {
        let (tries, start) = (Cell::new(0_u32), Instant::now());
        let last = Cell::new(start);
        let longest = Cell::new(Duration::ZERO);
        let shutdown = CancellationToken::new();
        let found = wait_for("redis", &shutdown, || async {
            tries.set(tries.get() + 1);
            longest.set(longest.get().max(last.replace(Instant::now()).elapsed()));
            if tries.get() < 20 { Err("name not found") } else { Ok("redis") }
        });
        assert_eq!(found.await, Some("redis"));
        assert_eq!(tries.get(), 20);
        // Without jitter: 0.25 s, 0.5 s, 1 s, 2 s, 4 s, and 14 times 5 s.
        assert!(start.elapsed() > Duration::from_millis(77_751), "{:?}", start.elapsed());
        // Jitter adds at most the delay itself.
        assert!(longest.get() > RETRY_DELAY_MIN && longest.get() <= 2 * RETRY_DELAY_MAX, "{:?}", longest.get());
    }

    #[test]
    fn a_failed_try_is_one_friendly_line() {
        let line = line("redis", &"name not found", Duration::from_secs(2));
        assert_eq!(line, "waiting for redis: name not found, next try in 2.0 s");
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_stops_at_shutdown_during_a_delay() {
        let shutdown = CancellationToken::new();
        let stopper = shutdown.clone();
        let waiting = wait_for("redis", &shutdown, || async { Err::<(), _>("refused") });
        let (found, ()) = tokio::join!(waiting, async move {
            tokio::time::sleep(Duration::from_mins(1)).await;
            stopper.cancel();
        });
        assert_eq!(found, None);
    }
}
