//! Each instance is as if it were alone.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::Yard;

/// The instances whose figures are at these ports.
const INSTANCES: [(&str, u16); 9] = [
    ("producer", 5000),
    ("consumer", 9100),
    ("node1", 9091),
    ("node2", 9092),
    ("node3", 9093),
    ("api", 9000),
    ("webui", 8080),
    ("miner-1", 9101),
    ("miner-2", 9102),
];

#[test]
fn metrics_and_whoami_speak_of_one_instance_alone() {
    let yard = Yard::start(&[]);
    for (number, (name, port)) in INSTANCES.into_iter().enumerate() {
        for _ in 0..=number {
            let answer = yard.get(port, "/whoami").unwrap();
            let whoami: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
            assert_eq!(whoami["served_by"], name);
        }
    }
    for (number, (name, port)) in INSTANCES.into_iter().enumerate() {
        let metrics = yard.get(port, "/metrics").unwrap();
        let asked = format!("http_requests_total{{route=\"/whoami\",method=\"GET\",status=\"200\"}} {}\n", number + 1);
        assert!(metrics.contains(&asked), "{name}: {metrics}");
        assert_eq!(metrics.matches("\nservice_info{").count(), 1, "{name}: {metrics}");
        for (metric, owner) in [("consumer_polls", "consumer"), ("miner_hashes_total", "miner"), ("api_blocks", "api")]
        {
            assert_eq!(metrics.contains(metric), name.starts_with(owner), "{name}: {metrics}");
        }
    }
}

#[test]
fn the_page_is_told_of_every_instance_and_of_one_that_stops() {
    let mut yard = Yard::start(&[]);
    let mut events = yard
        .lines(8080, "/yard/events")
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    let names = |told: &Value, state: &str| -> BTreeSet<String> {
        let instances = told["instances"].as_array().unwrap().iter().filter(|one| one["state"] == state);
        instances.map(|one| one["served_by"].as_str().unwrap().to_owned()).collect()
    };
    // Miners are not asked: they report through the ledger.
    let expected: BTreeSet<_> = INSTANCES.map(|(name, _)| name.to_owned()).into_iter().collect();
    let expected: BTreeSet<_> = expected.into_iter().filter(|name| !name.starts_with("miner")).collect();
    let mut seen = BTreeSet::new();
    while seen != expected {
        seen.extend(names(&events.next().unwrap(), "answers"));
    }
    yard.program.type_line("stop node2");
    while !names(&events.next().unwrap(), "gone").contains("node2") {}
    let reports = yard.get_until(9000, "/miners", |answer| answer.is_some_and(|answer| answer.contains("miner-2")));
    assert!(reports.is_some_and(|answer| answer.contains("\"served_by\":\"miner-2\"")));
}

#[test]
fn readiness_is_each_instances_own() {
    let mut yard = Yard::start(&["--only=numbers"]);
    assert!(yard.get(9100, "/readyz").unwrap().contains("ready\n"));
    yard.program.type_line("stop producer");
    yard.program.line_that_starts("consumer  | Error fetching the number: ");
    let answer = yard.get_until(9100, "/readyz", |answer| answer.is_some_and(|answer| answer.contains(" 503 ")));
    assert!(answer.unwrap().contains("refused"));
    yard.program.type_line("start producer");
    yard.program.line_that_starts("consumer  | Received number: ");
    assert!(yard.get(5000, "/readyz").unwrap().contains("ready\n"));
}

#[test]
fn every_line_is_under_the_name_of_its_instance_and_coloured_only_on_a_terminal() {
    let yard = Yard::start(&["--miners=1"]);
    yard.program.signal(testing::Signal::INT);
    let (_, stdout, stderr) = yard.program.output();
    let names = INSTANCES.map(|(name, _)| format!("{name:9} | "));
    for line in stderr.lines() {
        assert!(line.starts_with("swarmyard | ") || names.iter().any(|name| line.starts_with(name)), "{stderr}");
    }
    assert!(!stdout.contains('\x1b') && !stderr.contains('\x1b'), "{stdout}{stderr}");
}
