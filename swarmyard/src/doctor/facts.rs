//! What checks look at.

use std::path::{Path, PathBuf};

use futures_util::FutureExt;

use super::check::Subject;
use super::options::Options;
use super::source::docker::{self, Docker, Node};
use super::source::hub::{self, Hub};
use super::source::machine::Machine;
use super::source::peer::{self, Peer};
use super::source::port::{self, Port};
use super::source::program::Silence;
use super::source::settings::Settings;
use super::stack::{Stack, Unreadable};

/// What is known of this machine, each part as its source gave it.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) machine: Machine,
    pub(super) settings: Settings,
    pub(super) docker: Docker,
    pub(super) ports: Vec<Port>,
    pub(super) peers: Vec<Peer>,
    pub(super) hub: Result<Hub, Silence>,
}

impl Facts {
    /// Asks all sources at once. Each question has a limit, so that all of it takes no longer than that.
    pub(super) async fn gather(options: &Options) -> Self {
        let settings = Settings::read();
        // Docker Hub is where the engine says: one answer for both.
        let info = docker::info(options.timeout).shared();
        let (docker, ports, peers, hub) = tokio::join!(
            Docker::ask(options.timeout, info.clone()),
            port::try_all(&settings, options.timeout),
            peer::try_all(&options.peer, options.timeout),
            hub::ask(options.timeout, info),
        );
        Self { machine: Machine::at(&options.root), settings, docker, ports, peers, hub }
    }
}

impl Subject for Facts {}

/// What is known of a Compose or stack file.
#[derive(Debug)]
pub(super) struct FileFacts {
    pub(super) path: PathBuf,
    pub(super) stack: Result<Stack, Unreadable>,
    /// The nodes of the Swarm that this machine manages, or why they are not known.
    pub(super) nodes: Result<Vec<Node>, String>,
}

impl FileFacts {
    /// Reads a file.
    pub(super) fn read(path: &Path, nodes: Result<Vec<Node>, String>) -> Self {
        Self { path: path.to_owned(), stack: Stack::read(path), nodes }
    }

    /// A path that the file names, which is relative to its folder.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

impl Subject for FileFacts {
    fn file(&self) -> Option<String> {
        Some(self.path.display().to_string())
    }
}
