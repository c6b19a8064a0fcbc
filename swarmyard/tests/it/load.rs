//! `swarmyard load`, against real servers.

use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testing::{Signal, start_command};

use crate::harness::{Yard, command};
use crate::server::{Deed, Server};

const OK: Deed = Deed::Answer(200, "producer.1@pi1");

fn load(arguments: &[&str]) -> Command {
    command(&[&["load"], arguments].concat())
}

/// Runs it to its end; gives the exit code, the report, and what stderr says.
fn report(url: &str, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let (code, stdout, stderr) = start_command(load(&[&[url, "--json"], arguments].concat())).output();
    let report = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}\n{stderr}"));
    (code, report, stderr)
}

/// An address at which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/number", listener.local_addr().unwrap())
}

#[test]
fn every_answer_is_counted_and_a_connection_is_kept() {
    let server = Server::start(|_| OK);
    let (code, report, log) = report(&server.url(), &["--duration=300ms", "--connections=4"]);
    assert_eq!(code, Some(0), "{log}");
    assert!(server.requests() > 4, "{report}");
    assert_eq!((&report["answers"], &report["errors"]), (&server.requests().into(), &0.into()));
    assert_eq!(report["bytes"], 2 * server.requests());
    assert_eq!(report["replicas"]["producer.1@pi1"], server.requests());
    assert_eq!(report["nodes"]["pi1"], server.requests());
    assert_eq!(server.connections(), 4);
}

#[test]
fn each_request_has_a_connection_of_its_own_if_wanted() {
    let server = Server::start(|_| OK);
    let (code, report, log) = report(&server.url(), &["--duration=300ms", "--connections=4", "--fresh"]);
    assert_eq!((code, &report["errors"]), (Some(0), &0.into()), "{report} {log}");
    assert!(server.requests() > 4, "{report}");
    assert_eq!(report["answers"], server.requests());
    assert_eq!(server.connections(), server.requests());
}

#[test]
fn errors_are_told_apart_by_their_kind() {
    let deed = |number: u64| match number {
        10 | 20 => Deed::Answer(404, "producer.1@pi1"),
        30 => Deed::Answer(503, "producer.2@pi2"),
        40 => Deed::BreakOff,
        50 => Deed::Babble,
        60 => Deed::Hang,
        _ => OK,
    };
    let server = Server::start(deed);
    let arguments = ["--duration=1s", "--connections=1", "--timeout=500ms", "--rate=200"];
    let (code, report, log) = report(&server.url(), &arguments);
    assert_eq!(code, Some(0), "{log}");
    let kinds = serde_json::json!({
        "HTTP 404": 2,
        "HTTP 503": 1,
        "closed before the answer's end": 1,
        "the answer is no HTTP": 1,
        "no answer in time": 1,
    });
    assert_eq!(report["errors_by_kind"], kinds);
    assert_eq!((&report["errors"], &report["answers"]), (&6.into(), &(server.requests() - 6).into()));
    assert_eq!(report["replicas"]["producer.2@pi2"], 1);
}

#[test]
fn a_request_for_which_no_connection_was_free_is_an_error() {
    let server = Server::start(|_| Deed::Hang);
    let arguments = ["--rate=100", "--duration=1s", "--connections=1", "--timeout=3s"];
    let (code, report, log) = report(&server.url(), &arguments);
    let kinds = serde_json::json!({ "no answer in time": 1, "not sent: no connection was free": 99 });
    assert_eq!((code, &report["errors_by_kind"]), (Some(1), &kinds), "{log}");
    assert!(log.contains("had no good answer: not sent"), "{log}");
}

#[test]
fn the_figures_are_those_of_the_producer_itself() {
    let mut yard = Yard::start(&["--only=numbers"]);
    yard.program.type_line("stop consumer");
    yard.program.log_line("stopped after");
    let count = || {
        let metrics = yard.get(5000, "/metrics").unwrap();
        let number = metrics.lines().find_map(|line| {
            line.strip_prefix("http_requests_total{route=\"/number\",method=\"GET\",status=\"200\"} ")
        });
        number.unwrap().parse::<u64>().unwrap()
    };
    let before = count();
    let url = format!("http://localhost:{}/number", yard.address(5000).port());
    let (code, report, log) = report(&url, &["--duration=500ms", "--fail-on=errors>0"]);
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(report["answers"], count() - before);
    assert_eq!(report["replicas"]["producer"], count() - before);
}

/// The clock is the real one, and so is the pause. The server knows the truth on a slow machine, too: request n is due
/// n times 10 ms after the start, which is where the promptest of all answers says that it is.
#[test]
fn at_100_a_second_of_a_server_that_pauses_a_second_the_felt_p99_is_right_and_the_measured_one_is_not() {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let noted = answers.clone();
    let server = Server::start(move |number| {
        if number == 200 {
            // The pause that is measured, no wait for something.
            thread::sleep(Duration::from_secs(1));
        }
        noted.lock().unwrap().push(Instant::now());
        OK
    });
    let arguments = ["--rate=100", "--connections=1", "--duration=5s", "--fail-on=p99>500ms"];
    let (code, report, log) = report(&server.url(), &arguments);
    assert_eq!((code, &report["answers"]), (Some(1), &500.into()), "{log}");
    assert!(log.starts_with("swarmyard: p99>500ms: it is "), "{log}");

    let answers = answers.lock().unwrap();
    let since_first = |answer: &Instant| answer.duration_since(answers[0]).as_secs_f64() * 1000.0;
    let mut late: Vec<f64> =
        answers.iter().zip(0..).map(|(answer, number)| since_first(answer) - f64::from(number) * 10.0).collect();
    late.sort_by(f64::total_cmp);
    let truth = late[late.len() * 99 / 100 - 1] - late[0];
    let p99 = |column: &str| report["latency_ms"][column]["p99"].as_f64().unwrap();
    assert!((p99("felt") / truth - 1.0).abs() < 0.05, "{truth} ms in truth: {report:#}");
    assert!(p99("measured") < truth / 2.0, "{truth} ms in truth: {report:#}");
}

#[test]
fn without_a_terminal_a_second_is_a_line_and_the_end_a_report() {
    let server = Server::start(|number| Deed::Answer(200, if number % 2 == 0 { "a" } else { "b" }));
    let (code, stdout, log) = start_command(load(&[&server.url(), "--duration=2500ms", "-c2"])).output();
    assert_eq!((code, log.as_str()), (Some(0), ""));
    let seconds: Vec<_> = stdout.lines().filter(|line| line.contains(" answers/s ")).collect();
    assert!((1..=2).contains(&seconds.len()), "{stdout}");
    assert!(seconds[0].trim_start().starts_with(|sign: char| sign.is_ascii_digit()), "{stdout}");
    assert!(seconds.iter().all(|line| line.contains(" 0 errors   a ") && line.contains(", b ")), "{stdout}");
    for part in [", 2 connections, ", "\nlatency    measured\n", "\np99.9  ", "\nerrors     0\n", " 50.0 %  █"] {
        assert!(stdout.contains(part), "no {part:?}: {stdout}");
    }
    assert!(!stdout.contains('\x1b'), "{stdout}");
}

#[test]
fn ctrl_c_ends_it_with_the_report() {
    let server = Server::start(|_| OK);
    for arguments in [&["--duration=1h"][..], &["--duration=1h", "--rate=100"]] {
        let mut program = start_command(load(&[&[server.url().as_str()], arguments].concat()));
        program.line();
        program.signal(Signal::INT);
        let (code, stdout, log) = program.output();
        assert_eq!((code, log.as_str()), (Some(0), ""), "{stdout}");
        assert!(stdout.contains("\nerrors     0\n"), "{stdout}");
    }
}

#[test]
fn a_server_that_is_not_there_is_an_error_and_so_is_a_name_that_is_not() {
    let url = nobody();
    let (code, _, log) = start_command(load(&[&url, "--duration=100ms"])).output();
    let refused = format!("swarmyard: {url}, 50 connections had no good answer: connection refused");
    assert_eq!((code, log), (Some(1), refused));
    let (code, _, log) = start_command(load(&["http://no-such-service.invalid/"])).output();
    assert_eq!(code, Some(1));
    assert!(log.starts_with("swarmyard: cannot ask http://no-such-service.invalid/: name "), "{log}");
}

#[test]
fn a_condition_that_holds_ends_it_with_exit_code_1_and_says_how() {
    let server = Server::start(|number| if number == 3 { Deed::Answer(500, "a") } else { OK });
    let arguments = ["--duration=200ms", "--connections=1", "--fail-on=errors>0,max>1m", "--fail-on=rate<0.1"];
    let (code, report, log) = report(&server.url(), &arguments);
    assert_eq!((code, log.as_str()), (Some(1), "swarmyard: errors>0: it is 1"));
    assert_eq!(report["failed"], serde_json::json!(["errors>0: it is 1"]));
}

#[test]
fn wrong_usage_is_said_with_what_is_accepted() {
    for (arguments, message) in [
        ("", "<URL> needs a value"),
        ("https://pi1/", "https:// is not spoken here"),
        ("pi1:5000 --rate=0", "accepted is how many a second"),
        ("pi1:5000 --connections=0", "accepted is a number from 1 to 10000"),
        ("pi1:5000 --duration=2d", "accepted is a time of at most 24 h"),
        ("pi1:5000 --fail-on=errors=0", "accepted are conditions such as"),
        ("pi1:5000 --speed=1", "see `swarmyard load --help`"),
    ] {
        let words: Vec<_> = arguments.split_whitespace().collect();
        let (code, stdout, log) = start_command(load(&words)).output();
        assert_eq!((code, stdout.as_str(), log.lines().count()), (Some(2), "", 1), "{arguments:?}: {log}");
        assert!(log.starts_with("swarmyard load: ") && log.contains(message), "{arguments:?}: {log}");
    }
}
