//! The times at which the coins of a named speed are due.

use std::time::{Duration, Instant};

/// Longest delay that is made up for. Coins that are later than this are left out, so that a miner that
/// stood still for an hour does not find an hour's coins at once.
pub const CATCH_UP_MAX: Duration = Duration::from_secs(5);

/// One coin after the other, at fixed times since the start: a late one does not move those after it.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    next: Instant,
    left_out: u64,
}

impl Schedule {
    /// The first coin is due after half an interval, so that whoever counts over whole seconds counts no
    /// coin too many or too few.
    pub(crate) fn new(start: Instant, interval: Duration) -> Self {
        Self { interval, next: start + interval / 2, left_out: 0 }
    }

    /// How long it is from `now` until a coin is due; zero when one is. Coins that are too late by then
    /// are left out.
    pub(crate) fn wait(&mut self, now: Instant) -> Duration {
        let too_late = now.saturating_duration_since(self.next).saturating_sub(CATCH_UP_MAX);
        // A miner that stood still for 2³² intervals, 13 years, needs several calls.
        let left_out = too_late.as_nanos().div_ceil(self.interval.as_nanos()).try_into().unwrap_or(u32::MAX);
        self.next += self.interval * left_out;
        self.left_out += u64::from(left_out);
        self.next.saturating_duration_since(now)
    }

    /// Coins that were left out so far.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The coin that is due was found.
    pub(crate) fn advance(&mut self) {
        self.next += self.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const HALF: Duration = Duration::from_millis(500);

    /// The coins that are due at this time.
    fn due(schedule: &mut Schedule, now: Instant) -> usize {
        let mut coins = 0;
        while schedule.wait(now).is_zero() {
            schedule.advance();
            coins += 1;
        }
        coins
    }

    #[test]
    fn whole_seconds_have_the_coins_of_the_speed() {
        let start = Instant::now();
        for coins in [1, 2, 3, 10] {
            let mut schedule = Schedule::new(start, SECOND / coins);
            for second in 1..=10_000 {
                assert_eq!(due(&mut schedule, start + SECOND * second), coins as usize, "second {second}");
            }
        }
    }

    #[test]
    fn a_late_coin_does_not_move_the_next_one() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, SECOND);
        assert_eq!(schedule.wait(start), HALF);
        let late = start + Duration::from_millis(1400);
        assert!(schedule.wait(late).is_zero());
        schedule.advance();
        assert_eq!(schedule.wait(late), Duration::from_millis(100));
    }

    #[test]
    fn after_a_long_stall_only_the_last_seconds_are_made_up_for_and_the_rhythm_stays() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, SECOND / 10);
        let late = start + SECOND * 3600;
        let coins = due(&mut schedule, late);
        assert_eq!((coins, schedule.left_out()), (50, 36_000 - 50));
        assert_eq!(schedule.wait(late), Duration::from_millis(50));
    }
}
