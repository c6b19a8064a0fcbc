//! Requests answered a second by the API.

use bench_rounds::spread;

use crate::figures::rounds;
use crate::ledger::Ledger;
use crate::miners::Mine;
use crate::options::ApiOptions;
use crate::programs;
use crate::record::coins_per_second;
use crate::server::Server;
use crate::wrk::{self, Answers, CONNECTIONS, THREADS};

/// What is asked for.
const PATHS: [&str; 3] = ["/", "/stats", "/coins?limit=50"];

/// The coins that the last of them gives.
const COINS: usize = 50;

/// What Redis does meanwhile.
const STATES: [&str; 2] = ["idle", "recording"];

/// The answers of all rounds for each path.
type Rounds = [Vec<Answers>; PATHS.len()];

/// Prints the figures.
///
/// # Errors
/// When a program is missing or fails.
pub(crate) async fn run(options: &ApiOptions) -> anyhow::Result<()> {
    programs::need("wrk", "wrk")?;
    let api = programs::built("api", options.api.as_deref())?;
    let mine = Mine::new(&options.miners)?;
    let ledger = Ledger::start().await?;
    let server = Server::start(&api, &ledger);
    mine.start(1, &ledger).await?.stop(&ledger).await?;
    // Not before it has all coins are its answers as long as they will be.
    server.until("/coins?limit=50", |answer| answer.matches("\"hash\"").count() == COINS).await?;
    server.until("/readyz", |answer| answer.starts_with("HTTP/1.1 200 ")).await?;

    let mut states: [Rounds; 2] = Default::default();
    let mut coins = Vec::new();
    for round in 1..=options.rounds {
        // Who is first changes, so that neither always follows the other.
        for is_recording in [round % 2 == 0, round % 2 == 1] {
            let state = usize::from(is_recording);
            eprintln!("api, round {round} of {}: Redis is {}", options.rounds, STATES[state]);
            let rounds = &mut states[state];
            if is_recording {
                let miners = mine.start(1, &ledger).await?;
                let start = ledger.moment().await?;
                measure(&server, rounds, options).await?;
                coins.push(coins_per_second(start, ledger.moment().await?));
                miners.stop(&ledger).await?;
            } else {
                measure(&server, rounds, options).await?;
            }
        }
    }
    print(&states, &coins, &ledger.description().await?, options);
    Ok(())
}

/// Asks for each path in turn.
async fn measure(server: &Server, rounds: &mut Rounds, options: &ApiOptions) -> anyhow::Result<()> {
    for (path, answers) in PATHS.iter().zip(rounds) {
        answers.push(wrk::ask(server.address, path, options.seconds).await?);
    }
    Ok(())
}

fn print(states: &[Rounds; 2], coins: &[f64], redis: &str, options: &ApiOptions) {
    println!("Requests to the API by wrk, {CONNECTIONS} connections, {THREADS} threads; {redis};");
    println!("{}\n", rounds(options.rounds, &format!("{} s", options.seconds)));
    println!("{:<24}{:<12}{:<32}p99 in ms", "", "Redis", "requests/s");
    for (index, path) in PATHS.iter().enumerate() {
        for (state, rounds) in STATES.iter().zip(states) {
            let figures = |figure: fn(&Answers) -> f64| rounds[index].iter().map(figure).collect::<Vec<_>>();
            let rates = spread(&figures(|answers| answers.requests_per_second), 0);
            let p99s = spread(&figures(|answers| answers.p99_ms), 2);
            println!("{:<24}{state:<12}{rates:<32}{p99s}", format!("GET {path}"));
        }
    }
    println!("\nRecorded meanwhile by one miner: {} coins/s", spread(coins, 0));
}
