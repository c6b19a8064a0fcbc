//! `stack.yml` as the stack `yard` on virtual machines, deployed by `deploy.sh`.

use std::{collections::BTreeSet, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use e2e::{
    engine::{Engine, output_of},
    images,
    virtual_machines::{Node, VirtualMachines},
    wait,
};
use tempfile::TempDir;

/// Longest wait for anything that happens on machines whose processors are emulated.
const LIMIT: Duration = Duration::from_mins(15);

/// A machine counts as lost after three of these. It is 5 s elsewhere, for which emulated processors may be too busy:
/// with 20 s, machines that lived were given up, and everything on them began anew elsewhere.
const HEARTBEAT: &str = "60s";

/// Between two looks at the Swarm, whose manager has other things to do as well.
const PAUSE: Duration = Duration::from_secs(1);

/// A task that runs, and is meant to.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Task {
    /// Without the stack's name.
    pub(crate) service: String,
    /// The machine.
    pub(crate) node: String,
}

/// The stack, and its machines.
pub(crate) struct Yard {
    pub(crate) machines: VirtualMachines,
    /// Passwords that end with the test.
    secrets: TempDir,
}

impl Yard {
    /// Machines of these architectures, on which nothing runs yet.
    pub(crate) fn prepare(architectures: &[&str]) -> Result<Self> {
        let secrets = TempDir::with_prefix("swarmyard-secrets-")?;
        let yard = Self { machines: VirtualMachines::up(architectures)?, secrets };
        yard.docker(&["swarm", "update", "--dispatcher-heartbeat", HEARTBEAT])?;
        Ok(yard)
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        self.machines.nodes()
    }

    /// The machine that manages the others.
    pub(crate) fn manager(&self) -> Result<&Engine> {
        Ok(&self.nodes().first().context("a Swarm has a manager")?.engine)
    }

    /// Deploys, with these of `stack.yml`'s variables, and waits as long as `deploy.sh` does.
    pub(crate) fn deploy(&self, settings: &[(&str, &str)]) -> Result<()> {
        let mut deploy = Command::new(images::root().join("deploy/scripts/deploy.sh"));
        deploy.args(["-s", "yard"]).env("DOCKER_HOST", self.manager()?.host().context("a machine has an address")?);
        let files = ["stack.yml", "e2e/tests/machines/patient.yml"].map(|file| images::root().join(file));
        deploy.env("STACK_FILE", std::env::join_paths(files)?);
        deploy.env("SECRETS_DIR", self.secrets.path()).env("DEPLOY_TIMEOUT", LIMIT.as_secs().to_string());
        output_of(deploy.envs(settings.iter().copied())).map(drop)
    }

    /// Runs `docker ARGUMENTS` at the manager.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Result<String> {
        self.manager()?.docker(arguments)
    }

    /// Sets or, without a value, removes a label of a machine.
    pub(crate) fn label(&self, node: &Node, label: &str, value: Option<&str>) -> Result<()> {
        let change = match value {
            Some(value) => ["--label-add".to_owned(), format!("{label}={value}")],
            None => ["--label-rm".to_owned(), label.to_owned()],
        };
        self.docker(&["node", "update", &change[0], &change[1], &node.name]).map(drop)
    }

    /// All tasks that run, and are meant to.
    pub(crate) fn tasks(&self) -> Result<Vec<Task>> {
        let format = "--format={{.Name}} {{.Node}} {{.CurrentState}}";
        let tasks = self.docker(&["stack", "ps", "--filter=desired-state=running", format, "yard"])?;
        let task = |line: &str| {
            let mut words = line.split(' ');
            let service = words.next()?.strip_prefix("yard_")?.split('.').next()?.to_owned();
            let node = words.next()?.to_owned();
            (words.next()? == "Running").then_some(Task { service, node })
        };
        Ok(tasks.lines().filter_map(task).collect())
    }

    /// The machines on which a service runs, one for each task.
    pub(crate) fn nodes_of(&self, service: &str) -> Result<Vec<String>> {
        Ok(self.tasks()?.into_iter().filter(|task| task.service == service).map(|task| task.node).collect())
    }

    /// Waits until so many tasks of each of these services run, and none of them on another machine than these.
    pub(crate) fn until_they_run(&self, services: &[(&str, usize)], nodes: &[Node]) -> Result<()> {
        let names: BTreeSet<_> = nodes.iter().map(|node| &node.name).collect();
        until(|| {
            let tasks = self.tasks()?;
            for (service, count) in services {
                let on: Vec<_> = tasks.iter().filter(|task| task.service == *service).map(|task| &task.node).collect();
                ensure!(on.len() == *count && on.iter().all(|node| names.contains(node)), "{service} runs on {on:?}");
            }
            Ok(())
        })
    }

    /// Waits until the update of a service that has just begun is over. One that is taken back never is.
    pub(crate) fn until_updated(&self, service: &str) -> Result<()> {
        until(|| {
            let name = format!("yard_{service}");
            let state = self.docker(&["service", "inspect", "--format={{.UpdateStatus.State}}", &name])?;
            ensure!(state == "completed", "the update of {service} is {state}");
            Ok(())
        })
    }
}

/// Waits until a look finds what it looks for.
pub(crate) fn until<T>(mut look: impl FnMut() -> Result<T>) -> Result<T> {
    wait::until(LIMIT, || look().inspect_err(|_| std::thread::sleep(PAUSE)))
}
