//! Processor time and memory of a process.

use std::fs;
use std::iter::Sum;
use std::time::Duration;

use anyhow::Context;

/// Processor time and memory of some processes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// In the program and in the kernel for it, since it was started; to 10 ms.
    pub(crate) processor: Duration,
    pub(crate) resident_bytes: u64,
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), |sum, one| Self {
            processor: sum.processor + one.processor,
            resident_bytes: sum.resident_bytes + one.resident_bytes,
        })
    }
}

/// What a process has used (proc(5)).
///
/// # Errors
/// When there is no such process.
pub(crate) fn of(process: u32) -> anyhow::Result<Usage> {
    let read = |file| {
        fs::read_to_string(format!("/proc/{process}/{file}")).with_context(|| format!("process {process} is gone"))
    };
    let (stat, status) = (read("stat")?, read("status")?);
    // The name of the program, which may hold anything, ends with the last parenthesis; the third
    // field follows.
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3).and_then(|ticks| ticks.parse::<u64>().ok());
    let ticks = ticks(14).zip(ticks(15)).context("no utime and stime in stat")?;
    let seconds = (ticks.0 + ticks.1) as f64 / rustix::param::clock_ticks_per_second() as f64;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    let kibibytes: u64 = resident.context("no VmRSS in status")?.parse()?;
    Ok(Usage { processor: Duration::from_secs_f64(seconds), resident_bytes: 1024 * kibibytes })
}
