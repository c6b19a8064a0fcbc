//! Waiting for a dependency that is not there yet: normal at start, and after an update.

use std::time::Duration;

use backon::ExponentialBuilder;

/// First wait between two tries; each later one is twice as long.
pub const RETRY_DELAY_MIN: Duration = Duration::from_millis(250);

/// Longest wait between two tries (before jitter): a dependency that comes back is found this soon.
pub const RETRY_DELAY_MAX: Duration = Duration::from_secs(5);

/// The waits between tries, without an end: from [`RETRY_DELAY_MIN`] to [`RETRY_DELAY_MAX`], with jitter, which
/// adds at most the wait itself, so that replicas which lost the same dependency do not come back all at once.
#[must_use]
pub fn delays() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(RETRY_DELAY_MIN)
        .with_max_delay(RETRY_DELAY_MAX)
        .with_jitter()
        .without_max_times()
}

#[cfg(test)]
mod tests {
    use backon::BackoffBuilder;

    use super::*;

    #[test]
    fn waits_grow_up_to_a_limit_and_do_not_end() {
        let delays: Vec<_> = delays().build().take(20).collect();
        assert_eq!(delays.len(), 20);
        // Without jitter: 0.25 s, 0.5 s, 1 s, 2 s, 4 s, and 15 times 5 s.
        assert!(delays.iter().sum::<Duration>() >= Duration::from_millis(82_750), "{delays:?}");
        assert!(delays.iter().all(|delay| (RETRY_DELAY_MIN..=2 * RETRY_DELAY_MAX).contains(delay)), "{delays:?}");
    }
}
