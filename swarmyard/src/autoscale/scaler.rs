//! The loop: looks, decides, does.

use std::time::Duration;

use anyhow::Context;
use service::Readiness;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::decide::{Decision, Rules, Sample, decide};
use super::engine::{Engine, Outcome};
use super::options::Options;
use super::readings::{Readings, Seen};
use super::record::{Moment, Record};
use super::sentence::sentence;

/// How often the replicas are looked at for one decision: requests come and go within milliseconds, and the mean of a
/// few looks says how many there are, where a single one says chance.
const LOOKS: u32 = 15;

/// Scales one service.
#[derive(Debug)]
pub(crate) struct Scaler {
    engine: Engine,
    readings: Readings,
    service_name: String,
    rules: Rules,
    interval: Duration,
    is_dry_run: bool,
    /// What was seen, as far as decisions need it.
    history: Vec<Sample>,
    start: Instant,
    record: Record,
    readiness: Readiness,
    /// Why nothing could be decided or done the last time.
    problem: Option<String>,
}

impl Scaler {
    /// Scales as `options` say, and notes in `record` what it does.
    ///
    /// # Errors
    /// When an HTTP client cannot be set up.
    pub(crate) fn new(options: Options, record: Record, readiness: Readiness) -> anyhow::Result<Self> {
        Ok(Self {
            rules: options.rules(),
            engine: Engine::new(options.engine, options.service_name.clone())?,
            readings: Readings::new(options.metrics)?,
            service_name: options.service_name,
            interval: options.interval,
            is_dry_run: options.dry_run,
            history: Vec::new(),
            start: Instant::now(),
            record,
            readiness,
            problem: None,
        })
    }

    /// Goes on for ever.
    pub(crate) async fn run(mut self) {
        let mut looks = interval(self.interval / LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut due = Instant::now() + self.interval;
        loop {
            looks.tick().await;
            self.readings.look().await;
            if Instant::now() >= due {
                due += self.interval;
                let result = self.step().await;
                self.note(result.err());
            }
        }
    }

    /// Decides once, and does it.
    async fn step(&mut self) -> anyhow::Result<()> {
        // Whatever becomes of the rest, it belongs to this time.
        let Seen { found, in_flight, not_ready } = self.readings.take();
        let service = self.engine.inspect().await?;
        let replicas = service.replicas().with_context(|| {
            let name = &self.service_name;
            format!("{name} has no number of replicas: it runs on every node, or once and no more")
        })?;
        let not_ready = not_ready + replicas.saturating_sub(found);
        let is_updating = service.is_updating();
        self.history.push(Sample { at: self.start.elapsed(), replicas, in_flight, not_ready, is_updating });
        self.forget();
        let decision = decide(&self.history, &self.rules);
        self.tell(&decision);
        if decision.replicas == replicas || self.is_dry_run {
            return Ok(());
        }
        match self.engine.scale(replicas, decision.replicas).await? {
            Outcome::Done => {}
            Outcome::Overtaken => {
                tracing::info!("others have changed {} meanwhile: it is looked at anew", self.service_name);
            }
        }
        Ok(())
    }

    /// Says what is decided, and why.
    fn tell(&self, decision: &Decision) {
        // One was pushed.
        let Some(sample) = self.history.last() else { return };
        let mut sentence = sentence(sample, decision, &self.rules);
        if self.is_dry_run && decision.replicas != sample.replicas {
            sentence += " (not done: a dry run)";
        }
        let (replicas, decided) = (sample.replicas, decision.replicas);
        tracing::info!(replicas, decided, "{}: {sentence}", self.service_name);
        self.record.add(Moment::new(sample, decision, &self.rules, sentence));
    }

    /// Forgets what no decision needs any more: of the samples before the window, the last one counts.
    fn forget(&mut self) {
        let Some(last) = self.history.last() else { return };
        let is_before = |sample: &Sample| sample.at + self.rules.window <= last.at;
        let before = self.history.iter().take_while(|sample| is_before(sample)).count();
        self.history.drain(..before.saturating_sub(1));
    }

    /// Notes what went wrong, or that nothing did; what is no news is not logged.
    fn note(&mut self, error: Option<anyhow::Error>) {
        let problem = error.map(|error| format!("{error:#}"));
        match (&problem, &self.problem) {
            (Some(new), old) if old.as_ref() != Some(new) => {
                tracing::warn!("{new}; nothing is changed, and it is tried again every {:?}", self.interval);
            }
            (None, Some(_)) => tracing::info!("decisions can be made again"),
            _ => {}
        }
        match &problem {
            Some(problem) => self.readiness.set_unready(problem.clone()),
            None => self.readiness.set_ready(),
        }
        self.record.set_problem(problem.clone());
        self.problem = problem;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        options: Options,
    }

    #[tokio::test]
    async fn what_no_decision_needs_any_more_is_forgotten() {
        let words = ["autoscale", "yard_webui", "--metrics=tasks.api:9000", "--window=60s"];
        let options = Command::parse_from(words).options;
        let record = Record::new(&options);
        let mut scaler = Scaler::new(options, record, Readiness::ready()).unwrap();
        let mut whole = Vec::new();
        for second in (0..1000_u32).step_by(7) {
            // The load goes up and down, over longer and shorter times than the window.
            let load = f64::from(second % 180 + second % 50);
            let sample = Sample {
                at: Duration::from_secs(second.into()),
                replicas: 8,
                in_flight: vec![Some(load / 8.0); 8],
                ..Sample::default()
            };
            scaler.history.push(sample.clone());
            whole.push(sample);
            scaler.forget();
            assert_eq!(decide(&scaler.history, &scaler.rules), decide(&whole, &scaler.rules), "{second}");
            assert!(scaler.history.len() <= 11, "{}", scaler.history.len());
        }
    }
}
