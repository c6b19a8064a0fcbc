//! The process: settings, exit codes, signals, logs, the health check.

use std::net::{TcpListener, TcpStream};

use testing::{Signal, needs};

use crate::{PRODUCER, ask, start};

/// Runs the program to its end.
fn output(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    testing::start(PRODUCER, arguments, environment).output()
}

/// A port that is free now.
fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

#[test]
fn a_wrong_setting_stops_it_at_once_with_one_line_that_says_what_is_accepted() {
    let cases = [
        (
            ("PORT", "abc"),
            "producer: PORT (--port <PORT>) is 'abc': accepted is a port number from 0 (any free one) to 65535",
        ),
        (
            ("HOST", "pi"),
            "producer: HOST (--host <ADDRESS>) is 'pi': accepted is an IP address such as 127.0.0.1, 0.0.0.0 (all IPv4) or :: (all)",
        ),
        (
            ("DRAIN_DELAY", "soon"),
            "producer: DRAIN_DELAY (--drain-delay <TIME>) is 'soon': accepted is a time such as 500ms, 3s or 2m",
        ),
        (
            ("PORT", "1\n2"),
            "producer: PORT (--port <PORT>) is '1\\n2': accepted is a port number from 0 (any free one) to 65535",
        ),
        (
            ("CHAOS_TOKEN", "two words"),
            "producer: CHAOS_TOKEN: accepted are letters, digits and signs of plain ASCII, without spaces",
        ),
        (("LOG_FORMAT", "xml"), "producer: LOG_FORMAT (--log-format <FORMAT>) is 'xml': accepted are text, json"),
    ];
    for (setting, line) in cases {
        assert_eq!(output(&[], &[setting]), (Some(2), String::new(), line.to_owned()));
    }
}

#[test]
fn a_wrong_argument_stops_it_at_once_with_one_line() {
    let cases = [
        ("--prot=1", "producer: no such argument: --prot; see `producer --help`"),
        ("--port", "producer: PORT (--port <PORT>) needs a value; see `producer --help`"),
        ("5050", "producer: 5050 is no command; for the port, say --port 5050"),
        ("run", "producer: unrecognized subcommand 'run'; see `producer --help`"),
    ];
    for (argument, line) in cases {
        assert_eq!(output(&[argument], &[]), (Some(2), String::new(), line.to_owned()));
    }
}

#[test]
fn an_unexpanded_template_and_an_empty_value_count_as_unset() {
    let (_producer, address) =
        start(&[("SERVED_BY", "{{.Service.Name}}.{{.Task.Slot}}"), ("NODE_NAME", ""), ("LOG_LEVEL", "")]);
    let whoami = ask(address, "GET", "/whoami");
    let whoami: serde_json::Value = serde_json::from_str(whoami.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(whoami["served_by"], whoami["host"]);
    assert_eq!(whoami["node"], serde_json::Value::Null);
}

#[test]
fn a_flag_wins_over_the_variable() {
    let mut producer = testing::start(PRODUCER, &["--port=0", "--served-by=flag"], &[("SERVED_BY", "variable")]);
    assert!(ask(producer.address(), "GET", "/").contains("x-served-by: flag\r\n"));
}

#[test]
fn help_is_the_manual_with_every_variable_and_default() {
    let (code, help, _) = output(&["--help"], &[]);
    assert_eq!(code, Some(0));
    for text in [
        "PORT",
        "5000",
        "HOST",
        "0.0.0.0",
        "SERVED_BY",
        "NODE_NAME",
        "DRAIN_DELAY",
        "0s",
        "DRAIN_TIMEOUT",
        "5s",
        "LOG_LEVEL",
        "LOG_FORMAT",
        "CHAOS_TOKEN",
        "CHAOS_TOKEN_FILE",
        "healthcheck",
    ] {
        assert!(help.contains(text), "{text} is missing in:\n{help}");
    }
}

#[test]
fn a_taken_port_is_explained() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, _, log) = output(&["--host=127.0.0.1", "--port", &port], &[]);
    assert_eq!(code, Some(1));
    assert!(
        log.contains(&format!("port {port} is taken: stop the program that has it, or set PORT to another port")),
        "{log}"
    );
}

#[test]
fn both_stop_signals_end_it_with_exit_code_0_whoever_is_connected() {
    for signal in [Signal::TERM, Signal::INT] {
        let (producer, address) = start(&[("DRAIN_TIMEOUT", "10m")]);
        ask(address, "GET", "/number");
        let _silent = TcpStream::connect(address).unwrap();
        producer.signal(signal);
        // The promise is a second; a busy test machine gets more, but not the drain time-out.
        let (code, _, log) = producer.output();
        assert_eq!(code, Some(0), "{signal:?}");
        assert!(log.lines().last().unwrap().contains("stopped after "), "{log}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let (mut producer, _) = start(&[("DRAIN_DELAY", "10m")]);
        producer.signal(Signal::TERM);
        producer.log_line("SIGTERM: stopping");
        producer.signal(signal);
        let (status, _) = producer.ended();
        assert_eq!(status.code(), Some(code));
    }
}

#[test]
fn the_log_is_json_if_wanted_and_only_as_loud_as_wanted() {
    let settings = [("LOG_FORMAT", "json"), ("SERVED_BY", "producer.2@\"pi1\""), ("SERVICE_VERSION", "v7")];
    let mut producer = testing::start(PRODUCER, &["--port=0"], &settings);
    let line = producer.log_line("listening on");
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["level"], "INFO");
    assert_eq!((&event["service"], &event["version"]), (&"producer".into(), &"v7".into()));
    assert_eq!(event["replica"], "producer.2@\"pi1\"");
    assert!(event["address"].as_str().unwrap().starts_with("0.0.0.0:"), "{line}");
    assert!(event["message"].as_str().unwrap().starts_with("listening on numbers: http://localhost:"), "{line}");

    let mut producer = testing::start(PRODUCER, &["--port=0"], &[("SERVED_BY", "pi1")]);
    let line = producer.log_line("listening on");
    assert!(line.ends_with(", pi1)"), "text has the message alone: {line}");

    let port = free_port();
    let quiet = testing::start(PRODUCER, &["--host=127.0.0.1", "--port", &port], &[("LOG_LEVEL", "WARNING")]);
    while TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
        std::thread::yield_now();
    }
    quiet.signal(Signal::TERM);
    assert_eq!(quiet.output(), (Some(0), String::new(), String::new()));
}

#[needs("script")]
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "starts a command with script -c, which only Linux has")]
fn the_log_is_coloured_on_a_terminal_unless_no_color_is_set() {
    for (no_color, coloured) in [("", true), ("1", false)] {
        // `script` runs a command on a terminal of its own; when it goes, so does that one.
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &format!("exec {PRODUCER} --port=0"), "/dev/null"]).env("NO_COLOR", no_color);
        let line = testing::start_command(command).line();
        assert_eq!(line.contains("\u{1b}["), coloured, "{line:?}");
    }
}

#[test]
fn the_health_check_exits_0_for_a_running_instance_and_1_for_none() {
    let (producer, address) = start(&[]);
    let port = address.port().to_string();
    assert_eq!(output(&["healthcheck"], &[("PORT", &port)]), (Some(0), String::new(), String::new()));
    drop(producer);
    let (code, _, log) = output(&["healthcheck"], &[("PORT", &port)]);
    assert_eq!(code, Some(1));
    assert!(log.starts_with(&format!("unhealthy: nothing answers at 127.0.0.1:{port}: ")), "{log}");
}

#[test]
fn the_health_check_asks_where_the_instance_listens() {
    for host in ["::", "::1", "127.0.0.2", "0.0.0.0"] {
        if TcpListener::bind((host, 0)).is_err() {
            continue; // a machine without IPv6
        }
        let mut producer = testing::start(PRODUCER, &["--port=0"], &[("HOST", host)]);
        let port = producer.address().port().to_string();
        assert_eq!(output(&["healthcheck", "--port", &port], &[("HOST", host)]).0, Some(0), "{host}");
    }
}

#[test]
fn the_health_check_gives_up_on_a_hanging_instance_within_a_second() {
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = hanging.local_addr().unwrap().port().to_string();
    let (code, _, log) = output(&["healthcheck"], &[("PORT", &port)]);
    assert_eq!((code, log), (Some(1), format!("unhealthy: no answer from 127.0.0.1:{port} within 900 ms")));
}
