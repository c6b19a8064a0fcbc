//! How many replicas a service is to have: a pure function of what was seen of it.
//!
//! The algorithm is that of Kubernetes' Horizontal Pod Autoscaler with its defaults, as published in its page
//! "Horizontal Pod Autoscaling" and done in `replica_calculator.go`: as many replicas as bring the load of each to the
//! target; nothing for a deviation of a tenth; up at once; down to the highest recommendation of the window. What is
//! not known counts against every change.

use std::time::Duration;

/// A deviation from the target, as a share of it, that changes nothing.
pub(crate) const TOLERANCE: f64 = 0.1;

/// By how much of a replica the sum of all loads may be wrong, since it is one of rounded numbers.
const ROUNDING: f64 = 1e-6;

/// One step adds at most as many replicas as there are, or so many where there are fewer.
pub(crate) const GROWTH_MIN: u32 = 4;

#[cfg(test)]
mod tests;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rules {
    /// Fewest replicas, at least one.
    pub(crate) min: u32,
    /// Most replicas.
    pub(crate) max: u32,
    /// How many requests each replica is to have in flight, more than none.
    pub(crate) target: f64,
    /// How long a recommendation keeps the service from having fewer replicas.
    pub(crate) window: Duration,
}

/// What was seen of a service at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    /// When, counted from a moment that is the same for all samples.
    pub(crate) at: Duration,
    /// How many replicas the service is told to have.
    pub(crate) replicas: u32,
    /// Requests in flight at each replica that serves; nothing where one does not tell.
    pub(crate) in_flight: Vec<Option<f64>>,
    /// Replicas that do not serve, yet or any more.
    pub(crate) not_ready: u32,
    /// An update of the service is under way, or stopped half-way.
    pub(crate) is_updating: bool,
}

impl Sample {
    /// Requests in flight at all replicas that tell.
    pub(crate) fn load(&self) -> f64 {
        self.in_flight.iter().flatten().sum()
    }
}

/// What is to be done, and why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Decision {
    /// How many replicas the load of this sample needs, by itself.
    pub(crate) needed: u32,
    /// The most that were needed in the window, within the bounds: with more replicas than these, some go.
    pub(crate) highest: u32,
    /// How many replicas the service is to have; as many as it has, mostly.
    pub(crate) replicas: u32,
    pub(crate) because: Because,
}

/// The rule that made a decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Because {
    /// Somebody has switched the service off, and alone switches it on.
    Off,
    /// Another change now would take the way back from the update.
    Updating,
    /// There are more or fewer than allowed.
    Bounds,
    /// Not one replica tells.
    Unknown,
    /// Those that do not tell may have a load that makes the change wrong.
    Missing,
    /// The load is that of the target, within the tolerance.
    Near,
    /// What the load needs.
    Load,
}

/// What is to be done after the last of these samples, of which each is later than the one before. All that lie in the
/// window before the last are needed, and the one before these.
pub(crate) fn decide(history: &[Sample], rules: &Rules) -> Decision {
    let nothing = Sample::default();
    let now = history.last().unwrap_or(&nothing);
    let (needed, because) = recommend(now, rules);
    let highest = highest(history, rules);
    let bounded = now.replicas.clamp(rules.min, rules.max);
    let (replicas, because) = match because {
        Because::Off => (now.replicas, because),
        _ if now.is_updating => (now.replicas, Because::Updating),
        _ if now.replicas != bounded => (bounded, Because::Bounds),
        _ if needed > now.replicas => (needed.min(rules.max).min(grown(now.replicas)), because),
        _ => (now.replicas.min(highest), because),
    };
    Decision { needed, highest, replicas, because }
}

/// The most replicas after one step.
pub(crate) fn grown(replicas: u32) -> u32 {
    replicas.saturating_add(replicas.max(GROWTH_MIN))
}

/// The highest recommendation of the window, within the bounds. Each holds until the next, so that the one before the
/// window counts; where nothing older was seen, the replicas that were there first are taken for needed.
fn highest(history: &[Sample], rules: &Rules) -> u32 {
    let Some(last) = history.last() else { return 0 };
    let mut highest = 0;
    for sample in history.iter().rev() {
        highest = highest.max(recommend(sample, rules).0);
        if sample.at + rules.window <= last.at {
            return highest.clamp(rules.min, rules.max);
        }
    }
    highest.max(history.first().map_or(0, |first| first.replicas)).clamp(rules.min, rules.max)
}

/// How many replicas a sample calls for, whatever the bounds.
fn recommend(sample: &Sample, rules: &Rules) -> (u32, Because) {
    let Sample { replicas, not_ready, .. } = *sample;
    let (load, known) = (sample.load(), sample.in_flight.iter().flatten().count());
    if replicas == 0 {
        return (0, Because::Off);
    }
    if known == 0 {
        return (replicas, Because::Unknown);
    }
    let (known, missing) = (count(known), count(sample.in_flight.len() - known));
    let told_ratio = load / (known * rules.target);
    let is_more = told_ratio > 1.0;
    // Whoever does not tell is at the target on the way down, and idle on the way up; who does not serve, idle then.
    let (load, sharing) = if is_more {
        (load, known + missing + f64::from(not_ready))
    } else {
        (load + missing * rules.target, known + missing)
    };
    let ratio = load / (sharing * rules.target);
    // It saturates.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let needed = (load / rules.target - ROUNDING).ceil().max(0.0) as u32;
    let is_turned = if is_more { ratio < 1.0 || needed < replicas } else { needed > replicas };
    if is_near(told_ratio) {
        return (replicas, Because::Near);
    }
    if is_near(ratio) || is_turned {
        return (replicas, Because::Missing);
    }
    (needed, Because::Load)
}

/// Whether a load, as a share of the target, changes nothing.
fn is_near(ratio: f64) -> bool {
    (ratio - 1.0).abs() <= TOLERANCE
}

/// A number of replicas, which is a small one.
#[allow(clippy::cast_precision_loss)]
fn count(replicas: usize) -> f64 {
    replicas as f64
}
