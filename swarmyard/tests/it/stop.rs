//! The end.

use testing::{Signal, start_with_stdout};

use crate::harness::{Yard, command, free_offset};

#[test]
fn a_signal_stops_all_in_their_order_with_exit_code_0() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let yard = Yard::start(&["--miners=1"]);
        yard.program.signal(signal);
        let (code, _, log) = yard.program.output();
        assert_eq!(code, Some(0), "{log}");
        let stopped = log.lines().filter(|line| line.contains("stopped after "));
        let names: Vec<_> = stopped.filter_map(|line| line.split_whitespace().next()).collect();
        let (nodes, others): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.starts_with("node"));
        assert_eq!(others, ["miner-1", "webui", "api", "consumer", "producer"], "{log}");
        assert_eq!((nodes.len(), names[3].starts_with("node")), (3, true), "{log}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    // Coins that wait for a ledger hold a miner's end up.
    let mut yard = Yard::start(&["--only=devcoin", "--redis=redis://127.0.0.1:1", "--speed=super-fast"]);
    yard.program.signal(Signal::INT);
    yard.program.log_line("SIGINT: stopping; a second signal stops at once");
    yard.program.signal(Signal::INT);
    let (code, _, log) = yard.program.output();
    assert_eq!(code, Some(130));
    assert!(!log.contains("stopped after"), "{log}");
}

#[test]
fn it_ends_when_nobody_reads_what_it_prints() {
    let (reader, writer) = std::io::pipe().unwrap();
    let offset = free_offset();
    let mut program = start_with_stdout(command(&[&format!("--port-offset={offset}")]), writer);
    program.log_line("listening on");
    drop(reader);
    let (status, _) = program.ended();
    assert_eq!(status.code(), Some(0));
}
