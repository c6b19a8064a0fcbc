//! Producer and consumer with Docker Compose on one engine.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use e2e::{
    compose::Project,
    engine::{Engine, output_of},
    wait,
};

const LIMIT: Duration = Duration::from_mins(1);

/// What the consumer has printed so far.
fn lines(project: &Project) -> Result<Vec<String>> {
    let log = project.compose(&["logs", "--no-log-prefix", "consumer"])?;
    // Logs go to stderr, and Compose shows both.
    Ok(log
        .lines()
        .filter(|line| line.starts_with("Received") || line.starts_with("Error"))
        .map(str::to_owned)
        .collect())
}

/// Waits until the consumer prints a line that starts so, after those it has printed already.
fn next_line(project: &Project, start: &str) -> Result<String> {
    let before = lines(project)?.len();
    wait::until(LIMIT, || {
        let lines = lines(project)?;
        let line = lines.iter().skip(before).find(|line| line.starts_with(start));
        line.cloned().with_context(|| format!("no line {start:?} in {:?}", &lines[before..]))
    })
}

/// Asks the published port.
fn get(project: &Project, path: &str) -> Result<String> {
    let mut connection = TcpStream::connect(project.address("producer", "5000")?)?;
    write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn the_consumer_prints_numbers_and_the_producer_answers_outside() -> Result<()> {
    let project = Project::new("numbers", &[])?;
    project.compose(&["up", "--detach", "consumer"])?;
    let line = next_line(&project, "Received number: ")?;
    let number: u8 = line["Received number: ".len()..].parse()?;
    ensure!((1..=180).contains(&number), "{line}");
    let answer = get(&project, "/number")?;
    ensure!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("{\"number\":"), "{answer}");
    Ok(())
}

#[test]
fn the_usual_pause_between_two_numbers_is_three_seconds() -> Result<()> {
    let project = Project::new("pause", &[])?;
    project.compose(&["up", "--detach", "consumer"])?;
    wait::until(LIMIT, || {
        let received = lines(&project)?.iter().filter(|line| line.starts_with("Received")).count();
        ensure!(received >= 4, "only {received} numbers");
        Ok(())
    })?;
    let id = project.compose(&["ps", "--quiet", "consumer"])?;
    // Docker's times are text that sorts and subtracts only with a library; `date` is one.
    let log = Engine::local().docker(&["logs", "--timestamps", &id])?;
    let mut times = Vec::new();
    for line in log.lines().filter(|line| line.contains("Received number")) {
        let time = line.split_whitespace().next().context("docker logs gives a time")?;
        times.push(output_of(Command::new("date").args(["+%s.%N", "--date", time]))?.parse::<f64>()?);
    }
    for pair in times.windows(2) {
        ensure!(pair[1] - pair[0] >= 2.9, "{} s from one to the next", pair[1] - pair[0]);
    }
    println!("seconds between numbers: {:?}", times.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn a_chosen_port_is_the_one_that_is_published() -> Result<()> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let project = Project::new("port", &[("PRODUCER_PORT", &port)])?;
    project.compose(&["up", "--detach", "producer"])?;
    ensure!(project.compose(&["port", "producer", "5000"])?.ends_with(&format!(":{port}")));
    wait::until(LIMIT, || {
        let answer = get(&project, "/number")?;
        ensure!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        Ok(())
    })
}

#[test]
fn a_stop_is_orderly_for_every_container() -> Result<()> {
    let project = Project::new("stop", &[])?;
    project.compose(&["up", "--detach", "consumer"])?;
    next_line(&project, "Received number: ")?;
    project.stop()?;
    let start = Instant::now();
    project.compose(&["up", "--detach", "consumer"])?;
    project.compose(&["down"])?;
    println!("up and down in {:.1} s", start.elapsed().as_secs_f32());
    ensure!(project.containers()?.is_empty());
    Ok(())
}

#[test]
fn the_consumer_outlives_a_producer_that_is_killed_and_comes_back() -> Result<()> {
    let project = Project::new("kill", &[("POLL_INTERVAL", "200ms")])?;
    project.compose(&["up", "--detach", "--no-deps", "consumer"])?;
    next_line(&project, "Error fetching the number: name producer not found")?;
    project.compose(&["up", "--detach", "producer"])?;
    next_line(&project, "Received number: ")?;
    project.compose(&["kill", "producer"])?;
    next_line(&project, "Error fetching the number: ")?;
    project.compose(&["start", "producer"])?;
    next_line(&project, "Received number: ")?;
    Ok(())
}

#[test]
fn polls_reach_all_three_producers_of_one_name() -> Result<()> {
    let project = Project::new("three", &[("POLL_INTERVAL", "50ms"), ("SHOW_SERVED_BY", "true")])?;
    project.compose(&["up", "--detach", "--scale=producer=3", "consumer"])?;
    let producers: BTreeSet<String> =
        project.compose(&["ps", "--quiet", "producer"])?.lines().map(|id| id[..12].to_owned()).collect();
    ensure!(producers.len() == 3, "{producers:?}");
    wait::until(LIMIT, || {
        let lines = lines(&project)?;
        let from = lines.iter().filter_map(|line| line.split(" (from ").nth(1)?.strip_suffix(')'));
        let answered: BTreeSet<String> = from.map(str::to_owned).collect();
        ensure!(answered == producers, "{answered:?} of {producers:?} answered");
        Ok(())
    })
}

#[test]
fn the_programs_run_as_nobody_in_particular_without_capabilities_on_a_read_only_disk() -> Result<()> {
    let project = Project::new("hardened", &[])?;
    project.compose(&["up", "--detach", "consumer"])?;
    next_line(&project, "Received number: ")?;
    project.ensure_is_hardened(&["Uid:\t10001\t10001\t10001\t10001", "CapBnd:\t0000000000000000"])
}

#[test]
fn both_containers_become_healthy() -> Result<()> {
    let project = Project::new("healthy", &[])?;
    project.compose(&["up", "--detach", "consumer"])?;
    wait::until(LIMIT, || {
        let health = project.compose(&["ps", "--format={{.Service}} {{.Health}}"])?;
        let mut health: Vec<_> = health.lines().collect();
        health.sort_unstable();
        ensure!(health == ["consumer healthy", "producer healthy"], "{health:?}");
        Ok(())
    })
}
