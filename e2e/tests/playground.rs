//! `deploy/playground`: five machines on this one, and pages that are followed there.
#![expect(clippy::print_stdout, reason = "the report of a test")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, ensure};
use e2e::{
    engine::{Engine, output_of},
    images,
    machine::Machines,
    mesh,
    page::{self, Step},
    story::{Story, Surroundings},
    tutorial::go_on,
};
use tempfile::TempDir;

const MACHINES: [&str; 5] = ["pi1", "pi2", "pi3", "pi4", "pi5"];

/// Where the page of the cluster puts its registry, on the first machine.
const REGISTRY_PORT: u16 = 5001;

const LABEL: &str = "label=swarmyard.playground";

/// It has ports of this machine's.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A turn, in which there is no playground before and after.
struct Playground<'a> {
    _turn: MutexGuard<'a, ()>,
    /// For a file that stands in for virtual addresses, where the kernel has none.
    folder: TempDir,
}

impl Playground<'_> {
    fn none_yet() -> Result<Self> {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        playground(&["down"])?;
        Ok(Self { _turn: turn, folder: TempDir::with_prefix("swarmyard-")? })
    }

    fn follow(&self, page: &str) -> Result<()> {
        self.follow_all(&[page::open(page)?])
    }

    /// One after the other, on the same machines.
    fn follow_all(&self, pages: &[(PathBuf, Vec<Step>)]) -> Result<()> {
        let machines = Machines::of_playground(&MACHINES)?;
        let mut story = Story::new(&machines, self);
        pages.iter().try_for_each(|(page, steps)| go_on(&mut story, page, steps))
    }

    /// Makes machines for the page of the cluster.
    fn up_for_the_cluster() -> Result<Self> {
        images::build()?;
        let here = Self::none_yet()?;
        playground(&["up", "--no-swarm"])?;
        println!("{}", playground(&["load", "registry:2", "redis:8-alpine", "nginx:1-alpine"])?);
        for machine in MACHINES {
            lead_to_registry(machine)?;
        }
        Ok(here)
    }
}

impl Drop for Playground<'_> {
    fn drop(&mut self) {
        // What stays is found, and removed, by the next.
        let _ = playground(&["down"]);
    }
}

impl Surroundings for Playground<'_> {
    fn adapt(&self, command: &str) -> Result<String> {
        if mesh::kernel_has_ipvs() {
            return Ok(command.to_owned());
        }
        let file = mesh::write_producer_round_robin(self.folder.path())?;
        let name = file.file_name().context("a file has a name")?.to_string_lossy();
        if command.contains("deploy/scripts/deploy.sh") {
            scp(&file, MACHINES[0])?;
        }
        // In addition to what the settings name.
        let files = "sed -n 's/^STACK_FILE=//p' deploy/.env | grep . || echo stack.yml";
        let deploy = format!("STACK_FILE=$({files}):{name} deploy/scripts/deploy.sh");
        mesh::adapt(&command.replace("deploy/scripts/deploy.sh", &deploy), &file)
    }

    fn strip(&self, lines: &str) -> Result<Vec<String>> {
        mesh::without_mesh(lines)
    }

    fn switch(&self, machine: &str, is_on: bool) -> Result<()> {
        playground(&[if is_on { "on" } else { "off" }, machine])?;
        if is_on { lead_to_registry(machine) } else { Ok(()) }
    }
}

fn program(name: &str) -> Command {
    let mut command = Command::new(images::root().join("deploy/playground").join(name));
    command.stdin(Stdio::null());
    command
}

fn playground(arguments: &[&str]) -> Result<String> {
    output_of(program("playground").args(arguments))
}

fn on(machine: &str, command: &str) -> Result<String> {
    output_of(program("bin/ssh").args([machine, command]))
}

fn scp(file: &Path, machine: &str) -> Result<()> {
    output_of(program("bin/scp").arg(file).arg(format!("{machine}:"))).map(drop)
}

/// Where the kernel has no routing mesh, the others' traffic to the registry is led to the first machine.
fn lead_to_registry(machine: &str) -> Result<()> {
    if mesh::kernel_has_ipvs() || machine == MACHINES[0] {
        return Ok(());
    }
    let address = on(MACHINES[0], "hostname -i")?;
    on(machine, &mesh::leading_traffic(&address, REGISTRY_PORT)).map(drop)
}

/// What `docker` knows of these kinds, one to a line.
fn known(kinds: &[&[&str]]) -> Result<Vec<String>> {
    let lists = kinds.iter().map(|kind| Engine::local().docker(kind));
    Ok(lists.collect::<Result<Vec<_>>>()?.iter().flat_map(|list| list.lines()).map(str::to_owned).collect())
}

#[test]
fn every_command_of_the_playground_page_does_what_the_page_says() -> Result<()> {
    Playground::none_yet()?.follow("docs/playground.md")
}

#[test]
fn the_page_of_the_cluster_is_followed_unchanged() -> Result<()> {
    Playground::up_for_the_cluster()?.follow("docs/cluster.md")
}

#[test]
fn the_lesson_and_then_the_operations_page_go_on_where_that_page_has_deployed_everything() -> Result<()> {
    let pages = [deployed()?, page::open("docs/teaching.md")?, page::open("docs/operations.md")?];
    Playground::up_for_the_cluster()?.follow_all(&pages)
}

/// The page of the cluster, as far as everything is deployed.
fn deployed() -> Result<(PathBuf, Vec<Step>)> {
    let (cluster, mut steps) = page::open("docs/cluster.md")?;
    let text = fs::read_to_string(&cluster)?;
    let deployed = text.lines().position(|line| line.starts_with("## 6. ")).context("there is no part 6")?;
    steps.retain(|step| step.line <= deployed);
    Ok((cluster, steps))
}

#[test]
fn every_page_that_needs_several_machines_says_that_this_is_one_way() -> Result<()> {
    let mut found = 0;
    for entry in fs::read_dir(images::root().join("docs"))? {
        let path = entry?.path();
        let is_page = path.extension().is_some_and(|extension| extension == "md");
        if !is_page || path.ends_with("playground.md") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let elsewhere =
            |step: &&page::Step| matches!(&step.action, page::Action::Type { machine, .. } if machine != page::LAPTOP);
        if let Some(first) = page::read(&text)?.iter().find(elsewhere) {
            found += 1;
            let mut before = text.lines().take(first.line);
            let said = before.any(|line| line.starts_with("**On machines, or in [the playground](playground.md).**"));
            ensure!(said, "{}: line {}: on which machines?", path.display(), first.line);
        }
    }
    ensure!(found >= 3, "only {found} pages need several machines");
    Ok(())
}

#[test]
fn nothing_stays_but_the_image_that_was_pulled() -> Result<()> {
    let _here = Playground::none_yet()?;
    let lists: [&[&str]; 3] = [
        &["ps", "--all", "--quiet", "--filter", LABEL],
        &["network", "ls", "--quiet", "--filter", LABEL],
        &["image", "ls", "--quiet", "swarmyard-playground"],
    ];
    ensure!(known(&lists)?.is_empty(), "there is a playground already");
    playground(&["up", "--port-offset", "20000"])?;
    let made = known(&lists)?;
    ensure!(made.len() == MACHINES.len() + 2, "{made:?}");
    let volume = "--format={{range .Mounts}}{{if eq .Type \"volume\"}}{{.Name}} {{end}}{{end}}";
    let volumes = Engine::local().docker(&[&["inspect", volume][..], &[&made[0], &made[1]]].concat())?;
    ensure!(!volumes.trim().is_empty(), "the machines have disks");

    playground(&["down"])?;
    ensure!(known(&lists)?.is_empty(), "something stays: {:?}", known(&lists)?);
    for volume in volumes.split_whitespace() {
        ensure!(Engine::local().docker(&["volume", "inspect", volume]).is_err(), "the disk {volume} stays");
    }
    Ok(())
}

#[test]
fn what_cannot_be_done_is_refused_and_half_a_playground_is_not_left() -> Result<()> {
    let _here = Playground::none_yet()?;
    let refused = |arguments: &[&str], code: i32, words: &str| -> Result<()> {
        let output = program("playground").args(arguments).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            output.status.code() == Some(code) && said.contains(words),
            "{arguments:?}: {:?} {said}",
            output.status
        );
        Ok(())
    };
    refused(&["off", "pi1"], 1, "there is no playground")?;
    refused(&["off", "pi9"], 2, "no machine is called pi9: there are pi1 ")?;
    refused(&["up", "--port-offset", "many"], 2, "--port-offset needs a number")?;
    refused(&["fly"], 2, "no such verb: fly")?;
    refused(&["load"], 2, "load needs the name of an image")?;

    // One of its ports is another's.
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let offset = taken.local_addr()?.port().checked_sub(8080).context("ports that are given begin above 8080")?;
    refused(&["up", "--port-offset", &offset.to_string()], 1, "up --port-offset")?;
    let left =
        known(&[&["ps", "--all", "--quiet", "--filter", LABEL], &["network", "ls", "--quiet", "--filter", LABEL]])?;
    ensure!(left.is_empty(), "it left {left:?}");
    Ok(())
}

#[test]
fn ssh_and_scp_to_other_machines_are_the_real_ones() -> Result<()> {
    let folder = TempDir::with_prefix("swarmyard-")?;
    for name in ["ssh", "scp"] {
        let real = folder.path().join(name);
        fs::write(&real, format!("#!/bin/sh\necho real {name} \"$@\"\n"))?;
        output_of(Command::new("chmod").arg("+x").arg(&real))?;
        let ours = images::root().join("deploy/playground/bin");
        let path = format!("{}:{}:{}", ours.display(), folder.path().display(), std::env::var("PATH")?);
        for arguments in [&["a.txt", "elsewhere:"][..], &["-v", "elsewhere"], &["elsewhere", "ls", "/a b"]] {
            let said = output_of(program(&format!("bin/{name}")).args(arguments).env("PATH", &path))?;
            ensure!(said == format!("real {name} {}", arguments.join(" ")), "{said}");
        }
    }
    Ok(())
}

#[test]
fn images_are_copied_over_ssh_without_a_registry() -> Result<()> {
    images::build()?;
    let _here = Playground::none_yet()?;
    playground(&["up", "--no-swarm", "--port-offset", "20000"])?;
    let bin = images::root().join("deploy/playground/bin");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH")?);
    let copy = |arguments: &[&str]| {
        let mut copy = Command::new(images::root().join("deploy/scripts/copy-images.sh"));
        copy.args(arguments).env("PATH", &path).env_remove("REGISTRY").env_remove("TAG").output()
    };
    let copied = copy(&["pi1", "root@pi2"])?;
    ensure!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    for machine in ["pi1", "pi2"] {
        for image in ["producer", "consumer", "chat-node", "miner", "api", "webui", "backup"] {
            on(machine, &format!("docker image inspect {image}:latest"))?;
        }
    }
    on("pi1", "docker run --rm producer:latest --version")?;

    // The others get theirs when one is away.
    playground(&["off", "pi3"])?;
    let copied = copy(&["pi3", "pi4", "--", "redis:8-alpine"])?;
    let said = String::from_utf8_lossy(&copied.stderr).into_owned();
    ensure!(copied.status.code() == Some(1) && said.contains("pi3 did not get them"), "{:?} {said}", copied.status);
    on("pi4", "docker image inspect redis:8-alpine")?;
    let copied = copy(&["pi4", "--", "nothing:here"])?;
    let said = String::from_utf8_lossy(&copied.stderr).into_owned();
    ensure!(copied.status.code() == Some(1) && said.contains("nothing:here is not here"), "{:?} {said}", copied.status);
    Ok(())
}
