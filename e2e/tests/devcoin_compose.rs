//! DevCoin with Docker Compose on one engine.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{
    collections::BTreeMap,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use e2e::{
    compose::Project,
    engine::{Engine, output_of},
    wait,
};
use serde_json::Value;

const LIMIT: Duration = Duration::from_mins(1);

/// How long coins are counted to see how fast they come.
const COUNTED: Duration = Duration::from_mins(1);

/// How far the speed may be from what it should be.
const TOLERANCE: f64 = 0.05;

/// Starts DevCoin with so many miners, and waits until it is healthy.
fn up(test: &str, miners: usize, settings: &[(&'static str, &str)]) -> Result<Project> {
    let project = Project::new(&format!("devcoin-{test}"), settings)?;
    scale(&project, miners)?;
    Ok(project)
}

fn scale(project: &Project, miners: usize) -> Result<()> {
    project.compose(&["up", "--detach", "--wait", &format!("--scale=miner={miners}"), "webui"]).map(drop)
}

fn get(project: &Project, service: &str, port: &str, path: &str) -> Result<Value> {
    let url = format!("http://{}{path}", project.address(service, port)?);
    Ok(serde_json::from_str(&output_of(Command::new("curl").args(["-sS", "--max-time", "10", &url]))?)?)
}

fn stats(project: &Project) -> Result<Value> {
    get(project, "api", "9000", "/stats")
}

fn blocks(project: &Project) -> Result<u64> {
    Ok(project.compose(&["exec", "redis", "redis-cli", "GET", "blocks"])?.trim().parse()?)
}

/// Coins a second, counted for [`COUNTED`].
fn speed(project: &Project) -> Result<f64> {
    let (start, before) = (Instant::now(), blocks(project)?);
    thread::sleep(COUNTED);
    let coins = u32::try_from(blocks(project)? - before)?;
    Ok(f64::from(coins) / start.elapsed().as_secs_f64())
}

/// What the ledger holds at one moment.
fn ledger(project: &Project) -> Result<Ledger> {
    let script = "local found = {redis.call('GET', 'blocks')}
        for _, id in ipairs(redis.call('ZRANGE', 'miners', 0, -1)) do
            found[#found + 1] = id .. ' ' .. redis.call('HGET', 'miner:' .. id, 'coins')
        end
        return found";
    let answer = project.compose(&["exec", "redis", "redis-cli", "EVAL", script, "0"])?;
    let mut lines = answer.lines().map(str::trim);
    let blocks = lines.next().context("there are blocks")?.parse()?;
    let miners = lines.map(|line| {
        let (id, coins) = line.split_once(' ').context("an id and a number")?;
        Ok((id.to_owned(), coins.parse()?))
    });
    Ok(Ledger { blocks, miners: miners.collect::<Result<_>>()? })
}

/// Coins of all miners, and of each.
#[derive(Debug)]
struct Ledger {
    blocks: u64,
    miners: BTreeMap<String, u64>,
}

#[test]
fn three_miners_find_three_times_as_many_coins_as_one() -> Result<()> {
    let project = up("speed", 1, &[])?;
    let one = speed(&project)?;
    scale(&project, 3)?;
    wait::until(LIMIT, || {
        let stats = stats(&project)?;
        ensure!(stats["miners_alive"] == 3, "{stats}");
        Ok(())
    })?;
    let three = speed(&project)?;
    println!("one miner: {one:.3} coins a second; three: {three:.3}; {:.3} times as many", three / one);
    ensure!((three / one / 3.0 - 1.0).abs() <= TOLERANCE);
    let page = output_of(Command::new("curl").args(["-sS", &project.address("webui", "8080")?]))?;
    ensure!(page.contains("<html"), "{page}");
    let stats = get(&project, "webui", "8080", "/api/stats")?;
    ensure!(stats["stale"] == false, "{stats}");
    Ok(())
}

#[test]
fn a_killed_redis_and_a_killed_miner_cost_no_coin() -> Result<()> {
    let project = up("faults", 3, &[("MINING_SPEED", "super-fast"), ("DIFFICULTY", "12")])?;
    for _ in 0..2 {
        let before = blocks(&project)?;
        project.compose(&["kill", "redis"])?;
        wait::until(LIMIT, || {
            let stats = stats(&project)?;
            ensure!(stats["stale"] == true, "{stats}");
            Ok(())
        })?;
        project.compose(&["start", "redis"])?;
        wait::until(LIMIT, || {
            let stats = stats(&project)?;
            ensure!(stats["stale"] == false && stats["blocks"].as_u64() > Some(before), "{stats}");
            Ok(())
        })?;
    }
    let miners = project.compose(&["ps", "--quiet", "miner"])?;
    let killed = miners.lines().next().context("there are miners")?;
    Engine::local().docker(&["kill", killed])?;
    wait::until(LIMIT, || {
        let stats = stats(&project)?;
        ensure!(stats["miners_alive"] == 2, "{stats}");
        Ok(())
    })?;
    project.compose(&["stop", "miner"])?;
    let ledger = ledger(&project)?;
    for container in miners.lines().filter(|container| *container != killed) {
        let (miner, found) = own_count(container)?;
        ensure!(ledger.miners.get(&miner) == Some(&found), "{miner} counts {found} coins, the ledger has {ledger:?}");
    }
    println!("{ledger:?}");
    ensure!(ledger.miners.len() == 3 && ledger.miners.values().all(|coins| *coins > 0), "{ledger:?}");
    ensure!(ledger.miners.values().sum::<u64>() == ledger.blocks, "{ledger:?}");
    Ok(())
}

/// What a miner that has stopped says of itself: its id, and how many coins it has found.
fn own_count(container: &str) -> Result<(String, u64)> {
    let output = Engine::local().command().args(["logs", container]).output()?;
    let log = String::from_utf8(output.stderr)?;
    let last = log.lines().find_map(|line| line.split_once(" coins found, ")?.0.rsplit_once("miner "));
    let (id, found) = last.and_then(|(_, said)| said.split_once(": ")).with_context(|| log.clone())?;
    Ok((id.to_owned(), found.parse()?))
}

#[test]
fn a_stop_is_orderly_for_every_container() -> Result<()> {
    let project = up("stop", 1, &[])?;
    project.stop()
}

#[test]
fn the_programs_run_as_nobody_in_particular_without_capabilities_on_a_read_only_disk() -> Result<()> {
    let project = up("hardened", 1, &[])?;
    project.ensure_is_hardened(&[])
}
