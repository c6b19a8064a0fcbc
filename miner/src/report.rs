//! What a learner reads: one line every few seconds.

use std::time::{Duration, Instant};

use devcoin::ledger::LedgerError;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::ground::{Ground, Tally};
use crate::recorder::Status;

/// How often a line tells what was found.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// A coin that takes longer is worth a warning: nobody waits for it.
const COIN_TIME_MAX: Duration = Duration::from_hours(1);

/// Tells what was found, for ever.
pub(crate) async fn run(ground: &Ground, status: &watch::Receiver<Status>) {
    let mut ticks = interval(REPORT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once.
    ticks.tick().await;
    let (mut start, mut before) = (Instant::now(), ground.tally());
    let mut warned_of = None;
    loop {
        ticks.tick().await;
        let (now, tally, paused) = (Instant::now(), ground.tally(), ground.take_paused());
        let Tally { difficulty, held, .. } = tally;
        tracing::info!(
            found = tally.found - before.found,
            hashes = tally.hashes - before.hashes,
            held,
            duration_seconds = (now - start).as_secs_f64(),
            "{}",
            line(now - start, before, tally, &status.borrow(), paused)
        );
        let long = time_for_a_coin(now - start, before, tally).filter(|time| *time > COIN_TIME_MAX && !paused);
        if let Some(time) = long
            && warned_of.replace(difficulty) != Some(difficulty)
        {
            tracing::warn!(
                duration_seconds = time.as_secs(),
                "a coin of difficulty {difficulty} takes {} here: set DIFFICULTY lower to see some",
                rough_time(time)
            );
        }
        (start, before) = (now, tally);
    }
}

fn line(time: Duration, before: Tally, tally: Tally, status: &Status, paused: bool) -> String {
    let (coins, hashes) = (tally.found - before.found, tally.hashes - before.hashes);
    let seconds = time.as_secs_f64();
    // Neither comes near the 2⁵² that a float holds exactly.
    #[allow(clippy::cast_precision_loss)]
    let a_second = coins as f64 / seconds;
    let coins_word = if coins == 1 { "coin" } else { "coins" };
    let work = match (hashes.checked_div(coins), time_for_a_coin(time, before, tally)) {
        (Some(hashes), _) => format!("{} hashes each", rough(hashes)),
        (None, Some(time)) => format!("{} hashes tried (a coin takes {} here)", rough(hashes), rough_time(time)),
        (None, None) => "nothing tried".to_owned(),
    };
    let recorded = match (tally.held, &status.problem) {
        (0, None) => "all recorded".to_owned(),
        (0, Some(LedgerError::Away(_))) => "the ledger is away".to_owned(),
        (0, Some(LedgerError::Refused(_))) => "the ledger takes none".to_owned(),
        (held, None) => format!("{held} on the way to the ledger"),
        (held, Some(_)) => format!("{held} waiting for the ledger"),
    };
    let ledger = match (status.blocks, &status.problem) {
        (Some(blocks), None) => format!("; {blocks} in the ledger"),
        (Some(blocks), Some(_)) => format!("; {blocks} in the ledger when it was last there"),
        (None, _) => String::new(),
    };
    let note = match tally.left_out.saturating_sub(before.left_out) {
        _ if paused => "; mining pauses when that many wait",
        0 => "",
        _ => "; this machine is too slow for this speed and difficulty",
    };
    format!("{coins} {coins_word} in {seconds:.0} s ({a_second:.1} a second), {work}, {recorded}{ledger}{note}")
}

/// How long a coin takes on average, as fast as hashes were tried; none if none were, or coins were found, between
/// which a miner may have nothing to do.
fn time_for_a_coin(time: Duration, before: Tally, tally: Tally) -> Option<Duration> {
    let hashes = u128::from(tally.hashes - before.hashes);
    if hashes == 0 || tally.found > before.found {
        return None;
    }
    // It saturates far beyond the age of the universe.
    let seconds = tally.difficulty.hashes().saturating_mul(time.as_millis()) / hashes / 1000;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)))
}

/// A time as people say it: `12 days`.
fn rough_time(time: Duration) -> String {
    const UNITS: [(u64, &str); 5] =
        [(365 * 24 * 3600, "years"), (24 * 3600, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds")];
    let seconds = time.as_secs();
    // Two of a unit, at least: `90 minutes`, rather than `1 hours`.
    let unit = UNITS.into_iter().find(|(unit, _)| seconds >= 2 * unit);
    unit.map_or_else(|| "a second".to_owned(), |(unit, name)| format!("{} {name}", seconds / unit))
}

/// A number as people say it: `66 thousand`.
fn rough(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        1000..1_000_000 => format!("{} thousand", number / 1000),
        1_000_000..1_000_000_000 => format!("{} million", number / 1_000_000),
        _ => format!("{} billion", number / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_millis(5003);

    fn tally(found: u64, hashes: u64, held: usize, left_out: u64) -> Tally {
        Tally { difficulty: "24".parse().unwrap(), found, hashes, held, left_out }
    }

    fn status(blocks: Option<u64>, problem: Option<&str>) -> Status {
        Status { blocks, problem: problem.map(|text| LedgerError::Away(text.to_owned())) }
    }

    #[test]
    fn the_line_tells_what_was_found_and_recorded_since_the_last() {
        let (before, now) = (tally(10, 1_000_000, 3, 2), tally(15, 1_330_000, 0, 2));
        assert_eq!(
            line(TIME, before, now, &status(Some(42), None), false),
            "5 coins in 5 s (1.0 a second), 66 thousand hashes each, all recorded; 42 in the ledger"
        );
    }

    #[test]
    fn the_line_tells_what_waits_and_why_mining_pauses() {
        let (nothing, coin) = (tally(0, 0, 0, 0), tally(1, 700, 1, 9));
        assert_eq!(
            line(TIME, nothing, coin, &status(None, Some("refused")), true),
            "1 coin in 5 s (0.2 a second), 700 hashes each, 1 waiting for the ledger; mining pauses when that many wait"
        );
        let none = tally(0, 30_000_000, 7, 4);
        assert_eq!(
            line(TIME, nothing, none, &status(Some(42), Some("refused")), false),
            "0 coins in 5 s (0.0 a second), 30 million hashes tried (a coin takes 2 seconds here), 7 waiting for the ledger; \
             42 in the ledger when it was last there; this machine is too slow for this speed and difficulty"
        );
    }

    #[test]
    fn the_line_does_not_say_that_all_is_recorded_while_the_ledger_is_away() {
        let now = tally(0, 0, 0, 0);
        assert_eq!(
            line(TIME, now, now, &status(None, Some("refused")), false),
            "0 coins in 5 s (0.0 a second), nothing tried, the ledger is away"
        );
    }

    #[test]
    fn the_time_for_a_coin_is_told_in_a_unit_that_people_can_imagine() {
        let time = |bits: &str, hashes| {
            let [before, now] =
                [0, hashes].map(|hashes| Tally { difficulty: bits.parse().unwrap(), ..tally(0, hashes, 0, 0) });
            time_for_a_coin(Duration::from_secs(5), before, now).map(rough_time)
        };
        // Ten million hashes a second.
        let told = ["20", "28", "32", "36", "40", "64"].map(|bits| time(bits, 50_000_000).unwrap());
        assert_eq!(told, ["a second", "26 seconds", "7 minutes", "114 minutes", "30 hours", "58494 years"]);
        assert_eq!(time("40", 0), None);
    }
}
