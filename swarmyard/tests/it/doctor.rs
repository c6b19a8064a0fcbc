//! `swarmyard doctor`, on machines of files, programs that answer from files, and real ports.

mod files;
mod healthy;
mod machine;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::{Value, json};
use testing::start_command;

use self::healthy::Machine;
use crate::harness::command;

/// What `doctor --json` says.
struct Report {
    code: Option<i32>,
    json: Value,
}

impl Report {
    fn checks(&self) -> &[Value] {
        self.json["checks"].as_array().unwrap()
    }

    fn ids(&self) -> BTreeSet<&str> {
        self.checks().iter().map(|check| check["check"].as_str().unwrap()).collect()
    }

    fn check(&self, id: &str) -> &Value {
        self.checks().iter().find(|check| check["check"] == id).unwrap_or_else(|| panic!("no {id}: {:#}", self.json))
    }

    /// The findings of a check.
    fn findings(&self, id: &str) -> &[Value] {
        self.check(id)["findings"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The checks that found something.
    fn found(&self) -> BTreeSet<&str> {
        self.ids().into_iter().filter(|id| !self.findings(id).is_empty()).collect()
    }

    fn verdict(&self, id: &str) -> &str {
        self.check(id)["verdict"].as_str().unwrap()
    }

    /// Whether a check found just this, with this way to mend it.
    fn assert_found(&self, id: &str, level: &str, found: &str, mend: &str) {
        let findings = self.findings(id);
        let is_as_said = |finding: &Value| {
            let text = |key: &str| finding[key].as_str().unwrap();
            text("level") == level
                && text("found").contains(found)
                && text("mend").contains(mend)
                && !text("effect").is_empty()
        };
        assert!(findings.iter().any(is_as_said), "no {level} {found:?} with {mend:?} in {id}: {:#}", self.check(id));
    }
}

#[test]
fn nothing_is_found_on_a_healthy_machine() {
    loop {
        let report = Machine::healthy().doctor(&["--strict"]);
        // Somebody else took one of the ports in this moment.
        if report.verdict("ports") == "found" {
            continue;
        }
        assert_eq!((report.code, report.found()), (Some(0), BTreeSet::new()), "{:#}", report.json);
        // The room on the disk is this machine's.
        let is_known = |id: &&str| report.verdict(id) == "fine" || *id == "disk";
        assert!(report.ids().iter().all(is_known), "{:#}", report.json);
        break;
    }
}

#[test]
fn a_real_machine_is_looked_at_to_the_end() {
    let mut command = command(&["doctor", "--json"]);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    if let Some(host) = std::env::var_os("DOCKER_HOST") {
        command.env("DOCKER_HOST", host);
    }
    let (code, stdout, log) = start_command(command).output();
    let json: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, log.as_str()), (Some(if json["errors"] == 0 { 0 } else { 2 }), ""), "{json:#}");
}

#[test]
fn an_engine_that_hangs_is_one_finding() {
    let mut machine = Machine::healthy();
    for question in ["info", "ps", "service-ls", "network-ls", "node-ls"] {
        machine.answer(&format!("{question}.hangs"), "");
    }
    let report = machine.doctor(&["--timeout=1700ms"]);
    report.assert_found("engine", "error", "`docker info` does not answer within 1.7 s", "systemctl restart docker");
    assert!(report.found().is_subset(&["engine", "ports"].into()), "{:#}", report.json);
    assert_eq!((report.code, report.verdict("swarm")), (Some(2), "skipped"));
}

#[test]
fn without_docker_there_is_one_finding() {
    let mut machine = Machine::healthy();
    machine.programs.retain(|program| *program != "docker");
    let report = machine.doctor(&[]);
    report.assert_found("docker", "error", "there is no command docker", "get.docker.com");
    assert!(report.found().is_subset(&["docker", "ports"].into()), "{:#}", report.json);
    assert_eq!(report.check("engine-version")["because_of"], "engine");
    // In a container, that is nothing to be mended.
    machine.file(".dockerenv", "");
    assert_eq!(machine.doctor(&[]).verdict("docker"), "unknown");
}

#[test]
fn warnings_count_only_if_wanted() {
    let mut machine = Machine::healthy();
    machine.file("one.yml", "services:\n  one: { image: one:1, restart: always }\n");
    let file = machine.path("one.yml");
    assert_eq!(machine.doctor(&[&file]).code, Some(0));
    assert_eq!(machine.doctor(&[&file, "--strict"]).code, Some(1));
    machine.file("one.yml", "services:\n  one: { image: one:1, profiles: [a] }\n");
    assert_eq!(machine.doctor(&[&file]).code, Some(2));
}

#[test]
fn people_read_what_was_found_what_it_does_and_what_mends_it() {
    let mut machine = Machine::healthy();
    machine.file("one.yml", "services:\n  one:\n    image: one:1\n    profiles: [a]\n");
    let path = machine.path("one.yml");
    let (code, stdout, log) = machine.start(&[&path]).output();
    assert_eq!((code, log.as_str()), (Some(2), ""));
    let expected = format!(
        "error    {path}:4, rule-16-refused: profiles of services\n  looked at keys that docker stack deploy refuses\n  \
         effect    docker stack deploy refuses the whole file: Additional property, or: must be\n  mend      a file of \
         its own for what is optional: docker stack deploy -c FILE -c OTHER NAME\n  more      \
         docs/troubleshooting.md#rule-16-nothing-that-a-swarm-refuses-or-ignores\n"
    );
    assert!(stdout.contains(&expected), "{stdout}");
    assert!(stdout.lines().last().unwrap().starts_with("1 errors, "), "{stdout}");
    assert!(!stdout.contains("fine  ") && !stdout.contains('\x1b'), "{stdout}");
    let (_, stdout, _) = machine.start(&[&path, "--verbose"]).output();
    assert!(stdout.contains(&format!("fine     {path}, rule-1: names of configs and secrets\n")), "{stdout}");
}

/// A port of this process, which gives everybody the same answer.
fn taken_port(answer: &'static str) -> u16 {
    let listener = TcpListener::bind(("0.0.0.0", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 100]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn who_has_a_port_is_told() {
    let mut machine = Machine::healthy();
    let port = taken_port("");
    machine.set("PRODUCER_PORT", &port.to_string());
    let (found, mend) = (format!("port {port}, where producer is published, is taken: "), "PRODUCER_PORT=");
    let id = std::process::id();
    machine.doctor(&[]).assert_found("ports", "error", &format!("(process {id}) has it"), mend);
    machine.answer(
        "ps",
        &json!({ "Names": "shop", "Image": "shop:1", "Ports": format!("0.0.0.0:{port}->80/tcp") }).to_string(),
    );
    machine.doctor(&[]).assert_found("ports", "error", &format!("{found}shop has it, of Docker"), mend);
    // What one of our files has started is no finding.
    for question in ["ps", "service-ls"] {
        machine.answer("ps", "");
        let ours =
            json!({ "Name": "yard_producer", "Image": "pi1:5001/producer:v1", "Ports": format!("*:{port}->5000/tcp") });
        machine.answer(question, &ours.to_string());
        let report = machine.doctor(&[]);
        let text = port.to_string();
        assert!(report.findings("ports").iter().all(|finding| !finding["found"].as_str().unwrap().contains(&text)));
        machine.answer(question, "");
    }
}

#[test]
fn airplay_is_called_by_its_name() {
    let port = taken_port("HTTP/1.1 403 Forbidden\r\nServer: AirTunes/870.14.1\r\n\r\n");
    let mut machine = Machine::healthy();
    machine.set("PRODUCER_PORT", &port.to_string());
    machine.doctor(&[]).assert_found("ports", "error", "AirPlay of this Mac has it", "docker compose up");
}

#[test]
fn what_cannot_be_known_is_said_and_no_finding() {
    let mut machine = Machine::healthy();
    machine.programs.retain(|program| *program != "curl");
    for file in ["proc/cpuinfo", "proc/net/route", "proc/self/limits", "lib/modules", "proc/sys/kernel/osrelease"] {
        machine.remove(file);
    }
    let info = json!({ "ServerVersion": "29.8.2", "IndexServerAddress": "https://hub.test/v1/" });
    machine.answer("info", &info.to_string());
    let report = machine.doctor(&[]);
    for id in ["pulls", "clock", "engine-clock", "architecture", "mtu", "open-files", "modules"] {
        assert_eq!(report.verdict(id), "unknown", "{:#}", report.check(id));
    }
    assert_eq!(report.check("clock")["why"], "there is no command curl");
    assert_eq!(report.check("mtu")["why"], "there is no Linux kernel to look at");
}

#[test]
fn a_worker_says_that_managers_know() {
    let mut machine = Machine::healthy();
    machine.info(|info| info["Swarm"] = json!({ "LocalNodeState": "active", "ControlAvailable": false }));
    machine.answer("node-ls.error", "Error response from daemon: This node is not a swarm manager.");
    let report = machine.doctor(&[]);
    for id in ["managers", "address-pool"] {
        assert_eq!(report.check(id)["why"], "a worker does not know: run it on a manager", "{:#}", report.check(id));
    }
}

#[test]
fn a_mirror_has_no_limit_of_pulls() {
    let mut machine = Machine::healthy();
    machine.answer("hub", &healthy::hub(0, "0"));
    machine.info(|info| info["RegistryConfig"] = json!({ "Mirrors": ["http://192.168.0.2:5002/"] }));
    assert_eq!(machine.doctor(&[]).verdict("pulls"), "fine");
}
