//! `--fail-on`: figures with which a run has failed.

use std::str::FromStr;
use std::time::Duration;

use service::value::duration;

use super::latency::Latency;
use crate::figures::{latency, percent, thousands};

/// What is accepted, for messages.
const EXAMPLES: &str = "accepted are conditions such as errors>0, errors>=1%, p99>50ms, max>1s and rate<1000";

/// A condition, such as `p99>50ms`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    text: String,
    figure: Figure,
    comparison: Comparison,
    /// In the figure's unit.
    limit: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Figure {
    /// How many errors there are.
    Errors,
    /// How many percent of all requests they are.
    ErrorPercent,
    /// Good answers a second.
    Rate,
    /// The latency, in seconds, that this share of all good answers did not exceed; 1 for the longest.
    Quantile(f64),
    /// The mean latency, in seconds.
    Mean,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// What a run came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome<'a> {
    /// Good answers.
    pub(crate) answers: u64,
    pub(crate) errors: u64,
    /// Good answers a second.
    pub(crate) rate: f64,
    pub(crate) latency: &'a Latency,
}

impl Condition {
    /// Says how it holds, if it does. Latencies of no answer at all are none.
    pub(crate) fn holds(&self, outcome: &Outcome<'_>) -> Option<String> {
        let Outcome { answers, errors, rate, latency: times } = *outcome;
        let time = |time: Duration| (time.as_secs_f64(), latency(time));
        #[allow(clippy::cast_precision_loss)]
        let (figure, shown) = match self.figure {
            Figure::Errors => (errors as f64, thousands(errors)),
            Figure::ErrorPercent => {
                let percent = percent(errors, answers + errors);
                (percent, format!("{percent:.3} %"))
            }
            Figure::Rate => (rate, format!("{rate:.1} a second")),
            Figure::Quantile(_) | Figure::Mean if times.count() == 0 => return None,
            Figure::Quantile(share) => time(times.quantile(share)),
            Figure::Mean => time(times.mean()),
        };
        let holds = match self.comparison {
            Comparison::Above => figure > self.limit,
            Comparison::AtLeast => figure >= self.limit,
            Comparison::Below => figure < self.limit,
            Comparison::AtMost => figure <= self.limit,
        };
        holds.then(|| format!("{}: it is {shown}", self.text))
    }
}

impl FromStr for Condition {
    /// For people.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || EXAMPLES.to_owned();
        let text = text.trim();
        let sign = text.find(['<', '>']).ok_or_else(wrong)?;
        let (name, rest) = (text[..sign].trim(), &text[sign..]);
        let (comparison, limit) = [
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            (">", Comparison::Above),
            ("<", Comparison::Below),
        ]
        .into_iter()
        .find_map(|(sign, comparison)| Some((comparison, rest.strip_prefix(sign)?.trim())))
        .ok_or_else(wrong)?;
        let (figure, limit) = match (name, limit.strip_suffix('%')) {
            ("errors", Some(percent)) => (Figure::ErrorPercent, number(percent)),
            (_, Some(_)) => return Err(wrong()),
            ("errors", None) => (Figure::Errors, number(limit)),
            ("rate", None) => (Figure::Rate, number(limit)),
            ("mean", None) => (Figure::Mean, seconds(limit)),
            ("max", None) => (Figure::Quantile(1.0), seconds(limit)),
            (name, None) => (Figure::Quantile(quantile(name).ok_or_else(wrong)?), seconds(limit)),
        };
        Ok(Self { text: text.to_owned(), figure, comparison, limit: limit.ok_or_else(wrong)? })
    }
}

/// The share of `p99`, `p99.9` and the like.
fn quantile(name: &str) -> Option<f64> {
    let percent = number(name.strip_prefix('p')?)?;
    (percent <= 100.0).then_some(percent / 100.0)
}

fn number(text: &str) -> Option<f64> {
    let is_plain = text.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.trim().parse().ok().filter(|_| is_plain)
}

/// A time with its unit: 50 alone would be taken for milliseconds by some, and for seconds by others.
fn seconds(text: &str) -> Option<f64> {
    let time = duration(text).ok()?;
    number(text).is_none().then_some(time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(text: &str) -> Condition {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// Latencies of 1 to 100 ms.
    fn latencies() -> Latency {
        let mut latency = Latency::new();
        (1..=100).for_each(|time| latency.record(Duration::from_millis(time)));
        latency
    }

    #[test]
    fn a_condition_holds_or_does_not() {
        let latency = latencies();
        let outcome = Outcome { answers: 97, errors: 3, rate: 9.7, latency: &latency };
        for text in ["errors>0", "errors>=3", "errors>2.9%", "p50>49ms", "p99>=98ms", " p99.9 > 99ms", "max>99ms"] {
            assert!(condition(text).holds(&outcome).is_some(), "{text}");
        }
        for text in ["rate<10", "rate<=9.7", "mean<=51ms", "mean>50ms", "p100>0.09s"] {
            assert!(condition(text).holds(&outcome).is_some(), "{text}");
        }
        for text in ["errors>3", "errors>3%", "p50>51ms", "p99>1s", "max>101 ms", "rate<9", "mean>1m"] {
            assert_eq!(condition(text).holds(&outcome), None, "{text}");
        }
        assert_eq!(condition("p99>50ms").holds(&outcome).unwrap(), "p99>50ms: it is 99.0 ms");
        assert_eq!(condition("errors > 1%").holds(&outcome).unwrap(), "errors > 1%: it is 3.000 %");
    }

    #[test]
    fn what_is_no_condition_is_refused_with_what_is_accepted() {
        for wrong in [
            "",
            "errors",
            ">0",
            "errors=0",
            "errors>",
            "errors>few",
            "errors>-1",
            "p99>50",
            "p99>50%",
            "p101>1s",
            "p>1s",
            "pNaN>1s",
            "rate<1s",
            "rate>inf",
            "mean>1",
            "p99=>1s",
            "errors>0 or so",
            "latency>1s",
        ] {
            let error = wrong.parse::<Condition>().unwrap_err();
            assert!(error.contains("p99>50ms"), "{wrong:?}: {error}");
        }
    }

    #[test]
    fn no_answer_has_no_latency() {
        let latency = Latency::new();
        let outcome = Outcome { answers: 0, errors: 5, rate: 0.0, latency: &latency };
        for text in ["p99<1s", "mean<1s", "max>=0s"] {
            assert_eq!(condition(text).holds(&outcome), None, "{text}");
        }
        assert!(condition("errors>=100%").holds(&outcome).is_some());
        assert!(condition("rate<1").holds(&outcome).is_some());
    }
}
