//! Storms: all clients come at once.

use std::time::{Duration, Instant};

use bench_rounds::{median, ratios, thousands};

use crate::connection::{Connection, State};
use crate::figures::{Summary, Table};
use crate::fleet::Fleet;
use crate::options::{Kind, Options};
use crate::server::Server;

/// Longest wait for all of a storm; who is not there by then counts as an error.
const STORM_LIMIT: Duration = Duration::from_secs(30);

/// How the clients of a storm come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    /// They connect.
    Open,
    /// They connect and join one room.
    Join,
}

/// Measures storms on each server, prints each round, and adds the figures to the summary.
///
/// # Errors
/// When a server fails.
pub(crate) fn storm(options: &Options, summary: &mut Summary) -> anyhow::Result<()> {
    let ways = [(Kind::Reference, Way::Open), (Kind::One, Way::Open), (Kind::One, Way::Join)];
    let mut rounds = Vec::new();
    for (kind, way) in ways.into_iter().filter(|(kind, _)| options.servers.contains(kind)) {
        rounds.push((Server::start(kind, options)?, way, Vec::new()));
    }
    println!("{} connections at once\n", options.storm_connections);
    let mut table = Table::new(&["round", "server", "way", "connections/s", "errors", "p50 ms", "longest ms"]);
    let mut errors = vec![0; rounds.len()];
    for number in 0..=options.rounds {
        for ((server, way, rates), errors) in rounds.iter_mut().zip(&mut errors) {
            eprintln!("storm, {}, {way:?}: round {number} of {}", server.kind.name(), options.rounds);
            let times = measure(server, *way, options)?;
            server.rest()?;
            // The round before the first warms up.
            if number == 0 {
                continue;
            }
            let failed = options.storm_connections - times.each_ms.len();
            *errors += failed;
            let rate = times.each_ms.len() as f64 / times.all.as_secs_f64();
            let longest = times.each_ms.iter().copied().fold(0.0, f64::max);
            let middle = median(&times.each_ms);
            table.row(vec![
                number.to_string(),
                server.kind.name().to_owned(),
                format!("{way:?}").to_lowercase(),
                thousands(rate, 0),
                failed.to_string(),
                format!("{middle:.1}"),
                format!("{longest:.1}"),
            ]);
            rates.push((rate, longest));
        }
    }
    table.print(3);
    let rates = |rounds: &[(f64, f64)]| rounds.iter().map(|(rate, _)| *rate).collect::<Vec<_>>();
    for ((server, way, rounds), errors) in rounds.iter().zip(&errors) {
        let what = if *way == Way::Open { "storm: open" } else { "storm: open and join" };
        let longest = median(&rounds.iter().map(|(_, longest)| *longest).collect::<Vec<_>>());
        let figure =
            format!("{} connections/s, {errors} errors, longest {longest:.1} ms", thousands(median(&rates(rounds)), 0));
        summary.add(what, server.kind.name(), figure);
    }
    if let [(_, _, reference), (_, Way::Open, node), ..] = &*rounds {
        summary.add("storm: open, ratio", "one node to reference", ratios(&rates(node), &rates(reference)));
    }
    Ok(())
}

struct Times {
    /// From the first that began to the last that was there.
    all: Duration,
    /// From a client's begin to its being there, for those that got there.
    each_ms: Vec<f64>,
}

fn measure(server: &Server, way: Way, options: &Options) -> anyhow::Result<Times> {
    let room = if way == Way::Join { server.room(options)? } else { None };
    let address = server.addresses()[0];
    let mut fleet = Fleet::new(!server.nodes.is_empty(), room.map(|room| room.id), 1)?;
    let start = Instant::now();
    for _ in 0..options.storm_connections {
        fleet.connect(address, 0, None)?;
        // Whoever is connected goes on while others begin.
        fleet.step(Duration::ZERO, &mut ())?;
    }
    let left = |client: &Connection| client.joined_us.is_none() && client.state != State::Ended;
    fleet.run_until(STORM_LIMIT, |fleet| !fleet.clients.iter().any(left))?;
    let all = start.elapsed();
    let time = |client: &Connection| client.joined_us.map(|joined| f64::from(joined - client.begun_us) / 1000.0);
    Ok(Times { all, each_ms: fleet.clients.iter().filter_map(time).collect() })
}
