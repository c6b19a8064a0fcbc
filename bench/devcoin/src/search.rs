//! Hashes a second: every way of the search, beside the sha2 crate.

use std::thread;
use std::time::{Duration, Instant};

use bench_rounds::median;
use devcoin::{Difficulty, MinerId, SCAN_NONCES, Search};

use crate::figures::{self, millions};
use crate::options::SearchOptions;
use crate::{openssl, reference};

/// Bits of the search: a coin in 16 scans.
const DIFFICULTY: u8 = 20;

/// Someone who computes hashes: the name, and the figure of each round.
struct Contestant {
    name: String,
    rounds: Vec<f64>,
}

/// Prints the figures of one core and of all.
///
/// # Errors
/// The program with the portable code fails.
pub(crate) fn run(options: &SearchOptions) -> anyhow::Result<()> {
    let difficulty = Difficulty::try_from(DIFFICULTY)?;
    let searches = Search::all(&MinerId::new("bench"));
    let mut sha2 = contestant("sha2 crate, at its best here");
    let mut portable = contestant("sha2 crate, portable code");
    let mut ways: Vec<_> = searches.iter().map(|search| contestant(search.way())).collect();
    for _ in 0..options.rounds {
        sha2.rounds.push(reference::hashes_per_second(options.slice.time()));
        if let Some(program) = &options.portable.portable {
            portable.rounds.push(reference::of_program(program, options.slice.time())?);
        }
        for (way, search) in ways.iter_mut().zip(&searches) {
            way.rounds.push(one_core(search, difficulty, options.slice.time()));
        }
    }
    println!("One core, millions of hashes a second, {} rounds: median (lowest to highest)\n", options.rounds);
    println!("{:<32}{:<30}{:>12}{:>20}", "", "Mhash/s", "to sha2", "to portable sha2");
    let against = [median(&sha2.rounds), median(&portable.rounds)];
    for Contestant { name, rounds } in [sha2, portable].iter().chain(&ways).filter(|one| !one.rounds.is_empty()) {
        let [to_sha2, to_portable] = against.map(|other| ratio(median(rounds), other));
        println!("{name:<32}{:<30}{to_sha2:>12}{to_portable:>20}", millions(rounds));
    }
    if let Some(messages) = openssl::messages_per_second() {
        println!("\nopenssl speed, 64 bytes (two blocks each): {:.2} million hashes a second", messages / 1e6);
    }
    all_cores(&searches[0], difficulty, options);
    Ok(())
}

/// As text; a dash when there is nothing to compare with.
fn ratio(figure: f64, other: f64) -> String {
    if other.is_nan() { "-".to_owned() } else { format!("{:.2}", figure / other) }
}

fn contestant(name: &str) -> Contestant {
    Contestant { name: name.to_owned(), rounds: Vec::new() }
}

fn one_core(search: &Search, difficulty: Difficulty, slice: Duration) -> f64 {
    let (mut scan, mut found) = (0, Vec::new());
    figures::hashes_per_second(slice, || {
        search.scan(scan, difficulty, &mut found);
        scan += 1;
        SCAN_NONCES
    })
}

/// Hashes a second of all cores together, by the clock on the wall.
fn all_cores(search: &Search, difficulty: Difficulty, options: &SearchOptions) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let rounds: Vec<_> = (0..options.rounds)
        .map(|_| {
            let start = Instant::now();
            let work = |thread: usize| {
                let (mut scans, mut found) = (0, Vec::new());
                while start.elapsed() < options.slice.time() {
                    search.scan(scans * threads as u64 + thread as u64, difficulty, &mut found);
                    scans += 1;
                }
                scans * SCAN_NONCES
            };
            let hashes: u64 = thread::scope(|scope| {
                let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap_or_default()).sum()
            });
            hashes as f64 / start.elapsed().as_secs_f64()
        })
        .collect();
    println!("\nAll {threads} cores, {}: {} million hashes a second", search.way(), millions(&rounds).trim());
}
