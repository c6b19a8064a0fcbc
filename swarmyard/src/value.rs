//! Parsers for the values of options, whose errors say what is accepted.

use std::time::Duration;

use service::value::positive_duration;

/// Least often that something may be asked for: once in ten seconds.
const RATE_MIN: f64 = 0.1;

/// Longest run.
const RUN_TIME_MAX: Duration = Duration::from_hours(24);

/// Parses how often something is to happen each second, `most` at most.
pub(crate) fn rate(text: &str, most: f64) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (RATE_MIN..=most).contains(rate));
    rate.ok_or_else(|| format!("accepted is how many a second, from {RATE_MIN} to {most}"))
}

/// Parses how long a run is to take.
pub(crate) fn run_time(text: &str) -> Result<Duration, String> {
    let time = positive_duration(text)?;
    let hours = RUN_TIME_MAX.as_secs() / 3600;
    (time <= RUN_TIME_MAX).then_some(time).ok_or_else(|| format!("accepted is a time of at most {hours} h"))
}
