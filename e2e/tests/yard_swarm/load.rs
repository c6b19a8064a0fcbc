//! Requests through the way in, as many as `wrk` can, and what became of them.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use regex::Regex;

/// Longer than any test: `wrk` reports when it is interrupted.
const DURATION: &str = "30m";

/// `wrk` at one address. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Load(Option<Child>);

/// What `wrk` says at its end.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) requests: u64,
    /// Its lines about requests that failed; none when all is well.
    pub(crate) failures: Vec<String>,
}

impl Load {
    /// Starts two connections that ask for this address again and again.
    pub(crate) fn start(url: &str) -> Result<Self> {
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", "-c2", "-d", DURATION, "--timeout", "10s", url]).stdout(Stdio::piped());
        Ok(Self(Some(wrk.spawn().context("cannot start wrk")?)))
    }

    /// Ends it.
    pub(crate) fn end(mut self) -> Result<Report> {
        let wrk = self.0.take().context("wrk runs")?;
        interrupt(&wrk);
        let output = wrk.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let requests =
            Regex::new(r"(\d+) requests in")?.captures(&text).with_context(|| format!("no report: {text}"))?;
        let is_failure = |line: &&str| line.contains("Socket errors") || line.contains("Non-2xx");
        let failures = text.lines().filter(is_failure).map(|line| line.trim().to_owned()).collect();
        Ok(Report { requests: requests[1].parse()?, failures })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(mut wrk) = self.0.take() {
            // It may have ended by itself; then there is nothing to end.
            let _ = wrk.kill();
            let _ = wrk.wait();
        }
    }
}

/// Sends SIGINT.
pub(crate) fn interrupt(child: &Child) {
    let process = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(process) = process {
        // A program that has ended by itself has reported as well.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::INT);
    }
}

/// The sum of several reports.
pub(crate) fn total(loads: Vec<Load>) -> Result<Report> {
    let mut total = Report { requests: 0, failures: Vec::new() };
    for load in loads {
        let report = load.end()?;
        ensure!(report.requests > 0, "a wrk got no answer at all");
        total.requests += report.requests;
        total.failures.extend(report.failures);
    }
    Ok(total)
}
