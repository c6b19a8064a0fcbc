//! Rounds that alternate between servers: saturated, or at a pace.

use std::time::{Duration, Instant};

use anyhow::Context;
use bench_rounds::{median, processors, ratios, thousands};
use hdrhistogram::Histogram;

use crate::checks::Faults;
use crate::figures::{Summary, Table, latency, quantile_ms};
use crate::fleet::Fleet;
use crate::options::{Kind, Options};
use crate::server::Server;
use crate::usage;

/// Load before a round's figures are taken.
const WARM_UP: Duration = Duration::from_millis(500);

/// How messages are sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Load {
    /// Each sender has the same number of messages in flight, always.
    Saturated,
    /// So many messages a second, of all senders in turn.
    Paced,
}

/// A server's figures of one round.
struct Round {
    deliveries_per_second: f64,
    /// Processor time of the server a delivery, and of the load.
    server_us: f64,
    load_us: f64,
    /// How much a client reads at once: what the server writes at once, or more.
    read_bytes: f64,
    latency: Histogram<u64>,
    faults: Faults,
}

/// A name, decimals to print, and how a round tells the figure.
type Measure = (&'static str, usize, fn(&Round) -> f64);

/// Measures all servers in turn, prints each round, and adds the figures to the summary.
///
/// # Errors
/// When a server fails.
pub(crate) fn compare(load: Load, options: &Options, summary: &mut Summary) -> anyhow::Result<()> {
    let kinds = options.servers_of(&[Kind::Reference, Kind::One, Kind::Three]);
    let mut servers = Vec::new();
    for kind in kinds {
        servers.push((Server::start(kind, options)?, Vec::new()));
    }
    print_settings(load, options);
    let mut table = Table::new(&[
        "round",
        "server",
        "deliveries/s",
        "us each",
        "load us",
        "bytes a read",
        "p50 ms",
        "p99 ms",
        "max ms",
        "lost",
        "doubled",
        "reordered",
        "misnumbered",
        "order differs",
        "refused",
        "dropped",
    ]);
    for number in 0..=options.rounds {
        for (server, rounds) in &mut servers {
            eprintln!("{load:?}, {}: round {number} of {}", server.kind.name(), options.rounds);
            let round = measure(server, load, options).with_context(|| format!("{} failed", server.kind.name()))?;
            server.rest()?;
            // The round before the first warms up.
            if number > 0 {
                table.row(cells(number, server.kind, &round));
                rounds.push(round);
            }
        }
        // Who is first changes, so that nobody always follows the same.
        servers.reverse();
    }
    table.print(2);
    summarise(load, &servers, summary);
    Ok(())
}

fn print_settings(load: Load, options: &Options) {
    let Options { clients, senders, window, frame_bytes, rate, rounds, seconds, .. } = options;
    let how = match load {
        Load::Saturated => format!("{window} messages in flight each"),
        Load::Paced => format!("{rate} messages/s in all"),
    };
    println!(
        "{clients} clients in one room, {senders} of them send, {how}; texts of {frame_bytes} bytes; \
         {rounds} rounds of {seconds} s; {} processors\n",
        processors()
    );
}

fn measure(server: &Server, load: Load, options: &Options) -> anyhow::Result<Round> {
    let mut fleet = server.fleet(options.clients, options.senders, options)?;
    match load {
        Load::Saturated => fill(&mut fleet, options),
        Load::Paced => pace(&mut fleet, options.rate, WARM_UP)?,
    }
    if load == Load::Saturated {
        fleet.run_for(WARM_UP, &mut ())?;
    }
    fleet.latencies.iter_mut().for_each(Histogram::reset);
    let (server_before, load_before) = (server.usage()?, usage::of(std::process::id())?);
    let (delivered, read_before, start) = (fleet.delivered, (fleet.read_bytes, fleet.reads), Instant::now());
    match load {
        Load::Saturated => fleet.run_for(options.round(), &mut ())?,
        Load::Paced => pace(&mut fleet, options.rate, options.round())?,
    }
    let seconds = start.elapsed().as_secs_f64();
    let deliveries = (fleet.delivered - delivered) as f64;
    let (server_after, load_after) = (server.usage()?, usage::of(std::process::id())?);
    let each_us = |before: usage::Usage, after: usage::Usage| {
        (after.processor.saturating_sub(before.processor)).as_secs_f64() * 1e6 / deliveries
    };
    let latency = merged(&fleet.latencies)?;
    Ok(Round {
        deliveries_per_second: deliveries / seconds,
        server_us: each_us(server_before, server_after),
        load_us: each_us(load_before, load_after),
        read_bytes: (fleet.read_bytes - read_before.0) as f64 / (fleet.reads - read_before.1) as f64,
        latency,
        faults: fleet.finish()?,
    })
}

/// Lets each sender have its messages in flight from now on.
pub(crate) fn fill(fleet: &mut Fleet, options: &Options) {
    fleet.refills = true;
    for index in 0..options.senders.min(fleet.clients.len()) {
        for _ in 0..options.window {
            fleet.send(index);
        }
    }
}

/// Sends so many messages a second for some time, all senders in turn.
///
/// # Errors
/// As [`Fleet::step`].
pub(crate) fn pace(fleet: &mut Fleet, rate: f64, time: Duration) -> anyhow::Result<()> {
    let senders: Vec<_> = (0..fleet.clients.len()).filter(|index| fleet.clients[*index].message.is_some()).collect();
    let start = Instant::now();
    for (number, sender) in senders.iter().cycle().enumerate() {
        let due = Duration::from_secs_f64(number as f64 / rate).min(time);
        while let Some(left) = due.checked_sub(start.elapsed()) {
            fleet.step(left, &mut ())?;
        }
        if due == time {
            break;
        }
        fleet.send(*sender);
    }
    Ok(())
}

/// The latencies of all groups.
///
/// # Errors
/// Never: all have the same limits.
pub(crate) fn merged(latencies: &[Histogram<u64>]) -> anyhow::Result<Histogram<u64>> {
    let mut all = Histogram::new_from(&latencies[0]);
    for group in latencies {
        all.add(group)?;
    }
    Ok(all)
}

fn cells(number: u32, kind: Kind, round: &Round) -> Vec<String> {
    let [p50, p99, longest] = latency(&round.latency);
    let Faults { lost, duplicated, reordered, misnumbered, order_differs, refused, dropped } = round.faults;
    let mut cells = vec![
        number.to_string(),
        kind.name().to_owned(),
        thousands(round.deliveries_per_second, 0),
        format!("{:.3}", round.server_us),
        format!("{:.3}", round.load_us),
        thousands(round.read_bytes, 0),
        p50,
        p99,
        longest,
    ];
    cells.extend([lost, duplicated, reordered, misnumbered, order_differs, refused, dropped].map(|n| n.to_string()));
    cells
}

fn summarise(load: Load, servers: &[(Server, Vec<Round>)], summary: &mut Summary) {
    let how = match load {
        Load::Saturated => "saturated",
        Load::Paced => "paced",
    };
    let figures = |kind: Kind, figure: fn(&Round) -> f64| -> Option<Vec<f64>> {
        let (_, rounds) = servers.iter().find(|(server, _)| server.kind == kind)?;
        Some(rounds.iter().map(figure).collect())
    };
    let measures: &[Measure] = match load {
        Load::Saturated => &[
            ("deliveries/s", 0, |round| round.deliveries_per_second),
            ("processor time a delivery, us", 3, |round| round.server_us),
            ("the load's own, us", 3, |round| round.load_us),
        ],
        Load::Paced => &[
            ("p50, ms", 2, |round| quantile_ms(&round.latency, 0.5)),
            ("p99, ms", 2, |round| quantile_ms(&round.latency, 0.99)),
            ("longest, ms", 2, |round| quantile_ms(&round.latency, 1.0)),
        ],
    };
    for (what, decimals, figure) in measures {
        for kind in [Kind::Reference, Kind::One, Kind::Three] {
            let Some(of_kind) = figures(kind, *figure) else { continue };
            let middle = median(&of_kind);
            summary.add(&format!("{how}: {what}"), kind.name(), thousands(middle, *decimals));
        }
        for (kind, to) in [(Kind::One, Kind::Reference), (Kind::Three, Kind::One)] {
            if let (Some(of_kind), Some(reference)) = (figures(kind, *figure), figures(to, *figure)) {
                let who = format!("{} to {}", kind.name(), to.name());
                summary.add(&format!("{how}: {what}, ratio"), &who, ratios(&of_kind, &reference));
            }
        }
    }
    for (server, rounds) in servers {
        let mut faults = Faults::default();
        for round in rounds {
            faults += round.faults;
        }
        summary.add(&format!("{how}: lost, duplicated, reordered, other faults"), server.kind.name(), faults.to_text());
    }
}
