//! What has changed between two moments: what a viewer is sent.

use std::collections::BTreeMap;

use serde::Serialize;
use service::chaos::Turned;
use tokio::time::Instant;

use super::instances::{Instance, Snapshot, State};
use super::report::Report;

/// What has changed; everything, if there was nothing before.
#[derive(Debug, Serialize)]
pub(super) struct Changes<'a> {
    /// Whether this is everything.
    whole: bool,
    /// Those that are new, or of which something else has changed than what follows.
    instances: Vec<Entry<'a>>,
    /// How many requests the others have answered, where there were any.
    requests: BTreeMap<&'a str, u64>,
    /// Those that are not told of any more.
    forgotten: Vec<&'a str>,
    /// The places at which nobody answers; left out when they are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    absent: Option<&'a [String]>,
    /// Addresses that are not asked, as there are too many.
    beyond: usize,
}

/// An instance.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    state: State,
    /// How long it has not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_seconds: Option<u64>,
    #[serde(flatten)]
    report: &'a Report,
}

impl<'a> Entry<'a> {
    fn new(id: &'a str, instance: &'a Instance, now: Instant) -> Self {
        let silent_seconds = instance.silent_since.map(|since| (now - since).as_secs());
        Self { id, state: instance.state(), silent_seconds, report: &instance.report }
    }
}

impl<'a> Changes<'a> {
    pub(super) fn between(before: Option<&'a Snapshot>, now: &'a Snapshot) -> Self {
        let mut changes = Self {
            whole: before.is_none(),
            instances: Vec::new(),
            requests: BTreeMap::new(),
            forgotten: Vec::new(),
            absent: before.is_none_or(|before| before.absent != now.absent).then_some(now.absent.as_slice()),
            beyond: now.beyond,
        };
        for (id, instance) in &now.instances {
            match before.and_then(|before| before.instances.get(id)) {
                Some(former) if !is_news(former, instance) => {
                    if let Some(requests) = instance.report.requests
                        && former.report.requests != Some(requests)
                    {
                        changes.requests.insert(id, requests);
                    }
                }
                _ => changes.instances.push(Entry::new(id, instance, now.at)),
            }
        }
        let former = before.into_iter().flat_map(|before| before.instances.keys());
        changes.forgotten = former.filter(|id| !now.instances.contains_key(*id)).map(String::as_str).collect();
        changes
    }
}

/// Whether something else has happened than that time went on and requests were answered.
fn is_news(former: &Instance, now: &Instance) -> bool {
    let (before, after) = (&former.report, &now.report);
    let has_started_again = after.uptime_seconds < before.uptime_seconds;
    let is_the_same = former.state() == now.state() && before.facts == after.facts;
    has_started_again || !is_the_same || are_turned(before.knobs.as_deref(), after.knobs.as_deref())
}

/// Whether a knob has been turned, or is over. The viewer counts the seconds down; they only grow when it is turned again.
fn are_turned(before: Option<&[Turned]>, after: Option<&[Turned]>) -> bool {
    let is_the_same = |(before, after): (&Turned, &Turned)| {
        before.effect == after.effect && before.ends_in_seconds >= after.ends_in_seconds
    };
    match (before, after) {
        (Some(before), Some(after)) => before.len() != after.len() || !before.iter().zip(after).all(is_the_same),
        (before, after) => before.is_some() != after.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::yard::instances::Instances;
    use crate::yard::report::tests::report;

    fn snapshot(instances: &Instances, at: Instant) -> Snapshot {
        Snapshot { instances: instances.all(), absent: vec!["consumer:9100".to_owned()], beyond: 0, at }
    }

    fn changes(before: Option<&Snapshot>, now: &Snapshot) -> Value {
        serde_json::to_value(Changes::between(before, now)).unwrap()
    }

    #[test]
    fn the_first_has_everything_and_the_next_what_has_changed_alone() {
        let (mut instances, start) = (Instances::default(), Instant::now());
        let [one, two] = [1, 2].map(|last| ([10, 0, 1, last], 5000).into());
        instances.note([(one, report("one")), (two, report("two"))], start);
        let first = snapshot(&instances, start);
        let whole = changes(None, &first);
        assert_eq!((&whole["whole"], &whole["absent"]), (&json!(true), &json!(["consumer:9100"])));
        let entry = json!({
            "id": "producer one 4f1c2a9be07d 5000", "state": "answers", "name": "producer", "version": "1",
            "served_by": "one", "host": "4f1c2a9be07d", "node": "pi1", "architecture": "arm64", "ready": true,
            "reason": null, "details": null, "uptime_seconds": 7, "requests": 0, "knobs": null,
        });
        assert_eq!((whole["instances"].as_array().unwrap().len(), &whole["instances"][0]), (2, &entry));

        // Time went on, and one was asked three times.
        let mut asked = report("one");
        (asked.uptime_seconds, asked.requests) = (8, Some(3));
        let mut idle = report("two");
        idle.uptime_seconds = 8;
        instances.note([(one, asked.clone()), (two, idle)], start + Duration::from_secs(1));
        let second = snapshot(&instances, start + Duration::from_secs(1));
        let nothing = json!({ "whole": false, "instances": [], "requests": {}, "forgotten": [], "beyond": 0 });
        let mut expected = nothing.clone();
        expected["requests"] = json!({ "producer one 4f1c2a9be07d 5000": 3 });
        assert_eq!(changes(Some(&first), &second), expected);
        assert_eq!(changes(Some(&second), &second), nothing);

        // The other does not answer, and this one has started again.
        asked.uptime_seconds = 0;
        instances.note([(one, asked)], start + Duration::from_secs(2));
        let third = snapshot(&instances, start + Duration::from_secs(4));
        let told = changes(Some(&second), &third);
        assert_eq!(
            (&told["instances"][0]["state"], &told["instances"][0]["uptime_seconds"]),
            (&json!("answers"), &json!(0))
        );
        assert_eq!(
            (&told["instances"][1]["state"], &told["instances"][1]["silent_seconds"]),
            (&json!("silent"), &json!(2))
        );

        // It is broken for ten seconds, and then again.
        let seconds = [10.0, 9.0, 8.0, 60.0];
        let broken = seconds.map(|ends_in_seconds| {
            let (knob, effect) = ("hang".to_owned(), "requests get no answer".to_owned());
            let mut report = report("one");
            report.knobs = Some(vec![Turned { knob, effect, ends_in_seconds }]);
            instances.note([(one, report)], start);
            snapshot(&instances, start)
        });
        let counts = [&third, &broken[0], &broken[1], &broken[2]].into_iter().zip(&broken).map(|(before, now)| {
            let told = changes(Some(before), now);
            told["instances"].as_array().unwrap().iter().filter(|one| one["served_by"] == "one").count()
        });
        assert_eq!(counts.collect::<Vec<_>>(), [1, 0, 0, 1]);

        let none = Snapshot { instances: BTreeMap::new(), absent: Vec::new(), beyond: 3, at: start };
        let told = changes(Some(&third), &none);
        assert_eq!((told["forgotten"].as_array().unwrap().len(), &told["absent"]), (2, &json!([])));
        assert_eq!(told["beyond"], 3);
    }
}
