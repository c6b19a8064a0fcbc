//! The machines of a tutorial: the reader's laptop, which is this machine, and the nodes of a virtual
//! Swarm, whose network and engine a command is run with.
//!
//! Each has a folder in which commands start: the checkout on the laptop, an empty one on a node.
//! `ssh` and `scp` between them are small scripts, put first on the PATH.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{cluster::Node, images, page::LAPTOP};

/// The name that Compose gives to the checkout's containers, wherever the checkout is.
pub const PROJECT: &str = "swarmyard";

/// Settings of our Compose files: a page means their defaults unless it sets them.
const SETTINGS: [&str; 27] = [
    "REGISTRY",
    "TAG",
    "PRODUCER_PORT",
    "PRODUCER_REPLICAS",
    "CONSUMER_REPLICAS",
    "SHOW_SERVED_BY",
    "POLL_INTERVAL",
    "DRAIN_DELAY",
    "NODE1_WS_PORT",
    "NODE1_RPC_PORT",
    "NODE2_WS_PORT",
    "NODE2_RPC_PORT",
    "NODE3_WS_PORT",
    "NODE3_RPC_PORT",
    "CHAT_DATA_DIR",
    "CLUSTER_SECRET",
    "CHAOS_TOKEN",
    "HEARTBEAT_INTERVAL",
    "LOG_LEVEL",
    "API_PORT",
    "WEBUI_PORT",
    "MINING_SPEED",
    "DIFFICULTY",
    "MINER_REPLICAS",
    "WAY_IN_PORT",
    "SECRETS_DIR",
    "COMPOSE_FILE",
];

/// All machines of a story.
#[derive(Debug)]
pub struct Machines {
    folder: TempDir,
    search_path: String,
}

impl Machines {
    /// The laptop and these nodes.
    ///
    /// # Errors
    /// When the scripts cannot be written.
    pub fn new(nodes: &[Node]) -> Result<Self> {
        let (folder, scripts) = laptop()?;
        for node in nodes {
            let home = folder.path().join(node.name());
            fs::create_dir(&home)?;
            let host = node.engine().host().unwrap_or_default().to_owned();
            // Its process is another one after a power cut; the engine that knows it is this machine's.
            let process =
                format!("$(env -u DOCKER_HOST docker inspect --format '{{{{.State.Pid}}}}' '{}')", node.container());
            let enter =
                format!("export DOCKER_HOST='{host}' PROCESS={process}; exec nsenter --target $PROCESS --net --");
            write_script(&scripts.join(on(node.name())), &shell(&home, &enter))?;
        }
        // On a terminal, curl shows no progress.
        fs::write(folder.path().join(".curlrc"), "no-progress-meter\n")?;
        write_script(&scripts.join("ssh"), SSH)?;
        write_script(&scripts.join("scp"), SCP)?;
        let search_path = before_others(&[&scripts])?;
        Ok(Self { folder, search_path })
    }

    /// The laptop and these machines of `deploy/playground`, with the `ssh` and `scp` that it brings.
    ///
    /// # Errors
    /// When the scripts cannot be written.
    pub fn of_playground(names: &[&str]) -> Result<Self> {
        let (folder, scripts) = laptop()?;
        for name in names {
            write_script(&scripts.join(on(name)), &format!("#!/bin/bash\nexec ssh {name} \"set -o pipefail; $1\"\n"))?;
        }
        let search_path = before_others(&[&scripts, &images::root().join("deploy/playground/bin")])?;
        Ok(Self { folder, search_path })
    }

    /// The command line `line`, about to be typed on a machine.
    #[must_use]
    pub fn command(&self, machine: &str, line: &str) -> Command {
        let mut command = Command::new(self.folder.path().join("scripts").join(on(machine)));
        command.arg(line).env("PATH", &self.search_path).env("COMPOSE_PROJECT_NAME", PROJECT);
        command.env("MACHINES", self.folder.path()).env("CURL_HOME", self.folder.path());
        for setting in SETTINGS {
            command.env_remove(setting);
        }
        command
    }

    /// A folder for files of the story.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

/// A folder for a story, and in it one for scripts, with that of the laptop.
fn laptop() -> Result<(TempDir, PathBuf)> {
    let folder = TempDir::with_prefix("swarmyard-machines-")?;
    let scripts = folder.path().join("scripts");
    fs::create_dir(&scripts)?;
    // What stays in the foreground ends even when the test is killed.
    let enter = "exec setpriv --pdeathsig TERM --";
    write_script(&scripts.join(on(LAPTOP)), &shell(&images::root(), enter))?;
    Ok((folder, scripts))
}

/// The script that runs its argument in a folder, somewhere.
fn shell(start: &Path, enter: &str) -> String {
    format!("#!/bin/bash\ncd '{}' && {enter} bash -o pipefail -c \"$1\"\n", start.display())
}

/// The `PATH` with these folders first.
fn before_others(folders: &[&Path]) -> Result<String> {
    let before = std::env::var_os("PATH").context("there is a PATH")?;
    let folders = folders.iter().map(|folder| folder.to_path_buf()).chain(std::env::split_paths(&before));
    Ok(std::env::join_paths(folders)?.to_string_lossy().into_owned())
}

fn on(machine: &str) -> String {
    format!("on-{machine}")
}

fn write_script(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))?;
    Ok(())
}

/// `ssh MACHINE COMMAND...` runs it there. `ssh -NL PORT:localhost:PORT MACHINE` finds its tunnel dug
/// already, looks whether something answers at its end, and stays in the foreground.
const SSH: &str = r#"#!/bin/bash
if [ "$1" = -NL ]; then
    curl --silent --show-error --output /dev/null "http://localhost:${2%%:*}/" && exec sleep infinity
    exit 255
fi
machine=${1#*@}
shift
exec "on-$machine" "$*"
"#;

/// `scp FILE... MACHINE:[FOLDER]` copies, because all folders are on this machine.
const SCP: &str = r#"#!/bin/bash
set -e
target=${!#}
machine=${target%%:*}
exec cp -r "${@:1:$#-1}" "$MACHINES/${machine#*@}/${target#*:}"
"#;
