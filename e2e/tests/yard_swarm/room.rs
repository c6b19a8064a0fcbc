//! A room of the chat, and readers of it at every node, through the way in.

use std::{collections::BTreeSet, path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use e2e::{engine::output_of, running::Running, yard};
use serde_json::Value;

const ROOM: &str = "lobby";

/// Somebody who reads the room at a node, and whoever writes there.
#[derive(Debug)]
pub(crate) struct Room {
    client: PathBuf,
    readers: Vec<(String, Running)>,
    /// Numbers that the writer was told.
    confirmed: BTreeSet<u64>,
}

impl Room {
    /// Makes the room at the first address, `HOST:PORT/PATH`, and reads it at all.
    pub(crate) fn open(addresses: &[String]) -> Result<Self> {
        let mut room = Self { client: yard::chat_client()?, readers: Vec::new(), confirmed: BTreeSet::new() };
        let first = addresses.first().context("there is a node")?;
        room.say_with(first, &["--create"])?;
        for address in addresses {
            let mut tail = Command::new(&room.client);
            tail.args(["tail", "--json", "--room", ROOM, "--address", address]);
            room.readers.push((address.clone(), Running::start(&mut tail)?));
        }
        Ok(room)
    }

    /// Says a line at this address. It counts when it was confirmed.
    pub(crate) fn say(&mut self, address: &str) -> Result<u64> {
        self.say_with(address, &[])
    }

    fn say_with(&mut self, address: &str, more: &[&str]) -> Result<u64> {
        let mut send = Command::new(&self.client);
        send.args(["send", "--json", "--username=writer", "--room", ROOM, "--address", address]).args(more);
        let confirmation: Value = serde_json::from_str(&output_of(send.arg("a line"))?)?;
        let number = confirmation["sequence_number"].as_u64().context("a confirmation has a number")?;
        ensure!(self.confirmed.insert(number), "number {number} was given twice");
        Ok(number)
    }

    /// What each reader has printed: all the same, each number once and in order, and every line that was confirmed.
    pub(crate) fn check(&self) -> Result<usize> {
        let last = *self.confirmed.last().context("something was said")?;
        for (address, reader) in &self.readers {
            let output = reader.output()?;
            let numbers: Vec<u64> = output
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["sequence_number"].as_u64())
                .collect();
            ensure!(numbers.last() >= Some(&last), "at {address} {last} was not read yet: {output}");
            // Lines that were not confirmed may stand there as well, as the writer could not know.
            ensure!(numbers.iter().copied().eq(1..=numbers.len() as u64), "at {address}: {numbers:?}");
        }
        Ok(self.confirmed.len())
    }

    /// How often the readers lost their connection, and why.
    pub(crate) fn losses(&self) -> Result<Vec<String>> {
        let mut losses = Vec::new();
        for (address, reader) in &self.readers {
            let output = reader.output()?;
            let other = output.lines().filter(|line| !line.starts_with('{'));
            losses.extend(other.map(|line| format!("{address}: {line}")));
        }
        Ok(losses)
    }
}
