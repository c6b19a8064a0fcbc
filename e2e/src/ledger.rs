//! DevCoin's ledger of the stack `yard`, read where it is.

use anyhow::{Context, Result, bail, ensure};

use crate::{cluster::Node, yard::STACK};

/// What is in Redis, at one moment.
#[derive(Debug)]
pub struct Ledger {
    /// How many coins there are.
    pub blocks: u64,
    /// Coins of all miners.
    pub sum: u64,
}

impl Ledger {
    /// Asks the Redis that runs on this node, with the password that nobody here knows.
    ///
    /// # Errors
    /// When no healthy Redis runs there.
    pub fn read(node: &Node) -> Result<Self> {
        Self::read_of(node, "redis")
    }

    /// The same of a Redis that is this service.
    ///
    /// # Errors
    /// As of [`Self::read`].
    pub fn read_of(node: &Node, service: &str) -> Result<Self> {
        let script = "local sum = 0
            for _, id in ipairs(redis.call('ZRANGE', 'miners', 0, -1)) do
                sum = sum + redis.call('HGET', 'miner:' .. id, 'coins')
            end
            return {redis.call('GET', 'blocks') or '0', sum}";
        let engine = node.engine();
        let filter = format!("--filter=label=com.docker.swarm.service.name={STACK}_{service}");
        let redis = engine.docker(&["ps", "--quiet", "--filter=health=healthy", &filter])?;
        ensure!(!redis.is_empty(), "{service} does not run on {}", node.name());
        let ask = r#"REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli EVAL "$0" 0"#;
        let answer = engine.docker(&["exec", &redis, "sh", "-c", ask, script])?;
        let numbers = answer.lines().map(|line| line.trim().parse()).collect::<Result<Vec<u64>, _>>();
        let numbers = numbers.with_context(|| answer.clone())?;
        let [blocks, sum] = numbers[..] else { bail!("not two numbers: {answer}") };
        Ok(Self { blocks, sum })
    }
}
