//! `stack.yml` with `deploy/replica.yml`: losing the ledger, and what everybody says meanwhile.

use std::{
    collections::BTreeSet,
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, ensure};
use e2e::{
    cluster::Node,
    engine::output_of,
    ledger::Ledger,
    running::Running,
    wait,
    yard::{self, STACK, Yard},
};
use regex::Regex;
use serde_json::Value;

use crate::SETTLE_LIMIT;

const MINERS: usize = 4;

/// Time between two questions to the API.
const PACE: Duration = Duration::from_millis(100);

/// Deploys with a replica on the last node.
pub(crate) fn deploy(managers: &[&str], workers: &[&str]) -> Result<Yard> {
    let yard = Yard::prepare(managers, workers)?;
    yard.label_all()?;
    let last = yard.cluster().nodes().last().context("there are nodes")?.name().to_owned();
    yard.engine()?.docker(&["node", "update", "--label-add", "redis=replica", &last])?;
    let mut deploy = yard.script_with("deploy.sh", &["deploy/replica.yml"])?;
    output_of(deploy.env("MINER_REPLICAS", MINERS.to_string()))?;
    Ok(yard)
}

/// What the Redis on this node has, if that is so many coins at least.
pub(crate) fn counts(node: &Node, blocks: u64) -> Result<Ledger> {
    let ledger = Ledger::read(node)?;
    ensure!(ledger.blocks >= blocks, "{ledger:?}, and not {blocks}");
    Ok(ledger)
}

/// Whether the replica has so many coins.
pub(crate) fn has_copied(yard: &Yard, blocks: u64) -> Result<()> {
    let node = yard.cluster().nodes().last().context("there are nodes")?;
    let ledger = Ledger::read_of(node, "redis-replica")?;
    ensure!(ledger.blocks == blocks, "the replica has {ledger:?}, and not {blocks}");
    Ok(())
}

/// Kills the Redis on this node and takes its disk away before Swarm starts it anew.
pub(crate) fn lose_the_volume(node: &Node) -> Result<()> {
    let filter = format!("--filter=label=com.docker.swarm.service.name={STACK}_redis");
    let redis = node.engine().docker(&["ps", "--quiet", &filter])?;
    node.engine().docker(&["rm", "--force", &redis])?;
    node.engine().docker(&["volume", "rm", &format!("{STACK}_redis")]).map(drop)
}

/// Whether a Redis without its coins has said what to do.
pub(crate) fn refuses_to_start(yard: &Yard) -> Result<()> {
    let mut logs = yard.engine()?.command();
    let output = logs.args(["service", "logs", "--raw", &format!("{STACK}_redis")]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(said.contains("--env-add EMPTY_VOLUME=fill"), "{said}");
    Ok(())
}

/// Changes how Redis is started; does not wait.
pub(crate) fn update_redis(yard: &Yard, changes: &[&str]) -> Result<()> {
    let service = format!("{STACK}_redis");
    let update = [&["service", "update", "--detach", "--quiet"], changes, &[&service]].concat();
    yard.engine()?.docker(&update).map(drop)
}

/// What the miners say.
pub(crate) struct Miners(Running);

impl Miners {
    pub(crate) fn follow(yard: &Yard) -> Result<Self> {
        let mut logs = yard.engine()?.command();
        logs.args(["service", "logs", "--raw", "--follow", &format!("{STACK}_miner")]);
        Running::start(&mut logs).map(Self)
    }

    /// Stops them all; gives how many coins they know to be recorded.
    pub(crate) fn stop(&self, yard: &Yard) -> Result<u64> {
        yard.engine()?.docker(&["service", "scale", "--detach", &format!("{STACK}_miner=0")])?;
        let end = Regex::new(r"coins? found, (\d+) recorded")?;
        wait::until(SETTLE_LIMIT, || {
            let said = self.0.output()?;
            let recorded: Vec<_> = end.captures_iter(&said).map(|found| found[1].parse::<u64>()).collect();
            ensure!(recorded.len() >= MINERS, "{} miners have ended", recorded.len());
            Ok(recorded.into_iter().sum::<Result<_, _>>()?)
        })
    }
}

/// Has miners find coins again.
pub(crate) fn mine(yard: &Yard) -> Result<()> {
    yard.engine()?.docker(&["service", "scale", "--detach", &format!("{STACK}_miner={MINERS}")]).map(drop)
}

/// Asks the API for its figures all the time.
pub(crate) struct Watch {
    stop: mpsc::Sender<()>,
    asking: JoinHandle<Said>,
}

/// What the API answered.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) answers: usize,
    pub(crate) sources: BTreeSet<String>,
    /// Answers that are none.
    pub(crate) failures: Vec<String>,
}

impl Watch {
    pub(crate) fn start(url: &str) -> Self {
        let (stop, stopped) = mpsc::channel();
        let url = url.to_owned();
        let asking = thread::spawn(move || {
            let mut said = Said::default();
            while stopped.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
                match ask(&url) {
                    Ok(source) => {
                        said.answers += 1;
                        said.sources.insert(source);
                    }
                    Err(error) => said.failures.push(format!("{error:#}")),
                }
            }
            said
        });
        Self { stop, asking }
    }

    pub(crate) fn end(self) -> Result<Said> {
        self.stop.send(())?;
        self.asking.join().map_err(|_| anyhow!("who asks the API has panicked"))
    }
}

/// Who gave the figures.
fn ask(url: &str) -> Result<String> {
    let answer: Value = serde_json::from_str(&yard::get(url)?)?;
    let source = answer["source"].as_str().with_context(|| answer.to_string())?;
    Ok(source.to_owned())
}
