//! Miners as processes, which find coins faster than a ledger records them.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use testing::{Program, Signal};
use tokio::time::{sleep, timeout};

use crate::balance::Balance;
use crate::ledger::Ledger;
use crate::options::MinerOptions;
use crate::programs;

/// Recording before the first look at the ledger.
const WARM_UP: Duration = Duration::from_secs(1);

/// Longest wait for the first coins of all miners; then the measurement fails.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How often the ledger is asked for them.
const GLANCE: Duration = Duration::from_millis(20);

/// Longest time that a miner has after SIGTERM for the coins that it holds, as `DRAIN_TIMEOUT` has it;
/// then they are lost, and the measurement fails.
const DRAIN_TIMEOUT: &str = "30s";

/// How miners are started.
pub(crate) struct Mine {
    program: PathBuf,
    difficulty: String,
}

/// Miners that run; they are killed when this is dropped.
pub(crate) struct Miners(Vec<Program>);

impl Mine {
    /// Finds the program.
    ///
    /// # Errors
    /// When it is not there.
    pub(crate) fn new(options: &MinerOptions) -> anyhow::Result<Self> {
        let program = programs::built("miner", options.miner.as_deref())?;
        Ok(Self { program, difficulty: options.difficulty.bits().to_string() })
    }

    /// Starts so many, waits until each has recorded coins, and then for the [`WARM_UP`].
    ///
    /// # Errors
    /// When not all record coins, or the ledger does not answer.
    pub(crate) async fn start(&self, miners: usize, ledger: &Ledger) -> anyhow::Result<Miners> {
        let since = ledger.figures().await?.milliseconds;
        let programs = Miners((0..miners).map(|_| self.start_one(ledger)).collect());
        let all_record = async {
            loop {
                let figures = ledger.figures().await?;
                let ours = figures.miners.iter().filter(|miner| miner.coins > 0 && miner.last_seen > since);
                if ours.count() >= miners {
                    return anyhow::Ok(());
                }
                sleep(GLANCE).await;
            }
        };
        let Ok(result) = timeout(START_TIMEOUT, all_record).await else {
            // One that failed says why.
            programs.end()?;
            bail!("not all of {miners} miners got a coin recorded within {} s", START_TIMEOUT.as_secs());
        };
        result?;
        sleep(WARM_UP).await;
        Ok(programs)
    }

    fn start_one(&self, ledger: &Ledger) -> Program {
        let mut command = Command::new(&self.program);
        command.env_clear().envs([
            ("MINING_SPEED", "unlimited"),
            ("DIFFICULTY", &self.difficulty),
            ("REDIS_URL", &ledger.url()),
            ("OPS_HOST", "127.0.0.1"),
            ("OPS_PORT", "0"),
            ("DRAIN_TIMEOUT", DRAIN_TIMEOUT),
        ]);
        testing::start_command(command)
    }
}

impl Miners {
    /// Stops them as Docker does, and checks that the ledger has counted each coin once.
    ///
    /// # Errors
    /// When a miner fails or loses coins, or the ledger has counted wrongly.
    pub(crate) async fn stop(self, ledger: &Ledger) -> anyhow::Result<Balance> {
        let own_counts = self.end()?;
        let figures = ledger.figures().await?;
        for (miner, found) in own_counts {
            let known = figures.miners.iter().find(|known| known.miner.as_str() == miner);
            let counted = known.map_or(0, |known| known.coins);
            ensure!(counted == found, "miner {miner} has found {found} coins, the ledger has counted {counted}");
        }
        Balance::of(&figures)
    }

    /// Each miner's id, and how many coins it says that it has found.
    fn end(self) -> anyhow::Result<Vec<(String, u64)>> {
        for program in &self.0 {
            program.signal(Signal::TERM);
        }
        let ends = self.0.into_iter().map(|mut program| {
            let (status, _) = program.ended();
            let (_, _, log) = program.output();
            ensure!(status.success() && !log.contains(" ERROR "), "a miner ended with {status}, and said: {log}");
            own_count(&log).with_context(|| format!("a miner does not say what it has found: {log}"))
        });
        ends.collect()
    }
}

/// A miner's last word: `miner ID: 42 coins found, 42 recorded`.
fn own_count(log: &str) -> Option<(String, u64)> {
    let (said, _) = log.rsplit_once(" coins found, ")?;
    let (miner, found) = said.rsplit_once("miner ")?.1.split_once(": ")?;
    Some((miner.to_owned(), found.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::own_count;

    #[test]
    fn a_miner_says_at_its_end_what_it_has_found() {
        let log = "INFO miner pi-7: speed slow\nINFO miner pi-7: 42 coins found, 40 recorded\n";
        assert_eq!(own_count(log), Some(("pi-7".to_owned(), 42)));
        assert_eq!(own_count("INFO miner pi-7: speed slow"), None);
    }
}
