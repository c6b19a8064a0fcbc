//! SIGTERM under load.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use testing::Signal;

use crate::connection::State;
use crate::figures::{Summary, milliseconds};
use crate::options::{Kind, Options};
use crate::rounds::fill;
use crate::server::Server;

/// Load before the signal.
const WARM_UP: Duration = Duration::from_secs(1);

/// Longest wait for all connections to end.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// Stops a node under load, a round each, and adds the figures to the summary.
///
/// # Errors
/// When the node fails.
pub(crate) fn stop(options: &Options, summary: &mut Summary) -> anyhow::Result<()> {
    for number in 1..=options.rounds {
        eprintln!("stop: round {number} of {}", options.rounds);
        let mut server = Server::start(Kind::One, options)?;
        let mut fleet = server.fleet(options.clients, options.senders, options)?;
        fill(&mut fleet, options);
        fleet.run_for(WARM_UP, &mut ())?;
        let mut program = server.nodes.remove(0).into_program()?;
        let signalled = Instant::now();
        program.signal(Signal::TERM);
        let waiting = thread::spawn(move || (program.ended().0, signalled.elapsed()));
        fleet.run_until(STOP_LIMIT, |fleet| fleet.clients.iter().all(|client| client.state == State::Ended))?;
        let (status, time) = waiting.join().map_err(|_| anyhow!("the node does not end"))?;
        let told = fleet.clients.iter().filter(|client| client.close_code.is_some()).count();
        let code = fleet.clients.iter().find_map(|client| client.close_code).context("no close frame at all");
        let code = code.map_or_else(|error| error.to_string(), |code| format!("code {code}"));
        let figure = format!("{told} of {} ({code}); {status}; gone after {}", fleet.clients.len(), milliseconds(time));
        summary.add(&format!("SIGTERM under load, round {number}: clients with a close frame"), "one node", figure);
    }
    Ok(())
}
