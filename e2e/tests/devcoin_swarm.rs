//! DevCoin on a Swarm of three machines: miners anywhere, one ledger.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use e2e::{images, stack::Stack, wait};

const SETTLE_LIMIT: Duration = Duration::from_secs(90);
const NODES: [&str; 3] = ["manager", "worker1", "worker2"];
const MINERS: usize = 6;

#[test]
fn when_a_node_with_miners_loses_power_others_take_over_and_the_ledger_is_right() -> Result<()> {
    images::build()?;
    let miners = MINERS.to_string();
    let settings = [("MINER_REPLICAS", &*miners), ("MINING_SPEED", "super-fast"), ("DIFFICULTY", "12")];
    let stack = Stack::deploy(&NODES, &[], &settings)?;
    let before = wait::until(SETTLE_LIMIT, || {
        let tasks = stack.running(&["miner"])?;
        ensure!(NODES.iter().all(|node| tasks.iter().any(|task| task.ends_with(node))), "{tasks:?} run");
        let ledger = Ledger::read(&stack)?;
        ensure!(ledger.alive == MINERS, "{ledger:?}");
        Ok(ledger)
    })?;
    stack.cluster().node("worker2")?.cut_power()?;
    let cut = SystemTime::now();
    let after = wait::until(SETTLE_LIMIT, || {
        let tasks = stack.running(&["miner"])?;
        ensure!(tasks.len() == MINERS && !tasks.iter().any(|task| task.ends_with("worker2")), "{tasks:?} run");
        let ledger = Ledger::read(&stack)?;
        ensure!(ledger.miners > MINERS && ledger.alive == MINERS, "{ledger:?}");
        Ok(ledger)
    })?;
    println!("{before:?}, then the power is cut; {:.1} s later {after:?}", cut.elapsed()?.as_secs_f32());
    stack.engine()?.docker(&["service", "scale", "--detach", "myapp_miner=0"])?;
    wait::until(SETTLE_LIMIT, || {
        let tasks = stack.running(&["miner"])?;
        ensure!(tasks.is_empty(), "{tasks:?} run");
        Ok(())
    })?;
    let ledger = Ledger::read(&stack)?;
    ensure!(ledger.sum == ledger.blocks && ledger.blocks > after.blocks, "{ledger:?} after {after:?}");
    Ok(())
}

/// What is in Redis, at one moment.
#[derive(Debug)]
struct Ledger {
    blocks: u64,
    /// Coins of all miners.
    sum: u64,
    /// Miners that were ever heard of.
    miners: usize,
    /// Those that were heard of in the last 15 seconds.
    alive: usize,
}

impl Ledger {
    fn read(stack: &Stack) -> Result<Self> {
        let script = "local now, sum, alive = tonumber(redis.call('TIME')[1]), 0, 0
            local miners = redis.call('ZRANGE', 'miners', 0, -1, 'WITHSCORES')
            for place = 1, #miners, 2 do
                sum = sum + redis.call('HGET', 'miner:' .. miners[place], 'coins')
                if miners[place + 1] / 1000 > now - 15 then alive = alive + 1 end
            end
            return {redis.call('GET', 'blocks') or '0', sum, #miners / 2, alive}";
        let engine = stack.engine()?;
        let filter = "--filter=label=com.docker.swarm.service.name=myapp_redis";
        let redis = engine.docker(&["ps", "--quiet", "--filter=health=healthy", filter])?;
        ensure!(!redis.is_empty(), "Redis is not on the manager yet");
        let answer = engine.docker(&["exec", &redis, "redis-cli", "EVAL", script, "0"])?;
        let numbers = answer.lines().map(|line| line.trim().parse()).collect::<Result<Vec<u64>, _>>();
        let numbers = numbers.with_context(|| answer.clone())?;
        let [blocks, sum, miners, alive] = numbers[..] else { anyhow::bail!("not four numbers: {answer}") };
        Ok(Self { blocks, sum, miners: usize::try_from(miners)?, alive: usize::try_from(alive)? })
    }
}
