//! `swarmyard doctor FILE`: our own files, and each rule, broken.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::Report;
use super::healthy::Machine;

/// A service that keeps every rule.
const GOOD: &str = "\
services:
  one:
    image: one:1
    user: \"1000\"
    read_only: true
    cap_drop: [ALL]
    stop_grace_period: 20s
    environment: { DRAIN_DELAY: 3s }
    healthcheck: { test: [CMD, /one], start_interval: 1s }
    logging: { driver: local }
    ulimits: { nofile: 65536 }
    ports: [{ target: 80, published: 8080 }]
    volumes: [\"./here:/here\"]
    configs:
      - { source: settings, target: /etc/settings, mode: 0444 }
    secrets:
      - { source: word, uid: \"1000\", mode: 0400 }
    deploy:
      replicas: 2
      endpoint_mode: vip
      update_config: { parallelism: 1, order: start-first, failure_action: rollback, monitor: 15s }
      rollback_config: { order: start-first }
      restart_policy: { condition: any, delay: 2s }
      resources:
        limits: { cpus: \"1.0\", memory: 96M }
        reservations: { memory: 16M }
      placement: { preferences: [spread: node.id] }
configs:
  settings: { name: \"${SETTINGS:-settings}\", file: settings }
secrets:
  word: { name: \"${WORD:-word}\", file: word }
networks:
  default: { driver_opts: { com.docker.network.driver.mtu: \"${OVERLAY_MTU:-1450}\" } }
";

/// A rule that is broken: the check, how bad it is, what is written in place of what, what is found, at which line, and
/// what mends it.
type Case = (&'static str, &'static str, (&'static str, &'static str), &'static str, u64, &'static str);

const VOLUME: (&str, &str) = ("\"./here:/here\"", "\"data:/data\"");

const CASES: &[Case] = &[
    ("file", "error", ("image:", "image: ["), "it cannot be read: ", 4, "docker stack config -c "),
    ("file", "error", ("    image:", "    user: one\n    image:"), "user is there twice", 5, "docker stack config"),
    (
        "rule-1",
        "warning",
        ("name: \"${SETTINGS:-settings}\", ", ""),
        "the config settings keeps its name",
        29,
        "SETTINGS_CONFIG:-settings",
    ),
    (
        "rule-2",
        "warning",
        ("mode: 0444", "mode: 444"),
        "one: the mode 444 of settings has no zero before it: it is 0674",
        15,
        "0444",
    ),
    (
        "rule-2",
        "error",
        ("uid: \"1000\", ", ""),
        "word is for user 0 with mode 0400, and the program runs as user 1000",
        17,
        "uid: \"1000\"",
    ),
    (
        "rule-5",
        "warning",
        (", monitor: 15s", ""),
        "one: update_config: monitor is shorter than 10 s",
        21,
        "monitor: 15s",
    ),
    (
        "rule-5",
        "warning",
        ("order: start-first, failure", "failure"),
        "order is not start-first",
        21,
        "order: start-first",
    ),
    (
        "rule-5",
        "warning",
        ("{ order: start-first }", "{ order: stop-first }"),
        "rollback_config: order",
        21,
        "rollback_config: {",
    ),
    (
        "rule-5",
        "warning",
        ("mode: vip", "mode: vip\n      mode: global"),
        "order is not stop-first",
        22,
        "order: stop-first",
    ),
    (
        "rule-5",
        "warning",
        ("failure_action: rollback", "failure_action: pause"),
        "failure_action is not",
        21,
        "rollback",
    ),
    ("rule-5", "warning", ("parallelism: 1", "parallelism: 0"), "parallelism is not 1", 21, "parallelism: 1"),
    (
        "rule-6",
        "warning",
        (", start_interval: 1s", ""),
        "one: its check has no start_interval",
        9,
        "start_interval: 1s",
    ),
    ("rule-6", "warning", ("[CMD, /one]", "[NONE]"), "one: its check is switched off", 9, "healthcheck:"),
    ("rule-7", "warning", ("period: 20s", "period: 8s"), "killed after 8 s, and may take 8 s", 7, "stop_grace_period"),
    (
        "rule-9",
        "warning",
        ("{ preferences: [spread: node.id] }", "{}"),
        "may all be on one machine",
        18,
        "spread: node.id",
    ),
    (
        "rule-10",
        "warning",
        ("limits: { cpus: \"1.0\", memory: 96M }", "limits: {}"),
        "no limits.memory, limits.cpus",
        18,
        "96M",
    ),
    ("rule-10-sum", "warning", ("memory: 16M", "memory: 1G"), "2147 MB are reserved in all", 0, "16M"),
    ("rule-11", "warning", ("    logging: { driver: local }\n", ""), "one: its logs grow", 2, "max-size: 10m"),
    ("rule-11", "warning", ("driver: local", "driver: json-file"), "one: its logs grow", 10, "max-size: 10m"),
    (
        "rule-12",
        "warning",
        ("nofile: 65536", "nofile: { soft: 1024, hard: 65536 }"),
        "may open 1024 files",
        11,
        "65536",
    ),
    (
        "rule-13",
        "warning",
        ("\"./here:/here\"", "\"/var/run/docker.sock:/docker.sock:ro\""),
        "the engine's socket",
        13,
        "proxy",
    ),
    (
        "rule-13",
        "warning",
        ("\"./here:/here\"", "{ type: bind, source: /run/docker.sock, target: /s }"),
        "one: it has",
        13,
        "proxy",
    ),
    ("rule-14", "warning", ("    read_only: true\n", ""), "no read_only", 2, "read_only: true"),
    ("rule-14", "warning", ("cap_drop: [ALL]", "cap_drop: [SYS_TIME]"), "no cap_drop", 6, "cap_drop: [ALL]"),
    ("rule-15", "warning", ("condition: any", "condition: on-failure"), "on-failure only", 23, "condition: any"),
    (
        "rule-15",
        "warning",
        ("delay: 2s", "delay: 1s, max_attempts: 3"),
        "given up after 3 attempts, started again after 1s",
        23,
        "delay: 2s",
    ),
    (
        "rule-16-refused",
        "error",
        ("    image:", "    profiles: [a]\n    image:"),
        "profiles of services",
        3,
        "-c OTHER",
    ),
    (
        "rule-16-refused",
        "error",
        ("    image:", "    mem_limit: 1G\n    image:"),
        "mem_limit of services",
        3,
        "limits: { memory",
    ),
    ("rule-16-refused", "error", ("    image:", "    gpus: all\n    image:"), "gpus of services", 3, "leave it out"),
    (
        "rule-16-refused",
        "error",
        ("    image:", "    depends_on: { two: { condition: service_healthy } }\n    image:"),
        "depends_on with conditions",
        3,
        "depends_on: [two]",
    ),
    (
        "rule-16-refused",
        "error",
        ("services:", "name: yard\nservices:"),
        "name of the file",
        1,
        "docker stack deploy -c FILE NAME",
    ),
    ("rule-16-refused", "error", ("cpus: \"1.0\"", "cpus: 1.0"), "cpus as a number", 25, "cpus: \"1.0\""),
    (
        "rule-16-refused",
        "error",
        ("published: 8080", "published: \"8080\""),
        "published as a text",
        12,
        "published: 8080",
    ),
    ("rule-16-refused", "error", ("target: 80,", "target: 80, name: web,"), "name of services.ports", 12, ""),
    ("rule-16-refused", "error", ("file: settings", "content: text"), "content of configs", 29, "file: PATH"),
    (
        "rule-16-refused",
        "error",
        ("services:", "version: \"3.8\"\nservices:"),
        "start_interval, which version 3.8 has not",
        10,
        "no version",
    ),
    (
        "rule-16-refused",
        "error",
        ("    image:", "    env_file: [{ path: one.env, required: false }]\n    image:"),
        "a path of env_file with settings",
        3,
        "env_file: [one.env]",
    ),
    (
        "rule-16-refused",
        "error",
        ("{ driver_opts:", "{ ipam: { config: [{ subnet: 10.0.0.0/24, gateway: 10.0.0.1 }] }, driver_opts:"),
        "gateway of networks.ipam.config",
        33,
        "leave it out",
    ),
    (
        "rule-16-ignored",
        "warning",
        ("    image:", "    depends_on: [two]\n    image:"),
        "depends_on of one is ignored",
        3,
        "waits for what it needs",
    ),
    (
        "rule-16-ignored",
        "warning",
        ("    image:", "    security_opt: [a]\n    image:"),
        "security_opt of one is ignored",
        3,
        "daemon.json",
    ),
    (
        "rule-16-ignored",
        "warning",
        ("    image:", "    container_name: a\n    image:"),
        "container_name of one",
        3,
        "docker ps --filter",
    ),
    (
        "rule-16-ignored",
        "warning",
        ("    image:", "    restart: always\n    image:"),
        "restart of one",
        3,
        "restart_policy",
    ),
    (
        "rule-16-ignored",
        "warning",
        ("    image:", "    build: .\n    image:"),
        "build of one",
        3,
        "docker compose push",
    ),
    ("rule-17", "warning", VOLUME, "one: data may be on any machine", 13, "node.labels."),
    (
        "rule-17-labels",
        "error",
        ("{ preferences: [", "{ constraints: [node.labels.disk == fast], preferences: ["),
        "no node of this Swarm has the label disk=fast",
        27,
        "docker node update --label-add disk=fast pi1",
    ),
    (
        "rule-18",
        "error",
        ("endpoint_mode: vip", "endpoint_mode: dnsrr"),
        "a port on every node, and endpoint_mode dnsrr",
        20,
        "mode: host",
    ),
    (
        "rule-19",
        "warning",
        ("{ driver_opts: { com.docker.network.driver.mtu: \"${OVERLAY_MTU:-1450}\" } }", ""),
        "default: the size of packets",
        33,
        "OVERLAY_MTU",
    ),
    ("rule-20", "warning", ("one:1", "one"), "one: one has no version", 3, "NAME:VERSION"),
    ("rule-20", "warning", ("one:1", "pi1:5001/one:latest"), "pi1:5001/one:latest has no version", 3, "NAME:VERSION"),
];

/// Looks at a file of this text, beside which are a secret and nginx's settings.
fn doctor(text: &str) -> (Machine, Report) {
    let mut machine = Machine::healthy();
    machine.file("stack.yml", text);
    let report = machine.doctor(&[&machine.path("stack.yml")]);
    (machine, report)
}

#[test]
fn a_file_that_keeps_all_rules_is_fine() {
    let (_, report) = doctor(GOOD);
    assert!(report.checks().iter().all(|check| check["verdict"] == "fine"), "{:#}", report.json);
}

#[test]
fn each_rule_is_broken_and_nothing_else_is_found() {
    for (id, level, (good, bad), found, line, mend) in CASES {
        assert_eq!(GOOD.matches(good).count(), 1, "{good}");
        let (_, report) = doctor(&GOOD.replace(good, bad));
        report.assert_found(id, level, found, mend);
        assert_eq!(report.findings(id)[0]["line"].as_u64().unwrap_or_default(), *line, "{:#}", report.check(id));
        // A volume or a task on every node wants another order of updates.
        let others: BTreeSet<_> = if bad.contains("data:/data") { ["rule-5"].into() } else { BTreeSet::new() };
        assert_eq!(report.found(), &others | &BTreeSet::from([*id]), "{:#}", report.json);
    }
}

#[test]
fn no_rule_is_without_a_case() {
    let (_, report) = doctor(GOOD);
    let provoked: BTreeSet<_> = CASES.iter().map(|case| case.0).collect();
    // They have tests of their own, with files beside.
    let others = BTreeSet::from(["rule-8", "secret-files"]);
    assert_eq!(report.ids().difference(&provoked).copied().collect::<BTreeSet<_>>(), others);
}

#[test]
fn nginx_that_looks_a_name_up_once_is_found() {
    let mut machine = Machine::healthy();
    let text = GOOD.replace("one:1", "nginx:1").replace("target: /etc/settings", "target: /etc/nginx/nginx.conf");
    machine.file("stack.yml", &text);
    machine.file("settings", "server {\n    location / { proxy_pass http://api:9000; }\n}\n");
    let report = machine.doctor(&[&machine.path("stack.yml")]);
    report.assert_found("rule-8", "warning", "one: settings:2 has nginx look api:9000 up once", "resolver 127.0.0.11");
    machine.file("settings", "server {\n    location / { set $to http://api:9000; proxy_pass $to; }\n}\n");
    assert_eq!(machine.doctor(&[&machine.path("stack.yml")]).verdict("rule-8"), "fine");
}

#[test]
fn one_nginx_is_one_way_in() {
    let (_, report) = doctor(&GOOD.replace("one:1", "nginx:1").replace("replicas: 2", "replicas: 1"));
    report.assert_found("rule-9", "warning", "one nginx is the only way in", "mode: global");
}

#[test]
fn a_secret_of_compose_that_the_program_cannot_read_is_found() {
    let mut machine = Machine::healthy();
    machine.file("stack.yml", &GOOD.replace("- { source: word, uid: \"1000\", mode: 0400 }", "- word"));
    let look = |machine: &Machine| machine.doctor(&[&machine.path("stack.yml")]);
    assert_eq!(look(&machine).verdict("secret-files"), "unknown");
    machine.file("word", "secret");
    let set_mode = |mode| fs::set_permissions(machine.path("word"), fs::Permissions::from_mode(mode)).unwrap();
    // Of nobody but its owner, who may happen to be the program's user.
    set_mode(0o000);
    look(&machine).assert_found("secret-files", "error", "with mode 0, and one runs as user 1000", "chmod o+r ");
    set_mode(0o444);
    assert_eq!(look(&machine).verdict("secret-files"), "fine");
}

#[test]
fn a_label_that_a_node_has_is_fine_and_without_a_swarm_it_is_not_known() {
    let text = GOOD.replace("{ preferences: [", "{ constraints: [node.labels.redis==primary], preferences: [");
    let (mut machine, report) = doctor(&text);
    assert_eq!(report.verdict("rule-17-labels"), "fine", "{:#}", report.json);
    machine.answer("node-ls.error", "Error response from daemon: This node is not a swarm manager.");
    let report = machine.doctor(&[&machine.path("stack.yml")]);
    let why = report.check("rule-17-labels")["why"].as_str().unwrap();
    assert!(why.contains("not a swarm manager"), "{why}");
}

#[test]
fn what_several_services_have_in_common_is_one_finding() {
    let text = "services:\n  one: &one { image: one, restart: always }\n  two: { <<: *one }\n  three: { image: one }\n";
    let (_, report) = doctor(text);
    assert_eq!(report.findings("rule-20").len(), 1, "{:#}", report.check("rule-20"));
    report.assert_found("rule-20", "warning", "one, two, three: one has no version", "");
    report.assert_found("rule-16-ignored", "warning", "restart of one, two is ignored", "");
}

#[test]
fn a_service_that_is_added_to_is_not_held_against_the_rules() {
    let (_, report) = doctor("services:\n  one: { environment: { A: b } }\n");
    assert_eq!(report.found(), BTreeSet::new(), "{:#}", report.json);
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let machine = Machine::healthy();
    let report = machine.doctor(&["nothing.yml"]);
    report.assert_found("file", "error", "it cannot be read: No such file", "");
    assert_eq!((report.code, report.verdict("rule-1")), (Some(2), "skipped"));
}

/// Looks at one of our own files.
fn ours(name: &str) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let mut machine = Machine::healthy();
    machine.answer("node-ls.error", "Error response from daemon: This node is not a swarm manager.");
    machine.doctor(&[path.to_str().unwrap()])
}

#[test]
fn our_stack_keeps_all_rules() {
    for name in ["stack.yml", "deploy/replica.yml"] {
        let report = ours(name);
        assert_eq!((report.code, report.found()), (Some(0), BTreeSet::new()), "{name}: {:#}", report.json);
    }
}

#[test]
fn our_compose_files_for_both_have_no_errors() {
    for name in ["docker-compose.yml", "deploy/classroom/docker-compose.yml"] {
        let report = ours(name);
        assert_eq!((report.code, &report.json["errors"]), (Some(0), &Value::from(0)), "{name}: {:#}", report.json);
    }
    let report = ours("docker-compose.yml");
    let ignored = report.findings("rule-16-ignored").iter().map(|finding| finding["found"].as_str().unwrap());
    let keys: BTreeSet<_> = ignored.map(|found| found.split(' ').next().unwrap()).collect();
    assert_eq!(keys, ["build", "depends_on", "security_opt"].into());
}

#[test]
fn our_file_for_compose_alone_is_refused_as_it_says() {
    ours("docker-compose.override.yml").assert_found("rule-16-refused", "error", "pull_policy of services", "leave it");
}
