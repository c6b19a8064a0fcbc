//! A client that does not read, and what the others notice.

use std::time::Duration;

use bench_rounds::ratios;
use hdrhistogram::Histogram;

use crate::checks::Faults;
use crate::connection::State;
use crate::figures::{Summary, latency_text, quantile_ms};
use crate::fleet::Fleet;
use crate::options::{Kind, Options};
use crate::rounds::pace;
use crate::server::{Server, settle};

/// Receive buffer of the slow client, so that the kernel does not hide for long that it reads nothing.
const SLOW_RECEIVE_BYTES: usize = 64 * 1024;

/// Clients beside the slow one: few, for what fills one client's buffers goes to all.
const CLIENTS: usize = 50;

/// Bytes of a text: long ones fill the buffers on the way sooner.
const TEXT_BYTES: usize = 1000;

/// Longest wait for the slow client to be in, and later to have read all.
const SLOW_LIMIT: Duration = Duration::from_secs(10);

/// Measures on each server, without the slow client and with it.
///
/// # Errors
/// When a server fails.
pub(crate) fn slow(options: &Options, summary: &mut Summary) -> anyhow::Result<()> {
    let options = &Options { clients: CLIENTS, frame_bytes: TEXT_BYTES, ..options.clone() };
    println!(
        "{} messages/s of {TEXT_BYTES} bytes; one more client that does not read, in every other round\n",
        options.slow_rate
    );
    for kind in options.servers_of(&[Kind::Reference, Kind::One]) {
        let server = Server::start(kind, options)?;
        let mut p99s = [Vec::new(), Vec::new()];
        let mut faults = [Faults::default(), Faults::default()];
        for number in 1..=options.rounds {
            for (with, name) in ["without a slow client", "with one"].into_iter().enumerate() {
                eprintln!("slow, {}, {name}: round {number} of {}", kind.name(), options.rounds);
                let round = measure(&server, with == 1, options)?;
                server.rest()?;
                println!("round {number}, {}, {name}: {}{}", kind.name(), latency_text(&round.latency), round.slow);
                p99s[with].push(quantile_ms(&round.latency, 0.99));
                faults[with] += round.faults;
            }
        }
        let [without, with] = &p99s;
        summary.add("slow client: the others' p99, with to without", kind.name(), ratios(with, without));
        summary.add("slow client: lost, duplicated, reordered, other faults", kind.name(), faults[1].to_text());
    }
    Ok(())
}

struct Round {
    latency: Histogram<u64>,
    faults: Faults,
    /// What became of the slow client.
    slow: String,
}

fn measure(server: &Server, with_slow: bool, options: &Options) -> anyhow::Result<Round> {
    let mut fleet = server.fleet(options.clients, options.senders, options)?;
    let slow = if with_slow { Some(add_slow(&mut fleet, server)?) } else { None };
    fleet.latencies.iter_mut().for_each(Histogram::reset);
    pace(&mut fleet, options.slow_rate, options.round())?;
    let latency = fleet.latencies[0].clone();
    let Some(slow) = slow else { return Ok(Round { latency, faults: fleet.finish()?, slow: String::new() }) };
    fleet.set_reading(slow, true)?;
    fleet.run_until(SLOW_LIMIT, |fleet| fleet.clients[slow].state == State::Ended)?;
    // Its losses are no fault.
    let client = fleet.clients.swap_remove(slow);
    let end = match (client.state, client.close_code) {
        (_, Some(code)) => format!("got close frame {code}"),
        (State::Ended, None) => "was cut without a close frame".to_owned(),
        _ => "is still connected".to_owned(),
    };
    let slow = format!("; the slow one {end} after {} messages", client.received.messages);
    Ok(Round { latency, faults: fleet.finish()?, slow })
}

/// One more client, the last one, that stops reading as soon as it is in.
fn add_slow(fleet: &mut Fleet, server: &Server) -> anyhow::Result<usize> {
    let slow = fleet.connect(server.addresses()[0], 0, Some(SLOW_RECEIVE_BYTES))?;
    fleet.run_until(SLOW_LIMIT, |fleet| fleet.clients[slow].joined_us.is_some())?;
    settle(fleet)?;
    fleet.set_reading(slow, false)?;
    Ok(slow)
}
