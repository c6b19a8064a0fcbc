//! What to search next, and what was found: decisions without threads and clocks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use devcoin::{Difficulty, SCAN_NONCES};

use crate::order::{Found, Order};
use crate::schedule::Schedule;
use crate::speed::Mining;

/// Coins that are held while the ledger is away; then mining pauses until there is room. Scans under way
/// at that moment add theirs.
pub const HELD_COINS_MAX: usize = 100_000;

/// Scans between the first that is not over and the last that was begun; beyond it, threads wait for the
/// one that is behind.
const OPEN_SCANS_MAX: u64 = 1024;

/// What a thread is to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Next {
    /// Search this scan at this difficulty.
    Scan(u64, Difficulty),
    /// Nothing for so long.
    Wait(Duration),
    /// Nothing until something changes.
    Idle,
}

/// The search and its results.
#[derive(Debug)]
pub(crate) struct Plan {
    difficulty: Difficulty,
    /// When coins are due; none when there is no limit.
    schedule: Option<Schedule>,
    next_scan: u64,
    order: Order,
    /// Coins that are not due yet.
    spare: VecDeque<Found>,
    /// Coins that the ledger has not got yet.
    held: VecDeque<Found>,
    /// Scans that are over.
    scans: u64,
    /// Coins that came due so far.
    found: u64,
    /// Whether mining had to pause; [`Plan::take_paused`] forgets it.
    paused: bool,
}

impl Plan {
    pub(crate) fn new(mining: Mining, now: Instant) -> Self {
        Self {
            difficulty: mining.difficulty,
            schedule: mining.speed.interval().map(|interval| Schedule::new(now, interval)),
            next_scan: 0,
            order: Order::default(),
            spare: VecDeque::new(),
            held: VecDeque::new(),
            scans: 0,
            found: 0,
            paused: false,
        }
    }

    /// From now on something else is mined. Coins that came due before stay what they are; spare ones of
    /// another difficulty are nobody's any more, so that what is set counts at once.
    pub(crate) fn change(&mut self, mining: Mining, now: Instant) {
        self.difficulty = mining.difficulty;
        self.schedule = mining.speed.interval().map(|interval| Schedule::new(now, interval));
        if self.schedule.is_none() {
            let spare = std::mem::take(&mut self.spare);
            self.hold(spare);
        }
    }

    /// What a free thread is to do now.
    pub(crate) fn next(&mut self, now: Instant) -> Next {
        if self.is_full() {
            self.paused = true;
            return Next::Idle;
        }
        while let Some(schedule) = &mut self.schedule {
            let wait = schedule.wait(now);
            if !wait.is_zero() {
                return Next::Wait(wait);
            }
            let mut spare = std::iter::from_fn(|| self.spare.pop_front());
            let Some(coin) = spare.find(|coin| coin.difficulty == self.difficulty) else { break };
            schedule.advance();
            self.hold([coin]);
        }
        if self.next_scan - self.order.first_open() >= OPEN_SCANS_MAX {
            return Next::Idle;
        }
        self.next_scan += 1;
        Next::Scan(self.next_scan - 1, self.difficulty)
    }

    /// A scan is over; these nonces, ascending, are coins.
    pub(crate) fn finish(&mut self, scan: u64, difficulty: Difficulty, nonces: &[u64]) {
        self.scans += 1;
        let found = nonces.iter().map(|nonce| Found { nonce: *nonce, difficulty }).collect();
        let in_order = self.order.put(scan, found);
        match self.schedule {
            Some(_) => self.spare.extend(in_order),
            None => self.hold(in_order),
        }
    }

    fn hold(&mut self, coins: impl IntoIterator<Item = Found>) {
        let before = self.held.len();
        self.held.extend(coins);
        self.found += (self.held.len() - before) as u64;
    }

    /// The next coins for the ledger, all of one difficulty, ascending; they stay held until
    /// [`Plan::note_recorded`] says otherwise.
    pub(crate) fn batch(&self, coins_max: usize) -> (Difficulty, Vec<u64>) {
        let difficulty = self.held.front().map_or(self.difficulty, |coin| coin.difficulty);
        let coins = self.held.iter().take_while(|coin| coin.difficulty == difficulty).take(coins_max);
        (difficulty, coins.map(|coin| coin.nonce).collect())
    }

    /// The ledger has got the first so many coins.
    pub(crate) fn note_recorded(&mut self, coins: usize) {
        self.held.drain(..coins);
    }

    /// Coins that the ledger has not got yet.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Coins that came due so far.
    pub(crate) fn found(&self) -> u64 {
        self.found
    }

    /// What is searched for now.
    pub(crate) fn difficulty(&self) -> Difficulty {
        self.difficulty
    }

    /// Hashes computed so far.
    pub(crate) fn hashes(&self) -> u64 {
        self.scans * SCAN_NONCES
    }

    /// Whether a scan is under way.
    pub(crate) fn is_searching(&self) -> bool {
        self.scans < self.next_scan
    }

    /// Coins of the speed that were left out so far, because they were too late.
    pub(crate) fn left_out(&self) -> u64 {
        self.schedule.as_ref().map_or(0, Schedule::left_out)
    }

    /// Whether mining had to pause since the last call, because too many coins are held.
    pub(crate) fn take_paused(&mut self) -> bool {
        let is_full = self.is_full();
        std::mem::replace(&mut self.paused, is_full)
    }

    fn is_full(&self) -> bool {
        self.held.len() + self.order.coins() >= HELD_COINS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speed::Speed;

    const SECOND: Duration = Duration::from_secs(1);

    fn mining(speed: Speed, difficulty: u8) -> Mining {
        Mining { speed, difficulty: difficulty.try_into().unwrap(), threads_wanted: None }
    }

    fn scan(next: Next) -> (u64, Difficulty) {
        match next {
            Next::Scan(scan, difficulty) => (scan, difficulty),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn coins_beyond_the_one_that_is_due_are_kept_for_the_next_times() {
        let start = Instant::now();
        let mut plan = Plan::new(mining(Speed::Slow, 1), start);
        assert_eq!(plan.next(start), Next::Wait(SECOND / 2));
        let (number, difficulty) = scan(plan.next(start + SECOND / 2));
        plan.finish(number, difficulty, &[3, 5, 8]);
        for second in 1..=3 {
            assert_eq!(plan.next(start + SECOND * second), Next::Wait(SECOND / 2));
            assert_eq!((plan.found(), plan.held()), (second.into(), second as usize));
        }
        assert_eq!(plan.batch(10).1, [3, 5, 8]);
        assert_eq!(scan(plan.next(start + SECOND * 4)).0, 1);
    }

    #[test]
    fn a_coin_that_is_hard_to_find_is_searched_until_it_is_found() {
        let start = Instant::now();
        let mut plan = Plan::new(mining(Speed::Slow, 16), start);
        for expected in 0..5 {
            let (number, difficulty) = scan(plan.next(start + SECOND));
            assert_eq!(number, expected);
            plan.finish(number, difficulty, &[]);
        }
        let (number, difficulty) = scan(plan.next(start + SECOND));
        plan.finish(number, difficulty, &[400_000]);
        assert_eq!(plan.next(start + SECOND), Next::Wait(SECOND / 2));
        assert_eq!((plan.found(), plan.hashes()), (1, 6 * SCAN_NONCES));
    }

    #[test]
    fn without_a_limit_every_coin_counts_in_the_order_of_the_nonces() {
        let now = Instant::now();
        let mut plan = Plan::new(mining(Speed::Unlimited, 8), now);
        let (first, difficulty) = scan(plan.next(now));
        let (second, _) = scan(plan.next(now));
        plan.finish(second, difficulty, &[70_000]);
        assert_eq!((plan.held(), plan.is_searching()), (0, true));
        plan.finish(first, difficulty, &[1, 2]);
        assert_eq!((plan.batch(10).1, plan.is_searching()), (vec![1, 2, 70_000], false));
        plan.note_recorded(2);
        assert_eq!(plan.batch(10).1, [70_000]);
    }

    #[test]
    fn a_batch_has_one_difficulty_also_after_a_change() {
        let now = Instant::now();
        let mut plan = Plan::new(mining(Speed::Unlimited, 8), now);
        let (first, eight) = scan(plan.next(now));
        plan.change(mining(Speed::Unlimited, 9), now);
        let (second, nine) = scan(plan.next(now));
        plan.finish(first, eight, &[1]);
        plan.finish(second, nine, &[70_000]);
        assert_eq!(plan.batch(10), (eight, vec![1]));
        plan.note_recorded(1);
        assert_eq!(plan.batch(10), (nine, vec![70_000]));
    }

    #[test]
    fn spare_coins_count_at_once_when_the_limit_goes() {
        let now = Instant::now();
        let mut plan = Plan::new(mining(Speed::Slow, 1), now);
        let (number, difficulty) = scan(plan.next(now + SECOND));
        plan.finish(number, difficulty, &[1, 2, 3]);
        plan.change(mining(Speed::Unlimited, 1), now);
        assert_eq!(plan.batch(10).1, [1, 2, 3]);
    }

    #[test]
    fn spare_coins_of_another_difficulty_do_not_come_due_after_a_change() {
        let start = Instant::now();
        let mut plan = Plan::new(mining(Speed::Slow, 1), start);
        let (first, easy) = scan(plan.next(start + SECOND));
        plan.finish(first, easy, &[1, 2, 3]);
        let (under_way, _) = scan(plan.next(start + SECOND * 9));
        plan.change(mining(Speed::Slow, 20), start);
        plan.finish(under_way, easy, &[70_000]);
        let (third, hard) = scan(plan.next(start + SECOND));
        assert_eq!((plan.found(), hard.bits()), (3, 20));
        plan.finish(third, hard, &[140_000]);
        assert_eq!(plan.next(start + SECOND), Next::Wait(SECOND / 2));
        plan.note_recorded(3);
        assert_eq!(plan.batch(10), (hard, vec![140_000]));
    }

    #[test]
    fn coins_that_wait_for_an_earlier_scan_take_room_too() {
        let now = Instant::now();
        let mut plan = Plan::new(mining(Speed::Unlimited, 1), now);
        let (behind, difficulty) = scan(plan.next(now));
        let (number, _) = scan(plan.next(now));
        let first = SCAN_NONCES;
        plan.finish(number, difficulty, &(first..first + HELD_COINS_MAX as u64).collect::<Vec<_>>());
        assert_eq!((plan.held(), plan.next(now)), (0, Next::Idle));
        plan.finish(behind, difficulty, &[]);
        assert_eq!((plan.held(), plan.next(now)), (HELD_COINS_MAX, Next::Idle));
    }

    #[test]
    fn mining_pauses_while_too_many_coins_are_held() {
        let now = Instant::now();
        let mut plan = Plan::new(mining(Speed::Unlimited, 1), now);
        let (number, difficulty) = scan(plan.next(now));
        plan.finish(number, difficulty, &(0..HELD_COINS_MAX as u64).collect::<Vec<_>>());
        assert_eq!(plan.next(now), Next::Idle);
        assert!(plan.take_paused() && plan.take_paused());
        plan.note_recorded(1);
        assert_eq!(scan(plan.next(now)).0, 1);
        assert!(plan.take_paused() && !plan.take_paused());
    }

    #[test]
    fn threads_wait_for_one_that_is_far_behind() {
        let now = Instant::now();
        let mut plan = Plan::new(mining(Speed::Unlimited, 16), now);
        let (behind, difficulty) = scan(plan.next(now));
        for expected in 1..OPEN_SCANS_MAX {
            let (number, difficulty) = scan(plan.next(now));
            assert_eq!(number, expected);
            plan.finish(number, difficulty, &[]);
        }
        assert_eq!(plan.next(now), Next::Idle);
        plan.finish(behind, difficulty, &[]);
        assert_eq!(scan(plan.next(now)).0, OPEN_SCANS_MAX);
    }
}
