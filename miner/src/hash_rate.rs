//! How many hashes a second are computed.

use std::time::{Duration, Instant};

/// The time over which the rate is taken, at least, once that much has passed.
const WINDOW: Duration = Duration::from_secs(5);

/// The rate of the last whole window; before the first is over, of the time so far.
#[derive(Debug)]
pub(crate) struct HashRate {
    since: Instant,
    hashes: u64,
    rate: Option<u64>,
}

impl HashRate {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, hashes: 0, rate: None }
    }

    /// Takes the number of all hashes up to now; gives hashes a second.
    pub(crate) fn update(&mut self, now: Instant, hashes: u64) -> u64 {
        let time = now.saturating_duration_since(self.since);
        if time < WINDOW && self.rate.is_some() {
            return self.rate.unwrap_or_default();
        }
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = (hashes - self.hashes).saturating_mul(1000) / milliseconds;
        if time >= WINDOW {
            *self = Self { since: now, hashes, rate: Some(rate) };
        }
        rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_window() {
        let start = Instant::now();
        let mut rate = HashRate::new(start);
        assert_eq!(rate.update(start, 0), 0);
        assert_eq!(rate.update(start + Duration::from_secs(2), 1000), 500);
        assert_eq!(rate.update(start + Duration::from_secs(5), 1000), 200);
        assert_eq!(rate.update(start + Duration::from_secs(6), 90_000), 200);
        assert_eq!(rate.update(start + Duration::from_secs(15), 101_000), 10_000);
    }
}
