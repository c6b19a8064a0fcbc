//! A room's node is killed under load and started again with its journal.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};

use crate::connection::State;
use crate::figures::{Summary, milliseconds};
use crate::fleet::{Fleet, GLANCE, join_room};
use crate::options::Options;
use crate::record::Record;
use crate::server::{Room, Server, message};

/// Clients, a third on each node; all send.
const CLIENTS: usize = 30;

/// Load before the kill, and how long the node is away: chosen at random, in milliseconds.
const BEFORE_MS: std::ops::Range<u64> = 500..2500;
const AWAY_MS: std::ops::Range<u64> = 50..1000;

/// Load after the node is back.
const AFTER: Duration = Duration::from_secs(3);

/// Longest wait for the last answers, and for the first connections to the node that is back.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Messages that a client has sent without an answer; then it waits.
const UNANSWERED_MAX: usize = 4;

/// Kills the node of a room, a round each, and adds the figures to the summary.
///
/// # Errors
/// When a node fails otherwise.
pub(crate) fn crash(options: &Options, summary: &mut Summary) -> anyhow::Result<()> {
    println!("{CLIENTS} clients on three nodes with journals; {} messages/s\n", options.crash_rate);
    for number in 1..=options.rounds {
        eprintln!("crash: round {number} of {}", options.rounds);
        for (what, figure) in round(options)? {
            summary.add(&format!("SIGKILL under load, round {number}: {what}"), "three nodes", figure);
        }
    }
    Ok(())
}

/// A cluster under load.
struct Scene {
    fleet: Fleet,
    record: Record,
    room: Room,
    /// Who is asked next to send.
    next: usize,
}

fn round(options: &Options) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut server = Server::start_with_journals(options)?;
    let room = server.room(options)?.context("nodes have rooms")?;
    let mut fleet = server.connect(Some(&room), CLIENTS)?;
    for index in 0..CLIENTS {
        fleet.clients[index].message = Some(message(Some(&room), index, options)?);
    }
    let mut scene = Scene { fleet, record: Record::new(), room, next: 0 };

    let before = Duration::from_millis(rand::random_range(BEFORE_MS));
    scene.load_while(options.crash_rate, |since| since < before)?;
    let mut node = server.nodes.remove(0);
    let killed = Instant::now();
    node.kill();
    let away = Duration::from_millis(rand::random_range(AWAY_MS));
    scene.load_while(options.crash_rate, |since| since < away)?;
    let starting = Instant::now();
    let start = thread::spawn(move || {
        node.start();
        node
    });
    scene.load_while(options.crash_rate, |_| !start.is_finished())?;
    let node = start.join().map_err(|_| anyhow!("the node did not start again"))?;
    let (start_took, away) = (starting.elapsed(), killed.elapsed());
    for _ in (0..CLIENTS).step_by(server.nodes.len() + 1) {
        let index = scene.fleet.connect(node.address, 0, None)?;
        scene.fleet.clients[index].message = Some(message(Some(&scene.room), index, options)?);
    }
    scene.load_while(options.crash_rate, |since| since < AFTER)?;
    scene.finish()?;
    let back = scene.fleet.clients[CLIENTS..].iter().filter(|client| client.joined_us.is_some()).count();
    ensure!(back > 0, "nobody could join the room again: {:?}", scene.record.errors);

    let Scene { fleet, record, .. } = &scene;
    let is_survivor = |index: usize| fleet.clients[index].group != 0;
    let is_open = |index: usize| fleet.clients[index].state == State::Open;
    // What clients of the killed node saw before says nothing about afterwards.
    let missing = record.missing(|index| is_survivor(index) || index >= CLIENTS);
    let wait = record.longest_wait(is_survivor);
    let survivors: Vec<_> = (0..CLIENTS).filter(|index| is_survivor(*index)).collect();
    let gaps: usize = survivors.iter().map(|index| record.gaps(*index)).sum();
    let dropped = survivors.iter().filter(|index| !is_open(**index)).count();
    Ok(vec![
        ("confirmed messages that are missing", format!("{missing} of {}", record.confirmed())),
        ("numbers given twice, messages with two numbers", format!("{}, {}", record.shared_numbers, record.renumbered)),
        ("gaps in what clients of the other nodes saw", gaps.to_string()),
        ("longest wait for an answer there", milliseconds(wait)),
        ("clients there that lost their connection, joined again", format!("{dropped}, {}", record.rejoined)),
        ("answers that were errors", format!("{:?}", record.errors)),
        ("away, of that starting", format!("{}, {}", milliseconds(away), milliseconds(start_took))),
    ])
}

impl Scene {
    /// Sends at this rate, whoever can in turn, while the time since now is right.
    fn load_while(&mut self, rate: f64, goes_on: impl Fn(Duration) -> bool) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut sent = 0_u32;
        while goes_on(start.elapsed()) {
            let due = Duration::from_secs_f64(f64::from(sent) / rate);
            if let Some(left) = due.checked_sub(start.elapsed()) {
                self.step(left.min(GLANCE))?;
            } else {
                self.send();
                sent += 1;
            }
        }
        Ok(())
    }

    /// Lets the next client that is in the room, and does not wait for too much, send.
    fn send(&mut self) {
        let clients = self.fleet.clients.len();
        let can = |index: &usize| {
            let client = &self.fleet.clients[*index];
            client.state == State::Open && client.joined_us.is_some() && self.record.unanswered(*index) < UNANSWERED_MAX
        };
        let Some(index) = (0..clients).map(|step| (self.next + step) % clients).find(can) else { return };
        self.next = index + 1;
        let counter = self.fleet.send(index);
        self.record.sent(index, counter);
    }

    fn step(&mut self, limit: Duration) -> anyhow::Result<()> {
        self.fleet.step(limit, &mut self.record)?;
        // As a person would: who is no member any more joins again.
        for index in self.record.take_expelled() {
            self.fleet.send_text(index, &join_room(&self.room.id, index));
        }
        Ok(())
    }

    /// Waits for the answers that are missing, and for what is on its way.
    fn finish(&mut self) -> anyhow::Result<()> {
        let start = Instant::now();
        let waits = |scene: &Self| {
            (0..scene.fleet.clients.len())
                .any(|index| scene.fleet.clients[index].state == State::Open && scene.record.unanswered(index) > 0)
        };
        while waits(self) && start.elapsed() < ANSWER_LIMIT {
            self.step(GLANCE)?;
        }
        self.fleet.run_for(Duration::from_secs(1), &mut self.record)
    }
}
