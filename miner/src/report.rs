//! What a learner reads: one line every few seconds.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::ground::{Ground, Tally};
use crate::recorder::Status;

/// How often a line tells what was found.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// Tells what was found, for ever.
pub(crate) async fn run(ground: &Ground, status: &watch::Receiver<Status>) {
    let mut ticks = interval(REPORT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once.
    ticks.tick().await;
    let (mut start, mut before) = (Instant::now(), ground.tally());
    loop {
        ticks.tick().await;
        let (now, tally) = (Instant::now(), ground.tally());
        tracing::info!("{}", line(now - start, before, tally, &status.borrow(), ground.take_paused()));
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
    let work = match hashes.checked_div(coins) {
        Some(hashes) => format!("{} hashes each", rough(hashes)),
        None => format!("{} hashes tried", rough(hashes)),
    };
    let recorded = match (tally.held, &status.problem) {
        (0, _) => "all recorded".to_owned(),
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
    use devcoin::ledger::LedgerError;

    const TIME: Duration = Duration::from_millis(5003);

    fn status(blocks: Option<u64>, problem: Option<&str>) -> Status {
        Status { blocks, problem: problem.map(|text| LedgerError::Away(text.to_owned())) }
    }

    #[test]
    fn the_line_tells_what_was_found_and_recorded_since_the_last() {
        let before = Tally { found: 10, hashes: 1_000_000, held: 3, left_out: 2 };
        let tally = Tally { found: 15, hashes: 1_330_000, held: 0, left_out: 2 };
        assert_eq!(
            line(TIME, before, tally, &status(Some(42), None), false),
            "5 coins in 5 s (1.0 a second), 66 thousand hashes each, all recorded; 42 in the ledger"
        );
    }

    #[test]
    fn the_line_tells_what_waits_and_why_mining_pauses() {
        let tally = Tally { found: 1, hashes: 700, held: 1, left_out: 9 };
        assert_eq!(
            line(TIME, Tally::default(), tally, &status(None, Some("refused")), true),
            "1 coin in 5 s (0.2 a second), 700 hashes each, 1 waiting for the ledger; mining pauses when that many wait"
        );
        let none = Tally { found: 0, hashes: 30_000_000, held: 7, left_out: 4 };
        assert_eq!(
            line(TIME, Tally::default(), none, &status(Some(42), Some("refused")), false),
            "0 coins in 5 s (0.0 a second), 30 million hashes tried, 7 waiting for the ledger; \
             42 in the ledger when it was last there; this machine is too slow for this speed and difficulty"
        );
    }
}
