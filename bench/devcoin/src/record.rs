//! Coins recorded a second through one Redis.

use bench_rounds::{spread, thousands};
use tokio::time::sleep;

use crate::balance::Balance;
use crate::figures::rounds;
use crate::ledger::{Ledger, Moment};
use crate::miners::Mine;
use crate::options::RecordOptions;

/// How many miners record at once.
const MINERS: [usize; 3] = [1, 2, 4];

/// What is told of the time between two moments.
type Figure = fn(Moment, Moment) -> f64;

/// The figures: heading, width of the column, decimals, and how each is computed.
const FIGURES: [(&str, usize, usize, Figure); 4] = [
    ("coins/s", 36, 0, coins_per_second),
    ("batches/s", 24, 1, |start, end| scripts(start, end) / seconds(start, end)),
    ("coins a batch", 26, 0, |start, end| coins(start, end) / scripts(start, end)),
    ("Redis, % of a core", 18, 0, |start, end| 100.0 * (end.processor - start.processor) / seconds(start, end)),
];

/// Prints the figures.
///
/// # Errors
/// When a program is missing or fails, or a coin was lost or counted twice.
pub(crate) async fn run(options: &RecordOptions) -> anyhow::Result<()> {
    let mine = Mine::new(&options.miners)?;
    let mut runs = MINERS.map(|miners| (miners, Vec::new()));
    let (mut redis, mut blocks) = (String::new(), 0);
    for round in 1..=options.rounds {
        for (miners, moments) in &mut runs {
            // A new one each time, so that none has more behind it than the others.
            let ledger = Ledger::start().await?;
            redis = ledger.description().await?;
            let (start, end, balance) = measure(&mine, *miners, &ledger, options).await?;
            let rate = thousands(coins_per_second(start, end), 0);
            eprintln!(
                "record, round {round} of {}, miners {miners}: {rate} coins/s; at the end: {balance}",
                options.rounds
            );
            blocks += balance.blocks;
            moments.push((start, end));
        }
    }
    let (difficulty, milliseconds) = (options.miners.difficulty, options.time().as_millis());
    println!("Coins recorded through one {redis}; difficulty {difficulty};");
    println!("{}\n", rounds(options.rounds, &format!("{milliseconds} ms")));
    let headings = FIGURES.map(|(heading, width, ..)| format!("{heading:<width$}  "));
    println!("{:<8}{}", "miners", headings.concat().trim_end());
    for (miners, moments) in &runs {
        let cells = FIGURES.map(|(_, width, decimals, figure)| {
            let figures: Vec<_> = moments.iter().map(|(start, end)| figure(*start, *end)).collect();
            format!("{:<width$}  ", spread(&figures, decimals))
        });
        println!("{miners:<8}{}", cells.concat().trim_end());
    }
    let (runs, coins) = (options.rounds as usize * MINERS.len(), thousands(blocks as f64, 0));
    println!("\nAfter each of the {runs} runs, blocks was the sum over the miners: {coins} coins in all");
    Ok(())
}

/// Gives the moments between which so many miners record, and the ledger's balance after their stop.
async fn measure(
    mine: &Mine,
    miners: usize,
    ledger: &Ledger,
    options: &RecordOptions,
) -> anyhow::Result<(Moment, Moment, Balance)> {
    let miners = mine.start(miners, ledger).await?;
    let start = ledger.moment().await?;
    sleep(options.time()).await;
    let end = ledger.moment().await?;
    Ok((start, end, miners.stop(ledger).await?))
}

/// Coins that were recorded in a second.
pub(crate) fn coins_per_second(start: Moment, end: Moment) -> f64 {
    coins(start, end) / seconds(start, end)
}

fn seconds(start: Moment, end: Moment) -> f64 {
    end.seconds - start.seconds
}

fn coins(start: Moment, end: Moment) -> f64 {
    (end.coins - start.coins) as f64
}

fn scripts(start: Moment, end: Moment) -> f64 {
    (end.scripts - start.scripts) as f64
}
