//! Producer and consumer on a Swarm of three machines: what a learner breaks there, and what must go on.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use anyhow::{Result, ensure};
use e2e::{
    engine::{Engine, output_of},
    images,
    stack::Stack,
    wait,
};

/// Two clusters at once would measure each other's load.
static ONE_CLUSTER_AT_A_TIME: Mutex<()> = Mutex::new(());

const SETTLE_LIMIT: Duration = Duration::from_secs(90);
const NODES: [&str; 3] = ["manager", "worker1", "worker2"];
const CONSUMERS: usize = 6;

#[test]
fn a_rolling_update_of_three_producers_costs_no_consumer_a_number() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let numbers = Numbers::deploy()?;
    let start = SystemTime::now();
    let first = wait::until(SETTLE_LIMIT, || {
        let polls = numbers.polls_since(start)?;
        ensure!(polls.from("myapp_producer").len() == 3, "{:?} answer", polls.replicas());
        Ok(polls)
    })?;
    ensure!(first.errors.is_empty(), "before the update: {:?}", first.errors);

    numbers.manager.docker(&[
        "service",
        "update",
        "--quiet",
        "--image=producer:next",
        "--env-add=SERVED_BY=next.{{.Task.Slot}}",
        "myapp_producer",
    ])?;
    wait::until(SETTLE_LIMIT, || {
        ensure!(!numbers.runs("producer:latest")?, "the version before still runs");
        let polls = numbers.polls_since(SystemTime::now() - Duration::from_secs(2))?;
        ensure!(polls.from("next").len() == 3, "{:?} answer", polls.replicas());
        ensure!(polls.from("myapp_producer").is_empty(), "{:?} answer", polls.replicas());
        Ok(())
    })?;

    let last = numbers.polls_since(start)?;
    println!("{} polls, answered by {:?}", last.received, last.replicas());
    ensure!(last.errors.is_empty(), "{} polls of {} failed: {:?}", last.errors.len(), last.received, last.errors);
    ensure!(last.received > 300, "only {} polls prove little", last.received);
    Ok(())
}

#[test]
fn when_a_node_loses_power_its_tasks_run_elsewhere_and_the_consumers_go_on() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let numbers = Numbers::deploy()?;
    let lost = numbers.stack.cluster().node("worker2")?;
    ensure!(numbers.tasks()?.iter().any(|task| task.ends_with(lost.name())), "nothing runs on {}", lost.name());

    lost.cut_power()?;
    let cut = SystemTime::now();
    wait::until(SETTLE_LIMIT, || {
        let tasks = numbers.tasks()?;
        ensure!(tasks.len() == 3 + CONSUMERS, "{tasks:?} run");
        ensure!(!tasks.iter().any(|task| task.ends_with(lost.name())), "{tasks:?} run");
        Ok(())
    })?;
    println!("moved after {:.1} s", cut.elapsed()?.as_secs_f32());

    wait::until(SETTLE_LIMIT, || {
        let polls = numbers.polls_since(SystemTime::now() - Duration::from_secs(2))?;
        ensure!(polls.consumers.len() == CONSUMERS, "only {:?} print", polls.consumers);
        ensure!(polls.errors.is_empty(), "{:?}", polls.errors);
        ensure!(polls.from("myapp_producer").len() == 3, "only {:?} answer", polls.replicas());
        Ok(())
    })?;
    println!("all is well after {:.1} s", cut.elapsed()?.as_secs_f32());
    Ok(())
}

/// Three producers, and consumers that poll every 50 ms, on three machines.
struct Numbers {
    stack: Stack,
    manager: Engine,
}

impl Numbers {
    /// Deploys `docker-compose.yml`, and waits until every consumer gets numbers.
    fn deploy() -> Result<Self> {
        build_next()?;
        let consumers = CONSUMERS.to_string();
        let settings = [
            ("PRODUCER_REPLICAS", "3"),
            ("CONSUMER_REPLICAS", &*consumers),
            ("POLL_INTERVAL", "50ms"),
            ("SHOW_SERVED_BY", "true"),
            // Names are looked up anew for each poll: two seconds are plenty to forget a replica.
            ("DRAIN_DELAY", "2s"),
        ];
        let stack = Stack::deploy(&NODES, &["producer:next"], &settings)?;
        let manager = stack.engine()?;
        let numbers = Self { stack, manager };
        wait::until(SETTLE_LIMIT, || {
            let tasks = numbers.tasks()?;
            ensure!(tasks.len() == 3 + CONSUMERS, "only {tasks:?} run");
            let polls = numbers.polls_since(SystemTime::now() - Duration::from_secs(1))?;
            ensure!(polls.consumers.len() == CONSUMERS && polls.errors.is_empty(), "{polls:?}");
            Ok(())
        })?;
        Ok(numbers)
    }

    /// The producers and consumers that run, as `NAME STATE NODE`.
    fn tasks(&self) -> Result<Vec<String>> {
        self.stack.running(&["producer", "consumer"])
    }

    /// Whether a task with this image runs, even one that is on its way out.
    fn runs(&self, image: &str) -> Result<bool> {
        let tasks = self.manager.docker(&["stack", "ps", "--format={{.Image}} {{.CurrentState}}", "myapp"])?;
        Ok(tasks.lines().any(|task| task.starts_with(&format!("{image} Running"))))
    }

    /// What the running consumers have printed since then.
    fn polls_since(&self, since: SystemTime) -> Result<Polls> {
        let since = since.duration_since(SystemTime::UNIX_EPOCH)?;
        let since = format!("--since={}.{:09}", since.as_secs(), since.subsec_nanos());
        let list = ["service", "ps", "--quiet", "--filter=desired-state=running", "myapp_consumer"];
        let mut polls = Polls::default();
        // Asked for the service's log, Docker fails when a node of its past is away.
        for task in self.manager.docker(&list)?.lines() {
            for line in self.manager.docker(&["service", "logs", &since, task])?.lines() {
                polls.add(line);
            }
        }
        Ok(polls)
    }
}

/// What consumers have printed.
#[derive(Debug, Default)]
struct Polls {
    received: usize,
    errors: Vec<String>,
    /// The tasks that have received a number.
    consumers: BTreeSet<String>,
    /// The replicas that have given one.
    producers: BTreeSet<String>,
}

impl Polls {
    /// Adds a line such as `myapp_consumer.1.4xr0@worker1 | Received number: 73 (from next.2)`.
    fn add(&mut self, line: &str) {
        let Some((consumer, printed)) = line.split_once('|') else { return };
        if printed.contains("Error fetching") {
            self.errors.push(line.to_owned());
        } else if let Some((_, replica)) =
            printed.split_once("Received number: ").and_then(|(_, rest)| rest.split_once("(from "))
        {
            self.received += 1;
            self.consumers.insert(consumer.trim().to_owned());
            self.producers.insert(replica.trim_end_matches(')').to_owned());
        }
    }

    /// The replicas that call themselves so, without the number.
    fn from(&self, name: &str) -> Vec<&String> {
        self.producers.iter().filter(|replica| replica.split('.').next() == Some(name)).collect()
    }

    fn replicas(&self) -> &BTreeSet<String> {
        &self.producers
    }
}

/// Builds the images, and the producer's once more under the tag of its next version.
fn build_next() -> Result<()> {
    images::build()?;
    let mut build = Engine::local().command();
    build.args(["compose", "build", "--quiet", "producer"]).env("TAG", "next").current_dir(images::root());
    output_of(&mut build).map(drop)
}
