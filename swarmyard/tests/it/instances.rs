//! Each instance is as if it were alone.

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
