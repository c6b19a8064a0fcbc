//! Clocks.

use jiff::{SignedDuration, Timestamp};
use service::time::for_people;

use crate::doctor::check::Category::Time;
use crate::doctor::check::{Check, Finding, Outcome};
use crate::doctor::facts::Facts;

pub(super) const CHECKS: &[Check<Facts>] = &[
    Check {
        id: "engine-clock",
        category: Time,
        needs: &["engine"],
        looks_at: "this machine's clock against its engine's",
        anchor: "a-clock-is-wrong",
        look: engine_clock,
    },
    Check {
        id: "clock",
        category: Time,
        needs: &[],
        looks_at: "this machine's clock against Docker Hub's",
        anchor: "a-clock-is-wrong",
        look: clock,
    },
];

/// Most that two clocks may differ: an answer takes some time, and less harms nothing here.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

const EFFECT: &str = "times in logs and of coins do not fit, and far off, certificates seem to be of the future or over: \
                      no pull, and no joining a Swarm";

/// By how much a clock is wrong, if it is.
fn wrong(ahead: SignedDuration) -> Option<String> {
    let way = if ahead.is_negative() { "behind" } else { "ahead of" };
    (ahead.abs() > SKEW).then(|| format!("{} {way}", for_people(ahead.unsigned_abs())))
}

fn engine_clock(facts: &Facts) -> Outcome {
    let info = facts.docker.engine()?;
    let time: Option<Timestamp> = info.system_time.as_ref().and_then(|time| time.parse().ok());
    let time = time.ok_or("the engine does not tell its time")?;
    let Some(wrong) = wrong(info.received.duration_since(time)) else { return Ok(Vec::new()) };
    let found = format!("this machine's clock is {wrong} its engine's");
    // The virtual machine of Docker Desktop stands still while a laptop sleeps.
    Ok(vec![Finding::warning(found, EFFECT, "restart Docker Desktop, or the machine that the engine is on")])
}

fn clock(facts: &Facts) -> Outcome {
    let ahead = facts.hub.as_ref()?.ahead.ok_or("Docker Hub does not tell its time")?;
    let Some(wrong) = wrong(ahead) else { return Ok(Vec::new()) };
    let mend = if cfg!(target_os = "macos") { "sudo sntp -sS time.apple.com" } else { "sudo timedatectl set-ntp true" };
    Ok(vec![Finding::warning(format!("this machine's clock is {wrong} Docker Hub's"), EFFECT, mend)])
}
