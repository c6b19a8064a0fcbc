//! DevCoin with Docker Compose on one engine.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{
    fs,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use e2e::{
    engine::{Engine, output_of},
    images, mesh, wait,
};
use serde_json::Value;

const LIMIT: Duration = Duration::from_mins(1);

/// How long coins are counted to see how fast they come.
const COUNTED: Duration = Duration::from_mins(1);

/// How far the speed may be from what it should be.
const TOLERANCE: f64 = 0.05;

/// Where `docker-compose.yml` runs: a project of its own, on free ports, removed when dropped.
struct Project {
    name: String,
    settings: Vec<(&'static str, &'static str)>,
}

impl Project {
    fn up(test: &str, miners: usize, settings: &[(&'static str, &'static str)]) -> Result<Self> {
        images::build()?;
        let project = Self { name: format!("e2e-{}-devcoin-{test}", std::process::id()), settings: settings.to_vec() };
        project.scale(miners)?;
        Ok(project)
    }

    fn scale(&self, miners: usize) -> Result<()> {
        self.compose(&["up", "--detach", "--wait", &format!("--scale=miner={miners}"), "webui"]).map(drop)
    }

    fn compose(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Engine::local().command();
        command.args(["compose", "--project-name", &self.name]).current_dir(images::root());
        command.envs(mesh::NO_PORTS).envs(self.settings.iter().copied());
        output_of(command.args(arguments))
    }

    fn get(&self, service: &str, port: &str, path: &str) -> Result<Value> {
        let address = self.compose(&["port", service, port])?;
        let port = address.rsplit(':').next().context("an address has a port")?;
        let url = format!("http://localhost:{port}{path}");
        Ok(serde_json::from_str(&output_of(Command::new("curl").args(["-sS", "--max-time", "10", &url]))?)?)
    }

    fn stats(&self) -> Result<Value> {
        self.get("api", "9000", "/stats")
    }

    fn blocks(&self) -> Result<u64> {
        Ok(self.compose(&["exec", "redis", "redis-cli", "GET", "blocks"])?.trim().parse()?)
    }

    /// Coins a second, counted for [`COUNTED`].
    fn speed(&self) -> Result<f64> {
        let (start, before) = (Instant::now(), self.blocks()?);
        thread::sleep(COUNTED);
        let coins = u32::try_from(self.blocks()? - before)?;
        Ok(f64::from(coins) / start.elapsed().as_secs_f64())
    }

    fn containers(&self) -> Result<Vec<String>> {
        Ok(self.compose(&["ps", "--all", "--quiet"])?.lines().map(str::to_owned).collect())
    }

    /// The sum over the miners, and the number of blocks, at one moment.
    fn sums(&self) -> Result<(u64, u64)> {
        let script = "local sum = tonumber(redis.call('GET', 'retired') or 0)
            for _, id in ipairs(redis.call('ZRANGE', 'miners', 0, -1)) do
                sum = sum + redis.call('HGET', 'miner:' .. id, 'coins')
            end
            return sum .. ' ' .. redis.call('GET', 'blocks')";
        let answer = self.compose(&["exec", "redis", "redis-cli", "EVAL", script, "0"])?;
        let (sum, blocks) = answer.trim().split_once(' ').context("two numbers")?;
        Ok((sum.parse()?, blocks.parse()?))
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // A failure leaves containers behind, which their names tell apart; nothing else to do.
        let _ = self.compose(&["down", "--timeout=1", "--remove-orphans", "--volumes"]);
    }
}

#[test]
fn three_miners_find_three_times_as_many_coins_as_one() -> Result<()> {
    let project = Project::up("speed", 1, &[])?;
    let one = project.speed()?;
    project.scale(3)?;
    wait::until(LIMIT, || {
        let stats = project.stats()?;
        ensure!(stats["miners_alive"] == 3, "{stats}");
        Ok(())
    })?;
    let three = project.speed()?;
    println!("one miner: {one:.3} coins a second; three: {three:.3}; {:.3} times as many", three / one);
    ensure!((three / one / 3.0 - 1.0).abs() <= TOLERANCE);
    let page = output_of(Command::new("curl").args([
        "-sS",
        &format!("localhost:{}", project.compose(&["port", "webui", "8080"])?.rsplit(':').next().unwrap_or_default()),
    ]))?;
    ensure!(page.contains("<html"), "{page}");
    let stats = project.get("webui", "8080", "/api/stats")?;
    ensure!(stats["stale"] == false, "{stats}");
    Ok(())
}

#[test]
fn a_killed_redis_and_a_killed_miner_cost_no_coin() -> Result<()> {
    let project = Project::up("faults", 2, &[("MINING_SPEED", "super-fast"), ("DIFFICULTY", "12")])?;
    for _ in 0..2 {
        let before = project.blocks()?;
        project.compose(&["kill", "redis"])?;
        wait::until(LIMIT, || {
            let stats = project.stats()?;
            ensure!(stats["stale"] == true, "{stats}");
            Ok(())
        })?;
        project.compose(&["up", "--detach", "--wait", "--no-recreate", "--scale=miner=2", "redis"])?;
        wait::until(LIMIT, || {
            let stats = project.stats()?;
            ensure!(stats["stale"] == false && stats["blocks"].as_u64() > Some(before), "{stats}");
            Ok(())
        })?;
    }
    let miner = project.compose(&["ps", "--quiet", "miner"])?;
    let miner = miner.lines().next().context("there are miners")?;
    Engine::local().docker(&["kill", miner])?;
    let (sum, blocks) = project.sums()?;
    ensure!(sum == blocks && blocks > 0, "the miners' coins are {sum}, the blocks {blocks}");
    Ok(())
}

#[test]
fn a_stop_is_orderly_for_every_container() -> Result<()> {
    let project = Project::up("stop", 1, &[])?;
    let start = Instant::now();
    project.compose(&["stop"])?;
    println!("stopped in {:.1} s", start.elapsed().as_secs_f32());
    for container in project.containers()? {
        // 137 would be the kill that comes after ten seconds without a reaction.
        let state = Engine::local().docker(&["inspect", "--format={{.Name}} {{.State.ExitCode}}", &container])?;
        ensure!(state.ends_with(" 0"), "{state}");
    }
    Ok(())
}

#[test]
fn the_programs_run_as_nobody_in_particular_without_capabilities_on_a_read_only_disk() -> Result<()> {
    let project = Project::up("hardened", 1, &[])?;
    for container in project.containers()? {
        let format = "--format={{.State.Pid}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.SecurityOpt}}";
        let state = Engine::local().docker(&["inspect", format, &container])?;
        let (pid, rest) = state.split_once(' ').context("a running container has a process")?;
        ensure!(rest == "true [no-new-privileges:true]", "{state}");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the engine runs on this machine")?;
        ensure!(!status.contains("Uid:\t0\t"), "{status}");
        for line in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1"] {
            ensure!(status.lines().any(|found| found == line), "{line:?} is not in {status}");
        }
    }
    Ok(())
}
