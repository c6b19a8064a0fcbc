//! What was seen and done, as the page shows it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::decide::{Decision, Rules, Sample};
use super::options::{Bounds, Options};

/// Decisions that are kept, an hour of them at the usual pace; the oldest goes.
const MOMENTS_MAX: usize = 240;

/// A record that is written in one place, and read in another.
#[derive(Clone, Debug)]
pub(crate) struct Record(Arc<Mutex<Shown>>);

/// What the page is told.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    service: String,
    is_dry_run: bool,
    min: u32,
    max: u32,
    target: f64,
    interval_seconds: f64,
    window_seconds: f64,
    /// Why nothing could be decided or done the last time.
    problem: Option<String>,
    /// The oldest first.
    moments: VecDeque<Moment>,
}

/// A decision, and what it was made of.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Moment {
    /// When, in Unix time.
    at_milliseconds: u64,
    /// Requests in flight at all replicas that tell; nothing when none does.
    load: Option<f64>,
    /// Replicas that tell, that do not, and that do not serve.
    telling: usize,
    silent: usize,
    not_ready: u32,
    replicas: u32,
    /// How many the load needs by itself, within the bounds.
    needed: u32,
    /// The most that were needed in the window.
    highest: u32,
    decided: u32,
    sentence: String,
}

impl Moment {
    /// What is decided now.
    pub(crate) fn new(sample: &Sample, decision: &Decision, rules: &Rules, sentence: String) -> Self {
        let telling = sample.in_flight.iter().flatten().count();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            // It fits for another half a billion years.
            at_milliseconds: u64::try_from(now.as_millis()).unwrap_or_default(),
            load: (telling > 0).then(|| sample.load()),
            telling,
            silent: sample.in_flight.len() - telling,
            not_ready: sample.not_ready,
            replicas: sample.replicas,
            needed: decision.needed.clamp(rules.min, rules.max),
            highest: decision.highest,
            decided: decision.replicas,
            sentence,
        }
    }
}

impl Record {
    /// An empty one.
    pub(crate) fn new(options: &Options) -> Self {
        let Bounds { min, max } = options.replicas;
        Self(Arc::new(Mutex::new(Shown {
            service: options.service_name.clone(),
            is_dry_run: options.dry_run,
            min,
            max,
            target: options.target,
            interval_seconds: options.interval.as_secs_f64(),
            window_seconds: options.window.as_secs_f64(),
            problem: None,
            moments: VecDeque::new(),
        })))
    }

    /// Adds what was decided.
    pub(crate) fn add(&self, moment: Moment) {
        let moments = &mut self.lock().moments;
        if moments.len() == MOMENTS_MAX {
            moments.pop_front();
        }
        moments.push_back(moment);
    }

    /// Notes why nothing could be decided or done, or that all is well.
    pub(crate) fn set_problem(&self, problem: Option<String>) {
        self.lock().problem = problem;
    }

    /// All of it as JSON.
    pub(crate) fn json(&self) -> Vec<u8> {
        // Numbers, texts and a list always can be written.
        serde_json::to_vec(&*self.lock()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
