//! What a run came to, as text and as JSON.

use std::collections::BTreeMap;

use serde_json::json;

use super::fail_on::{Condition, Outcome};
use super::latency::{Latency, Row, rows};
use super::progress::Progress;
use super::shown::{Part, QUANTILES, parts, up_to};
use super::tally::Tally;
use super::terms::Terms;
use crate::figures::{bar, latency, milliseconds, per_second, thousands, whole};

/// What stands for a figure that is not there.
const NOTHING: &str = "–";

/// Rows of the histogram.
const ROWS_MAX: usize = 12;

/// Columns of its longest bar, and of the longest bar of a replica.
const BAR_WIDTH: usize = 24;

/// Replicas that a line about a second names; further ones are only counted.
const NAMES_MAX: usize = 6;

/// One second, in one line.
pub(crate) fn line(progress: &Progress, terms: &Terms) -> String {
    let Progress { last, last_time, elapsed, .. } = progress;
    let rate = whole(per_second(last.answers, *last_time));
    let mut parts = vec![format!("{:>5.0} s", elapsed.as_secs_f64()), format!("{rate:>9} {}/s", terms.things)];
    for (column, times) in terms.columns.iter().zip(terms.latencies(last)) {
        let [p50, p99] = [0.5, 0.99].map(|share| quantile(times, share));
        parts.push(format!("{} p50 {p50}, p99 {p99}", column.name));
    }
    parts.push(format!("{} errors", thousands(last.errors())));
    let names: Vec<_> = last.replicas.iter().map(|(name, count)| format!("{name} {}", thousands(count))).collect();
    let (shown, more) = names.split_at(names.len().min(NAMES_MAX));
    if !shown.is_empty() {
        let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        parts.push(format!("{}{more}", shown.join(", ")));
    }
    parts.join("   ")
}

/// The whole run, in many lines.
pub(crate) fn text(progress: &Progress, terms: &Terms) -> String {
    let Tally { answers, bytes, faults, .. } = &progress.total;
    let rate = whole(progress.rate());
    let mut lines = vec![
        format!("{}, {:.1} s", terms.title, progress.elapsed.as_secs_f64()),
        String::new(),
        format!("{:11}{}, {rate} a second", terms.things, thousands(*answers)),
        format!("{:11}{}", "bytes", thousands(*bytes)),
        format!("{:11}{}", "errors", thousands(progress.total.errors())),
    ];
    let fault = |(fault, count): (&_, &u64)| format!("{:>11} {fault}", thousands(*count));
    lines.extend(faults.iter().map(fault));
    lines.push(String::new());
    lines.extend(latency_table(&terms.latencies(&progress.total), terms));
    lines.push(String::new());
    lines.extend(histogram(&terms.latencies(&progress.total)));
    lines.push(String::new());
    lines.extend(part_lines(&parts(progress)));
    lines.push(String::new());
    lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// A line for each quantile, a column for each latency.
pub(crate) fn latency_table(latencies: &[&Latency], terms: &Terms) -> Vec<String> {
    let row = |name: &str, cells: Vec<String>| {
        let cells: Vec<_> = cells.into_iter().map(|cell| format!("{cell:>11}")).collect();
        format!("{name:8}{}", cells.concat())
    };
    let heading = row("latency", terms.columns.iter().map(|column| column.name.to_owned()).collect());
    let line = |(name, share): (&str, f64)| row(name, latencies.iter().map(|times| quantile(times, share)).collect());
    let explanation = terms.explanation.map(str::to_owned);
    std::iter::once(heading).chain(QUANTILES.map(line)).chain(explanation).collect()
}

/// The time that this share did not exceed; there is none where there are no times.
fn quantile(times: &Latency, share: f64) -> String {
    if times.count() == 0 { NOTHING.to_owned() } else { latency(times.quantile(share)) }
}

fn histogram(latencies: &[&Latency]) -> Vec<String> {
    let rows = rows(latencies, ROWS_MAX);
    let most = rows.iter().flat_map(|row| &row.counts).copied().max().unwrap_or_default();
    let line = |row: Row| {
        let cell = |count: &u64| format!("{:>11} {:BAR_WIDTH$}", thousands(*count), bar(*count, most, BAR_WIDTH));
        format!("{:8}{}", up_to(row.up_to), row.counts.iter().map(cell).collect::<Vec<_>>().concat())
    };
    rows.into_iter().map(line).collect()
}

fn part_lines(parts: &[Part]) -> Vec<String> {
    let most = parts.iter().map(|part| part.count).max().unwrap_or_default();
    let width = parts.iter().map(|part| part.name.len()).max().unwrap_or_default();
    let line = |part: &Part| {
        let Part { name, count, figure } = part;
        format!("{name:width$} {figure}  {}", bar(*count, most, BAR_WIDTH))
    };
    parts.iter().map(line).collect()
}

/// The whole run, as one JSON object; `failed` says which conditions hold.
pub(crate) fn json(progress: &Progress, terms: &Terms, failed: &[String]) -> String {
    let total = &progress.total;
    let latencies = terms.latencies(total);
    let quantiles = |times: &Latency| {
        let quantiles = QUANTILES.map(|(name, share)| (name, times.quantile(share)));
        let quantiles = quantiles.into_iter().chain([("mean", times.mean())]);
        // There is none where there are no times.
        let shown = |time| (times.count() > 0).then(|| milliseconds(time));
        quantiles.map(|(name, time)| (name, shown(time))).collect::<BTreeMap<_, _>>()
    };
    let columns = terms.columns.iter().map(|column| column.name).zip(&latencies);
    let row = |Row { up_to, counts }| json!({ "up_to_ms": milliseconds(up_to), "counts": counts });
    let report = json!({
        "run": terms.title,
        "seconds": progress.elapsed.as_secs_f64(),
        (terms.things): total.answers,
        (format!("{}_per_second", terms.things)): progress.rate(),
        "bytes": total.bytes,
        "errors": total.errors(),
        "errors_by_kind": total.faults.iter().map(|(fault, it)| (fault.to_string(), it)).collect::<BTreeMap<_, _>>(),
        "latency_ms": columns.map(|(name, times)| (name, quantiles(times))).collect::<BTreeMap<_, _>>(),
        "histogram": rows(&latencies, usize::MAX).into_iter().map(row).collect::<Vec<_>>(),
        "replicas": total.replicas.iter().collect::<BTreeMap<_, _>>(),
        "nodes": total.replicas.nodes().iter().collect::<BTreeMap<_, _>>(),
        "failed": failed,
    });
    format!("{report:#}")
}

/// Which of the conditions hold, and how.
pub(crate) fn failed(progress: &Progress, terms: &Terms, conditions: &[Condition]) -> Vec<String> {
    let total = &progress.total;
    let latencies = terms.latencies(total);
    // There is at least one column.
    let Some(latency) = latencies.last() else { return Vec::new() };
    let outcome = Outcome { answers: total.answers, errors: total.errors(), rate: progress.rate(), latency };
    conditions.iter().filter_map(|condition| condition.holds(&outcome)).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    use crate::http_client::Failure;
    use crate::load::tally::{Fault, Timing};
    use crate::load::terms::{CLOSED, Column, OPEN};

    /// Two replicas, of which one is three times as slow, and a second in which the server stood still.
    pub(crate) fn progress() -> Progress {
        let (mut progress, start) = (Progress::new(), Instant::now());
        let mut news = Tally::new();
        for number in 0..1000_u32 {
            let due = start + number * Duration::from_millis(2);
            let sent = if number == 500 { due + Duration::from_millis(900) } else { due };
            let name = if number % 4 == 0 { "producer.2@pi2" } else { "producer.1@pi1" };
            let answered = sent + Duration::from_micros(if number % 4 == 0 { 600 } else { 200 });
            news.replicas.count(Some(name));
            news.note_good(Timing { due: Some(due), sent, answered }, 14);
        }
        news.note_fault(Fault::Http(Failure::Status(503)), 20);
        news.note_fault(Fault::Http(Failure::TimedOut), 1);
        progress.take(&news, Duration::from_secs(2));
        progress
    }

    pub(crate) fn terms(columns: &'static [Column]) -> Terms {
        Terms {
            title: "http://pi1:5000/number, 50 connections".to_owned(),
            things: "answers",
            columns,
            explanation: (columns.len() > 1).then_some("felt counts from when a request was due"),
            duration: Duration::from_secs(10),
        }
    }

    #[test]
    fn the_report_says_what_happened() {
        insta::assert_snapshot!("closed", text(&progress(), &terms(CLOSED)));
        insta::assert_snapshot!("open", text(&progress(), &terms(OPEN)));
    }

    #[test]
    fn a_second_is_a_line() {
        insta::assert_snapshot!("line_closed", line(&progress(), &terms(CLOSED)));
        insta::assert_snapshot!("line_open", line(&progress(), &terms(OPEN)));
    }

    #[test]
    fn a_run_without_an_answer_has_a_report_too() {
        let mut progress = Progress::new();
        let mut news = Tally::new();
        news.note_fault(Fault::NotSent, 3);
        progress.take(&news, Duration::from_secs(1));
        insta::assert_snapshot!("nothing", text(&progress, &terms(CLOSED)));
    }

    #[test]
    fn json_has_the_same_figures() {
        let json = json(&progress(), &terms(OPEN), &["errors>0: it is 21".to_owned()]);
        let report: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&report["answers"], &report["errors"]), (&1000.into(), &21.into()));
        assert_eq!(report["answers_per_second"], 500.0);
        assert_eq!(report["errors_by_kind"]["HTTP 503"], 20);
        assert_eq!(report["nodes"]["pi2"], 250);
        assert_eq!(report["failed"][0], "errors>0: it is 21");
        let quantile = |column: &str, name: &str| report["latency_ms"][column][name].as_f64().unwrap();
        assert!((quantile("felt", "max") / 900.6 - 1.0).abs() < 0.002, "{json}");
        assert!((quantile("measured", "max") / 0.6 - 1.0).abs() < 0.002, "{json}");
        let counted = |index: usize| {
            let rows = report["histogram"].as_array().unwrap().iter();
            rows.map(|row| row["counts"][index].as_u64().unwrap()).sum::<u64>()
        };
        assert_eq!([counted(0), counted(1)], [1000, 1000]);
    }

    #[test]
    fn conditions_are_about_what_users_felt() {
        let conditions = ["max>500ms".parse().unwrap(), "errors>20".parse().unwrap()];
        assert_eq!(failed(&progress(), &terms(CLOSED), &conditions), ["errors>20: it is 21"]);
        let felt = failed(&progress(), &terms(OPEN), &conditions);
        assert_eq!(felt, ["max>500ms: it is 901 ms", "errors>20: it is 21"]);
    }
}
