//! Watching from inside: a stack's tasks, as they come and go.

use std::io::{self, ErrorKind};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use service::logging::colour_is_welcome;
use service::program::say;
use service::time::for_people;
use tokio::process::Command;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::changes::{Change, Task, Tasks};
use super::options::StackOptions;
use super::urls::over;
use crate::figures::thousands;
use crate::stdout::print;

/// How often Docker is asked.
const INTERVAL: Duration = Duration::from_secs(1);

/// Longest wait for its answer; then the command is ended.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What Docker says of a stack that has no tasks, not even old ones.
const NOTHING: &str = "nothing found in stack";

/// A change, for programs.
#[derive(Serialize)]
struct Json<'a> {
    seconds: f64,
    #[serde(flatten)]
    change: &'a Change,
}

/// Watches until the time is over, or `signal`; a line for each change.
pub(super) async fn watch(options: StackOptions, signal: &CancellationToken) -> anyhow::Result<()> {
    let StackOptions { name, duration, json } = options;
    let (start, has_colours) = (Instant::now(), colour_is_welcome(&io::stdout()));
    let mut turns = interval(INTERVAL);
    turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut known, mut is_first, mut is_silent) = (Tasks::default(), true, false);
    let (mut changes, mut failures) = (0, 0);
    loop {
        tokio::select! {
            _ = turns.tick() => {}
            () = signal.cancelled() => break,
            () = over(start, duration) => break,
        }
        let Some(found) = signal.run_until_cancelled(tasks(&name)).await else { break };
        let now = match found {
            Ok(now) => now,
            Err(error) if is_first => return Err(error),
            Err(error) => {
                if !is_silent {
                    say(&format!("{error:#}; asking again every second"));
                }
                is_silent = true;
                continue;
            }
        };
        ensure!(!is_first || !now.is_empty(), "there is no stack {name:?}: `docker stack ls` shows those that are");
        (is_first, is_silent) = (false, false);
        let is_over = now.is_empty();
        for change in known.take(&name, now) {
            changes += 1;
            failures += u64::from(change.is_failure());
            print(&told(&change, start, json, has_colours)?).context("cannot write what there is to say")?;
        }
        if is_over {
            break;
        }
    }
    if !json {
        let time = for_people(start.elapsed());
        print(&format!("\n{} changes in {time}, {} tasks failed\n", thousands(changes), thousands(failures)))?;
    }
    ensure!(failures == 0, "tasks failed: {}", thousands(failures));
    Ok(())
}

/// The tasks of a stack, also those that are over; none when there is no such stack.
///
/// # Errors
/// When `docker` is missing, or cannot tell: then it has said why.
async fn tasks(stack: &str) -> anyhow::Result<Vec<Task>> {
    let mut command = Command::new("docker");
    command.args(["stack", "ps", "--no-trunc", "--format", "{{json .}}", "--", stack]).kill_on_drop(true);
    let output = match timeout(ANSWER_TIMEOUT, command.output()).await {
        Ok(Err(error)) if error.kind() == ErrorKind::NotFound => {
            bail!("there is no command docker: run this where Docker is installed, on a manager")
        }
        Ok(output) => output.context("cannot run docker")?,
        Err(_) => bail!("docker does not answer within {} s", ANSWER_TIMEOUT.as_secs()),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        if said.contains(NOTHING) {
            return Ok(Vec::new());
        }
        bail!("docker cannot tell: {}", said.trim());
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    let tasks = lines.lines().map(|line| Task::from_line(line).with_context(|| format!("docker says {line:?}")));
    tasks.collect()
}

fn told(change: &Change, start: Instant, is_json: bool, has_colours: bool) -> anyhow::Result<String> {
    let seconds = start.elapsed().as_secs_f64();
    if is_json {
        return Ok(serde_json::to_string(&Json { seconds, change })? + "\n");
    }
    let line = format!("{seconds:>5.0} s  {}", change.line());
    let line = if change.is_failure() && has_colours { format!("\x1b[31m{line}\x1b[0m") } else { line };
    Ok(line + "\n")
}
