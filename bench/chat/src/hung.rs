//! A peer that hangs: its process is stopped, its connections stay.

use std::net::SocketAddr;
use std::thread;
use std::time::Instant;

use anyhow::anyhow;
use bench_rounds::ratios;
use hdrhistogram::Histogram;
use serde_json::json;
use testing::Signal;

use crate::control::Control;
use crate::figures::{Summary, latency_text, milliseconds, quantile_ms};
use crate::options::{Kind, Options};
use crate::rounds::pace;
use crate::server::{Server, message};

/// The node that hangs; the room is on the first.
const HUNG: usize = 2;

/// Measures with the third node running, then stopped, then running again.
///
/// # Errors
/// When a node fails.
pub(crate) fn hung(options: &Options, summary: &mut Summary) -> anyhow::Result<()> {
    let server = Server::start(Kind::Three, options)?;
    println!("{} messages/s from clients of the first two nodes; the third is stopped in every round\n", options.rate);
    let mut p99s = [[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]];
    for number in 1..=options.rounds {
        eprintln!("hung: round {number} of {}", options.rounds);
        let room = server.room(options)?;
        let mut fleet = server.connect(room.as_ref(), options.clients)?;
        for index in (0..fleet.clients.len()).filter(|index| index % 3 != HUNG).take(options.senders) {
            fleet.clients[index].message = Some(message(room.as_ref(), index, options)?);
        }
        let mut deletion = None;
        for stopped in 0..2 {
            fleet.latencies.iter_mut().for_each(Histogram::reset);
            if stopped == 1 {
                server.nodes[HUNG].program()?.signal(Signal::STOP);
                let address = server.nodes[0].address;
                let name = format!("doomed {number}");
                deletion = Some(thread::spawn(move || delete_a_room(address, &name)));
            }
            pace(&mut fleet, options.rate, options.round())?;
            for (node, p99s) in p99s.iter_mut().enumerate() {
                let latency = &fleet.latencies[node];
                let state = ["running", "stopped"][stopped];
                println!("round {number}, peer {state}, clients of node{}: {}", node + 1, latency_text(latency));
                p99s[stopped].push(quantile_ms(latency, 0.99));
            }
        }
        if let Some(deletion) = deletion {
            let answer = deletion.join().map_err(|_| anyhow!("the deletion failed"))??;
            summary.add(&format!("hung peer, round {number}: answer to a deletion"), "three nodes", answer);
        }
        server.nodes[HUNG].program()?.signal(Signal::CONT);
        let resumed = Instant::now();
        let faults = fleet.finish()?;
        let figure = format!("{} within {}", faults.to_text(), milliseconds(resumed.elapsed()));
        let what = format!("hung peer, round {number}: lost, duplicated, reordered, other faults after it goes on");
        summary.add(&what, "three nodes", figure);
        drop(fleet);
        server.rest()?;
    }
    for (node, [running, stopped]) in p99s.iter().enumerate() {
        let who = format!("clients of node{}", node + 1);
        summary.add("hung peer: p99, stopped to running", &who, ratios(stopped, running));
    }
    Ok(())
}

/// Creates a room and deletes it; gives the answer and how long it took.
fn delete_a_room(address: SocketAddr, name: &str) -> anyhow::Result<String> {
    let mut control = Control::connect(address)?;
    let room = control.create_room(name, "bench")?;
    let start = Instant::now();
    let outcomes = ["delete_room_success", "delete_room_failed"];
    let (answer, _) = control.ask("delete_room", &json!({ "room_id": room, "username": "bench" }), &outcomes)?;
    Ok(format!("{answer} after {}", milliseconds(start.elapsed())))
}
