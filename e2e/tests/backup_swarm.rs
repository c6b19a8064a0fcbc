//! `deploy/backup.yml` on a Swarm: copies on two machines, and the ledger and a room of the chat brought back from them.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use e2e::{
    cluster::Node,
    engine::output_of,
    images,
    ledger::Ledger,
    wait,
    yard::{self, STACK, Yard},
};
use serde_json::Value;
use tempfile::tempdir;

const SETTLE_LIMIT: Duration = Duration::from_mins(3);

const FILES: [&str; 2] = ["deploy/replica.yml", "deploy/backup.yml"];

/// The first has the ledger, the others the copies; the second has the replica as well.
const MANAGER: [&str; 1] = ["node1"];
const BACKUPS: [&str; 2] = ["node2", "node3"];

/// More than a new ledger has until the old one is back.
const COINS: u64 = 300;

#[test]
fn from_a_copy_the_ledger_comes_back_to_a_cluster_that_has_lost_everything_else() -> Result<()> {
    images::build()?;
    let yard = Yard::prepare(&MANAGER, &BACKUPS)?;
    yard.label_all()?;
    for (node, label) in [(BACKUPS[0], "redis=replica"), (BACKUPS[0], "backup=yes"), (BACKUPS[1], "backup=yes")] {
        yard.engine()?.docker(&["node", "update", "--label-add", label, node])?;
    }
    deploy(&yard, "6")?;
    let redis = yard.node_with("redis=primary")?;
    // Both take one of each at their start. They get the way in's requests in turn.
    let ready = format!("http://{}/backup/readyz", yard.way_in("node1")?);
    wait::until(SETTLE_LIMIT, || (0..2 * BACKUPS.len()).try_for_each(|_| yard::get(&ready).map(drop)))?;
    wait::until(SETTLE_LIMIT, || yard.check())?;
    wait::until(SETTLE_LIMIT, || at_least(redis, COINS))?;
    let room = format!("{}/chat/node1/", yard.way_in("node1")?);
    let client = yard::chat_client()?;
    ensure!(say(&client, &room, &["--create"])? == 1 && say(&client, &room, &[])? == 2);
    let copy = take(yard.cluster().node("node3")?)?;
    let coins: u64 = copy.trim_end_matches(".rdb").rsplit('-').next().context("a copy has coins")?.parse()?;
    ensure!(coins >= COINS, "{copy}");

    lose_everything_but_copies(&yard)?;
    let start = Instant::now();
    deploy(&yard, "1")?;
    let said = restore(&yard, &[])?;
    println!("{said}\na bare cluster has its ledger again after {:.1} s", start.elapsed().as_secs_f32());
    ensure!(said.contains(&copy) && said.contains(&format!("{coins} coins of ")), "{said}");
    ensure!(said.contains("redis runs with it, after "), "{said}");
    let ledger = wait::until(SETTLE_LIMIT, || at_least(redis, coins))?;
    println!("{copy}, then {ledger:?}");
    wait::until(SETTLE_LIMIT, || yard.check())?;
    let said = restore(&yard, &["-n", "node1"])?;
    println!("{said}");
    ensure!(said.contains("2 messages of 1 rooms") && said.contains("node1 runs with it, after "), "{said}");
    let number = wait::until(SETTLE_LIMIT, || say(&client, &room, &[]))?;
    ensure!(number == 3, "the room goes on with number {number}");
    what_is_refused_changes_nothing(&yard, redis, &copy)?;

    // Each machine's copies will do. The one that is lost is still known at first.
    let listed = output_of(yard.script("restore.sh")?.arg("-l"))?;
    println!("{listed}");
    for backup in ["yard_backup@node2", "yard_backup@node3"] {
        ensure!(listed.lines().any(|line| line.ends_with(backup)), "{listed}");
    }
    let copy = take(yard.cluster().node("node2")?)?;
    yard.cluster().node("node3")?.cut_power()?;
    let said = restore(&yard, &["-f", &copy])?;
    ensure!(said.contains(&copy), "{said}");
    wait::until(SETTLE_LIMIT, || at_least(redis, coins))?;
    Ok(())
}

/// The ledger as it is here, if it has so many coins, each counted once.
fn at_least(redis: &Node, coins: u64) -> Result<Ledger> {
    let ledger = Ledger::read(redis)?;
    ensure!(ledger.blocks >= coins, "{ledger:?}");
    ensure!(ledger.sum == ledger.blocks, "{ledger:?}");
    Ok(ledger)
}

fn deploy(yard: &Yard, miners: &str) -> Result<()> {
    output_of(yard.script_with("deploy.sh", &FILES)?.env("MINER_REPLICAS", miners)).map(drop)
}

/// What `restore.sh` says when it is done.
fn restore(yard: &Yard, arguments: &[&str]) -> Result<String> {
    output_of(yard.script("restore.sh")?.args(arguments))
}

/// Says a line in the room of this test, at this node of the chat; gives its number.
fn say(client: &Path, address: &str, more: &[&str]) -> Result<u64> {
    let mut send = Command::new(client);
    send.args(["send", "--json", "--username=writer", "--room=lobby", "--address", address]).args(more);
    let confirmation: Value = serde_json::from_str(&output_of(send.arg("a line"))?)?;
    confirmation["sequence_number"].as_u64().context("a confirmation has a number")
}

/// Has the backup on this machine take a copy of each now; gives the name of the ledger's.
fn take(node: &Node) -> Result<String> {
    let taken = node.engine().docker(&["exec", &backup(node)?, "/backup", "take"])?;
    let ledger = taken.lines().find(|name| name.starts_with("ledger-"));
    ledger.map(str::to_owned).with_context(|| format!("there is none of the ledger: {taken}"))
}

fn backup(node: &Node) -> Result<String> {
    let filter = format!("--filter=label=com.docker.swarm.service.name={STACK}_backup");
    let backup = node.engine().docker(&["ps", "--quiet", &filter])?;
    ensure!(!backup.is_empty(), "no backup runs on {}", node.name());
    Ok(backup)
}

/// The stack, and all its volumes but those of the copies.
fn lose_everything_but_copies(yard: &Yard) -> Result<()> {
    yard.engine()?.docker(&["stack", "rm", STACK])?;
    for node in yard.cluster().nodes() {
        let engine = node.engine();
        wait::until(SETTLE_LIMIT, || {
            let volumes = engine.docker(&["volume", "ls", "--quiet"])?;
            let lost: Vec<_> = volumes.lines().filter(|volume| *volume != format!("{STACK}_backup")).collect();
            // It fails as long as a container uses one.
            if !lost.is_empty() {
                engine.docker(&[&["volume", "rm"], &lost[..]].concat())?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn what_is_refused_changes_nothing(yard: &Yard, redis: &Node, copy: &str) -> Result<()> {
    let folder = tempdir()?;
    let node = yard.cluster().node("node3")?;
    let sound = folder.path().join("sound.rdb");
    let target = sound.to_str().context("a path is text")?;
    node.engine().docker(&["cp", &format!("{}:/copies/{copy}", backup(node)?), target])?;
    let bytes = fs::read(&sound)?;
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    let before = Ledger::read(redis)?;
    for (what, bytes, reason) in [
        ("truncated", &bytes[..bytes.len() / 2], "redis-check-rdb finds: "),
        ("flipped", &flipped, "redis-check-rdb finds: "),
        ("foreign", b"these are not the coins that you are looking for", "redis-check-rdb finds: Wrong signature"),
    ] {
        let file = write(folder.path(), what, bytes)?;
        let (code, said) = run(yard.script("restore.sh")?.arg(&file))?;
        let expected = format!("{} is refused: {reason}", file.display());
        ensure!(code == Some(1) && said.contains(&expected), "{what}: {code:?}: {said}");
    }
    let (code, said) = run(yard.script("restore.sh")?.arg(&sound))?;
    ensure!(code == Some(1) && said.contains("it would lose ") && said.contains("--force"), "{code:?}: {said}");
    let (code, said) = run(yard.script("restore.sh")?.arg("ledger-20010101T000000Z-1.rdb"))?;
    ensure!(code == Some(1) && said.contains("no backup has ledger-20010101T000000Z-1.rdb"), "{code:?}: {said}");
    // The same Redis goes on.
    at_least(redis, before.blocks)?;
    let rest = yard.engine()?.docker(&["service", "ls", "--format={{.Name}}"])?;
    ensure!(!rest.contains("restore"), "{rest}");
    ensure!(!yard.engine()?.docker(&["config", "ls", "--format={{.Name}}"])?.contains("restore"));
    Ok(())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let file = folder.join(format!("{name}.rdb"));
    fs::write(&file, bytes)?;
    Ok(file)
}

/// A script's exit code and what it printed, stderr last.
fn run(script: &mut Command) -> Result<(Option<i32>, String)> {
    let output = script.output()?;
    Ok((output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()))
}
