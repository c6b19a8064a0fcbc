//! The end.

use testing::Signal;

use crate::harness::Yard;

#[test]
fn a_signal_stops_all_in_their_order_with_exit_code_0() {
    for signal in [Signal::INT, Signal::TERM] {
        let yard = Yard::start(&["--miners=1"]);
        yard.program.signal(signal);
        let (code, _, log) = yard.program.output();
        assert_eq!(code, Some(0), "{log}");
        let stopped = log.lines().filter(|line| line.contains("stopped after "));
        let names: Vec<_> = stopped.filter_map(|line| line.split_whitespace().next()).collect();
        let (nodes, others): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.starts_with("node"));
        assert_eq!(others, ["miner-1", "webui", "api", "consumer", "producer", "swarmyard"], "{log}");
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
fn a_pipe_that_nobody_reads_holds_neither_the_services_nor_the_end_up() {
    let (_reader, writer) = std::io::pipe().unwrap();
    let mut yard = Yard::start_into(&["--only=chat"], || writer.try_clone().unwrap().into());
    // Each answer is a table; the pipe holds 64 KiB.
    for _ in 0..500 {
        yard.program.type_line("list");
    }
    assert!(yard.get(8081, "/whoami").is_some());
    yard.program.signal(Signal::INT);
    let (status, _) = yard.program.ended();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn it_ends_when_nobody_reads_what_it_prints() {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut yard = Yard::start_into(&["--only=numbers"], || writer.try_clone().unwrap().into());
    drop((reader, writer));
    let (status, _) = yard.program.ended();
    assert_eq!(status.code(), Some(0));
}

#[cfg_attr(not(target_os = "linux"), ignore = "needs /dev/full, which only Linux has")]
#[test]
fn what_cannot_be_written_is_an_error() {
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap().into();
    let yard = Yard::start_into(&["--only=numbers"], full);
    let (code, _, log) = yard.program.output();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.lines().last().unwrap().starts_with("swarmyard: cannot write what there is to say: "), "{log}");
}
