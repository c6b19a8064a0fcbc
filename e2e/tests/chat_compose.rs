//! Three chat nodes with Docker Compose on one engine.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use e2e::{compose::Project, engine::output_of, images, wait};

const LIMIT: Duration = Duration::from_mins(1);

const NODES: [&str; 3] = ["node1", "node2", "node3"];

const HEARTBEAT: &str = r#"<?xml version="1.0"?><methodCall><methodName>heartbeat</methodName></methodCall>"#;
const ROOMS: &str = r#"<?xml version="1.0"?><methodCall><methodName>get_hosted_rooms</methodName></methodCall>"#;

/// Starts the three nodes, and waits until they are healthy.
fn up(test: &str, settings: &[(&'static str, &str)]) -> Result<Project> {
    let project = Project::new(&format!("chat-{test}"), settings)?;
    project.compose(&["up", "--detach", "--wait", "node1", "node2", "node3"])?;
    Ok(project)
}

/// Calls a node by XML-RPC as the deployment guide does.
fn call(project: &Project, node: &str, body: &str) -> Result<String> {
    let url = format!("http://{}", project.address(node, "9090")?);
    let arguments = ["-sS", "--max-time", "10", "-X", "POST", &url, "-H", "Content-Type: text/xml", "-d", body];
    output_of(Command::new("curl").args(arguments))
}

/// `chat-client COMMAND` at a node.
fn client(project: &Project, command: &str, node: &str, arguments: &[&str]) -> Result<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--locked", "--package", "chat-client", "--", command]).args([
        "--address",
        &project.address(node, "8080")?,
        "--room",
        "lobby",
    ]);
    output_of(cargo.args(arguments).current_dir(images::root()))
}

#[test]
fn every_node_answers_the_guides_heartbeat_and_reaches_every_other() -> Result<()> {
    let project = up("heartbeat", &[])?;
    let services = project.compose(&["ps", "--services"])?;
    ensure!(services.lines().eq(NODES), "more or less than the three nodes runs: {services}");
    for node in NODES {
        let answer = call(&project, node, HEARTBEAT)?;
        ensure!(
            answer.contains("<string>ok</string>") && answer.contains(&format!("<string>{node}</string>")),
            "{answer}"
        );
        for other in NODES {
            let url = format!("http://{other}:9090");
            let answer = project.compose(&["exec", node, "/chat-node", "heartbeat", &url])?;
            ensure!(answer.contains(&format!(r#""node_id":"{other}","status":"ok""#)), "{answer}");
        }
        let page = output_of(Command::new("curl").args(["-sS", &project.address(node, "8080")?]))?;
        ensure!(page.contains("<html"), "{page}");
    }
    Ok(())
}

#[test]
fn what_is_said_at_one_node_is_read_at_all() -> Result<()> {
    let project = up("talk", &[])?;
    client(&project, "send", "node1", &["--username=alice", "--create", "one"])?;
    client(&project, "send", "node2", &["--username=bob", "two"])?;
    client(&project, "send", "node3", &["--username=carol", "three"])?;
    for node in NODES {
        let lines = client(&project, "tail", node, &["--lines=3"])?;
        let said: Vec<_> = lines.lines().filter_map(|line| line.split_once("  ").map(|(_, said)| said)).collect();
        ensure!(said == ["alice: one", "bob: two", "carol: three"], "at {node}: {lines}");
    }
    Ok(())
}

#[test]
fn rooms_are_in_memory_unless_they_are_kept_in_a_volume() -> Result<()> {
    for (test, settings, kept) in [("memory", &[][..], false), ("volume", &[("CHAT_DATA_DIR", "/data")][..], true)] {
        let project = up(test, settings)?;
        client(&project, "send", "node1", &["--username=alice", "--create", "before"])?;
        project.compose(&["kill", "node1"])?;
        project.compose(&["up", "--detach", "--wait", "node1"])?;
        let rooms = call(&project, "node1", ROOMS)?;
        ensure!(rooms.contains("<string>lobby</string>") == kept, "{test}: {rooms}");
        if kept {
            // A new container finds it as well.
            project.compose(&["up", "--detach", "--wait", "--force-recreate", "node1"])?;
            let sent = client(&project, "send", "node3", &["--username=bob", "--json", "after"])?;
            ensure!(sent.contains(r#""sequence_number":2"#), "{sent}");
            let lines = client(&project, "tail", "node2", &["--lines=2"])?;
            ensure!(lines.contains("alice: before") && lines.contains("bob: after"), "{lines}");
        }
    }
    Ok(())
}

#[test]
fn with_a_secret_only_the_nodes_call_each_other() -> Result<()> {
    let project = up("secret", &[("CLUSTER_SECRET", "open-sesame")])?;
    let refused = call(&project, "node1", ROOMS)?;
    ensure!(refused.contains("cluster secret is missing or wrong"), "{refused}");
    ensure!(call(&project, "node1", HEARTBEAT)?.contains("<string>ok</string>"));
    client(&project, "send", "node1", &["--username=alice", "--create", "one"])?;
    ensure!(client(&project, "tail", "node3", &["--lines=1"])?.ends_with("alice: one"));
    Ok(())
}

#[test]
fn a_stop_is_orderly_for_every_node() -> Result<()> {
    let project = up("stop", &[("CHAT_DATA_DIR", "/data")])?;
    project.stop()
}

#[test]
fn the_nodes_run_as_nobody_in_particular_without_capabilities_on_a_read_only_disk() -> Result<()> {
    let project = up("hardened", &[])?;
    project.ensure_is_hardened(&["Uid:\t10001\t10001\t10001\t10001"])
}

#[test]
fn a_crashed_node_is_noticed_and_its_members_are_gone() -> Result<()> {
    let project = up("crash", &[("HEARTBEAT_INTERVAL", "500ms")])?;
    client(&project, "send", "node1", &["--username=alice", "--create", "one"])?;
    let mut carol = Command::new(env!("CARGO"));
    carol.args(["run", "--quiet", "--locked", "--package", "chat-client", "--", "tail", "--room=lobby"]);
    carol.args(["--address", &project.address("node3", "8080")?, "--username=carol"]).current_dir(images::root());
    let carol = e2e::running::Running::start(&mut carol)?;
    let members = |count: u32| {
        wait::until(LIMIT, || {
            let url = format!("http://{}/metrics", project.address("node1", "9090")?);
            let metrics = output_of(Command::new("curl").args(["-sS", &url]))?;
            ensure!(metrics.lines().any(|line| line == format!("chat_members {count}")), "{metrics}");
            Ok(())
        })
    };
    members(1)?;
    project.compose(&["kill", "node3"])?;
    let start = Instant::now();
    members(0)?;
    println!("gone after {:.1} s", start.elapsed().as_secs_f32());
    drop(carol);
    Ok(())
}
