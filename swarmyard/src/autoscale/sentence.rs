//! A decision in a sentence: what was seen, what follows from it, and what is done.

use humantime::format_duration;

use super::decide::{Because, Decision, GROWTH_MIN, Rules, Sample, TOLERANCE};

/// The sentence, without a full stop.
pub(crate) fn sentence(sample: &Sample, decision: &Decision, rules: &Rules) -> String {
    let outcome = match (sample.replicas, decision.replicas) {
        (1, 1) => "1 replica stays".to_owned(),
        (from, to) if from == to => format!("{to} replicas stay"),
        (from, 1) => format!("from {from} replicas to 1"),
        (from, to) => format!("from {from} to {to} replicas"),
    };
    format!("{}: {outcome}", reason(sample, decision, rules))
}

fn reason(sample: &Sample, decision: &Decision, rules: &Rules) -> String {
    let (seen, target) = (seen(sample), figure(rules.target));
    match decision.because {
        Because::Off => "who has switched the service off alone switches it on".to_owned(),
        Because::Updating => format!("{seen}; the service is being updated, and a change now would take its way back"),
        Because::Bounds if sample.replicas > rules.max => format!("no more than {} are allowed", rules.max),
        Because::Bounds => format!("no fewer than {} are allowed", rules.min),
        Because::Unknown => format!("{seen}, and a guess changes nothing"),
        Because::Missing if mean(sample) > rules.target => {
            format!("{seen}, more than {target}; the others may be idle")
        }
        Because::Missing => format!("{seen}, less than {target}; the others may have more"),
        Because::Near => format!("{seen}, within {:.0} % of {target}", 100.0 * TOLERANCE),
        Because::Load => format!("{seen}, where {target} are wanted; {}", consequence(sample, decision, rules)),
    }
}

/// What the load needs, and what stands against it.
fn consequence(sample: &Sample, decision: &Decision, rules: &Rules) -> String {
    let Decision { needed, highest, replicas, .. } = *decision;
    let (needs, window) = (format!("{needed} needed"), format_duration(rules.window));
    if needed > sample.replicas {
        return match replicas {
            all if all == needed => needs,
            most if most == rules.max => format!("{needs}, no more than {most} allowed"),
            _ => format!("{needs}, but one step doubles at most, or adds {GROWTH_MIN}"),
        };
    }
    if replicas == needed && replicas < sample.replicas {
        return format!("{needs}, and no more in the last {window}");
    }
    match highest {
        _ if replicas == needed => needs,
        least if least == rules.min => format!("{needs}, no fewer than {least} allowed"),
        _ => format!("{needs} now, but {} in the last {window}", highest.min(sample.replicas)),
    }
}

/// `30 requests in flight at 3 replicas, 10 each`, and who says nothing.
fn seen(sample: &Sample) -> String {
    let told = sample.in_flight.iter().flatten().count();
    let silent = sample.in_flight.len() - told;
    let load = figure(sample.load());
    let mut parts = vec![match told {
        0 => "no replica tells how many requests it has in flight".to_owned(),
        1 => format!("{load} requests in flight at 1 replica"),
        many => format!("{load} requests in flight at {many} replicas, {} each", figure(mean(sample))),
    }];
    if silent > 0 && told > 0 {
        parts.push(format!("{silent} not telling"));
    }
    if sample.not_ready > 0 {
        parts.push(format!("{} not serving", sample.not_ready));
    }
    parts.join(", ")
}

/// Requests in flight at each replica that tells, of which there is one at least.
#[allow(clippy::cast_precision_loss, reason = "they are few")]
fn mean(sample: &Sample) -> f64 {
    sample.load() / sample.in_flight.iter().flatten().count() as f64
}

/// With a decimal where one counts.
fn figure(number: f64) -> String {
    let rounded = if number < 99.95 { (number * 10.0).round() / 10.0 } else { number.round() };
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::autoscale::decide::decide;

    const RULES: Rules = Rules { min: 2, max: 9, target: 10.0, window: Duration::from_mins(5) };

    fn sample(replicas: u32, in_flight: &[f64]) -> Sample {
        Sample { replicas, in_flight: in_flight.iter().copied().map(Some).collect(), ..Sample::default() }
    }

    /// What is said of this sample after these, all of them in the window unless the first is said to be older.
    fn said(before: &[&Sample], now: &Sample) -> String {
        let mut history: Vec<_> = before.iter().copied().chain([now]).cloned().collect();
        for (sample, at) in history.iter_mut().zip(0..) {
            sample.at += Duration::from_secs(at);
        }
        sentence(now, &decide(&history, &RULES), &RULES)
    }

    /// The same of one that was just so a window ago.
    fn said_at_last(now: &Sample) -> String {
        let later = Sample { at: RULES.window, ..now.clone() };
        said(&[now], &later)
    }

    #[test]
    fn more_load_is_said_with_what_it_needs_and_what_limits_it() {
        assert_eq!(
            said(&[], &sample(3, &[18.0, 16.0, 17.25])),
            "51.3 requests in flight at 3 replicas, 17.1 each, where 10 are wanted; 6 needed: from 3 to 6 replicas"
        );
        assert_eq!(
            said(&[], &sample(2, &[100.0, 50.0])),
            "150 requests in flight at 2 replicas, 75 each, where 10 are wanted; 15 needed, but one step doubles at \
             most, or adds 4: from 2 to 6 replicas"
        );
        assert_eq!(
            said(&[], &sample(8, &[20.0; 8])),
            "160 requests in flight at 8 replicas, 20 each, where 10 are wanted; 16 needed, no more than 9 allowed: \
             from 8 to 9 replicas"
        );
    }

    #[test]
    fn less_load_is_said_with_what_was_needed_before() {
        let busy = sample(5, &[10.0; 5]);
        let idle = sample(5, &[6.0; 5]);
        let idle_said = "30 requests in flight at 5 replicas, 6 each, where 10 are wanted; 3 needed";
        assert_eq!(said(&[&busy], &idle), format!("{idle_said} now, but 5 in the last 5m: 5 replicas stay"));
        assert_eq!(said_at_last(&idle), format!("{idle_said}, and no more in the last 5m: from 5 to 3 replicas"));
        assert_eq!(
            said_at_last(&sample(2, &[0.0; 2])),
            "0 requests in flight at 2 replicas, 0 each, where 10 are wanted; 0 needed, no fewer than 2 allowed: \
             2 replicas stay"
        );
    }

    #[test]
    fn what_changes_nothing_is_said() {
        let near = sample(2, &[10.5, 9.5]);
        assert_eq!(
            said_at_last(&near),
            "20 requests in flight at 2 replicas, 10 each, within 10 % of 10: 2 replicas stay"
        );
        let unknown = Sample { replicas: 3, in_flight: vec![None; 2], not_ready: 1, ..Sample::default() };
        assert_eq!(
            said(&[], &unknown),
            "no replica tells how many requests it has in flight, 1 not serving, and a guess changes nothing: \
             3 replicas stay"
        );
        let missing = Sample { replicas: 4, in_flight: vec![Some(20.0), None], not_ready: 2, ..Sample::default() };
        assert_eq!(
            said(&[], &missing),
            "20 requests in flight at 1 replica, 1 not telling, 2 not serving, more than 10; the others may be idle: \
             4 replicas stay"
        );
        let less = Sample { replicas: 2, in_flight: vec![Some(8.0), None], ..Sample::default() };
        assert_eq!(
            said(&[], &less),
            "8 requests in flight at 1 replica, 1 not telling, less than 10; the others may have more: 2 replicas stay"
        );
        let updating = Sample { is_updating: true, ..near };
        assert_eq!(
            said(&[], &updating),
            "20 requests in flight at 2 replicas, 10 each; the service is being updated, and a change now would take \
             its way back: 2 replicas stay"
        );
        assert_eq!(
            said(&[], &sample(0, &[])),
            "who has switched the service off alone switches it on: 0 replicas stay"
        );
        assert_eq!(said(&[], &sample(12, &[])), "no more than 9 are allowed: from 12 to 9 replicas");
        assert_eq!(said(&[], &sample(1, &[])), "no fewer than 2 are allowed: from 1 to 2 replicas");
    }
}
