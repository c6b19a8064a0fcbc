//! What is typed while the services run.

use crate::harness::Yard;

#[test]
fn a_stopped_node_is_gone_until_it_is_started_again() {
    let mut yard = Yard::start(&["--only=chat"]);
    yard.program.type_line("stop node2");
    yard.program.line_that_starts("swarmyard | node2 is told to stop");
    yard.get_until(8082, "/whoami", |answer| answer.is_none());
    assert!(yard.get(8081, "/whoami").is_some());
    let line = yard.program.log_line("stopped after");
    assert!(line.starts_with("node2     | "), "{line}");

    yard.program.type_line("stop node2");
    yard.program.line_that_starts("swarmyard | node2 does not run");
    yard.program.type_line("list");
    let row = yard.program.line_that_starts("swarmyard | node2 ");
    assert!(row.contains(" stopp") && !row.contains(&format!(":{} ", yard.address(8082).port())), "{row}");

    yard.program.type_line("start node2");
    yard.program.line_that_starts("swarmyard | node2 is started, at http://localhost:");
    assert!(yard.get(8082, "/whoami").is_some());
    yard.program.type_line("start node2");
    yard.program.line_that_starts("swarmyard | node2 runs already");
}

#[test]
fn miners_are_added_and_removed() {
    let mut yard = Yard::start(&["--only=devcoin", "--miners=1"]);
    yard.program.type_line("add miner");
    yard.program.line_that_starts("swarmyard | miner-2 is started, at http://localhost:");
    let two = |answer: Option<&str>| answer.is_some_and(|answer| answer.contains("\"miners_alive\":2"));
    yard.get_until(9000, "/stats", two);
    for miner in ["miner-2", "miner-1"] {
        yard.program.type_line("remove miner");
        yard.program.line_that_starts(&format!("swarmyard | {miner} is removed"));
    }
    yard.get_until(9101, "/whoami", |answer| answer.is_none());
    yard.program.type_line("remove miner");
    yard.program.line_that_starts("swarmyard | there is no miner");
}

#[test]
fn what_cannot_be_done_is_answered_with_what_can() {
    let mut yard = Yard::start(&["--only=numbers"]);
    for (line, answer) in [
        ("dance", "no such command: dance; `help` shows all"),
        ("stop redis", "there is no redis; there are producer, consumer"),
        ("stop", "say what: stop node2; `list` shows all names"),
        ("add node4", "only miners can be added and removed: add miner, remove miner"),
        ("help", "Commands, while the services run:"),
    ] {
        yard.program.type_line(line);
        assert_eq!(yard.program.line_that_starts("swarmyard | "), format!("swarmyard | {answer}"));
    }
}
