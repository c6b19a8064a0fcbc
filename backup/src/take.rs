//! Taking a copy: it counts when it was restored.

use std::io;
use std::path::{Path, PathBuf};

use chat_protocol::peer_nodes::{self, PeerNode};
use devcoin::ledger::{LedgerError, RedisAddress};
use devcoin::{Ledger, RedisLedger};
use jiff::Timestamp;
use reqwest::Client;
use tokio::task::spawn_blocking;

use crate::config::Config;
use crate::copy::{CopyName, Original};
use crate::folder::{Folder, sha256};
use crate::trial::{Refusal, Trials};
use crate::{http, journal, ledger};

/// The file of an attempt.
const FILE: &str = "copy";

/// What is copied, and from where.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) of: Original,
    place: Place,
    trials: Trials,
}

#[derive(Debug)]
enum Place {
    Redis { address: RedisAddress, ledger: Box<RedisLedger> },
    Node { client: Client, address: String },
}

/// Why there is no new copy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    #[error("another copy is being taken into this folder")]
    Busy,
    #[error(transparent)]
    Away(#[from] LedgerError),
    #[error("{0:#}")]
    Fetch(anyhow::Error),
    #[error("what came is no copy: {0}")]
    Refused(#[from] Refusal),
    #[error("the folder of the copies cannot be written: {0}")]
    Folder(#[from] io::Error),
}

impl TakeError {
    /// For a metric's label.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Away(_) | Self::Fetch(_) => "away",
            Self::Refused(_) => "refused",
            Self::Folder(_) => "folder",
        }
    }
}

impl Source {
    /// All that the settings name: the ledger, and the journals of the chat's nodes.
    ///
    /// # Errors
    /// One line that names the setting and what is accepted.
    pub(crate) fn all(config: &Config) -> Result<Vec<Self>, String> {
        let (address, ledger) = (config.ledger.address()?, Box::new(config.ledger.ledger()?));
        let trials = Trials::new(config)?;
        let mut all =
            vec![Self { of: Original::Ledger, place: Place::Redis { address, ledger }, trials: trials.clone() }];
        let client = http::client(config.cluster_secret.read()?.as_ref()).map_err(|error| error.to_string())?;
        for (of, address) in chat_nodes(&config.chat_nodes)? {
            let place = Place::Node { client: client.clone(), address };
            all.push(Self { of, place, trials: trials.clone() });
        }
        Ok(all)
    }

    /// Takes a copy, and restores it as a trial. When this returns its name, it is on the disk. When it is dropped,
    /// there is nothing.
    pub(crate) async fn take(&self, folder: &Folder, now: Timestamp) -> Result<CopyName, TakeError> {
        let attempt = folder.begin()?.ok_or(TakeError::Busy)?;
        let file = attempt.place().join(FILE);
        let before = self.fetch(&file).await?;
        let checksum = checksum(file.clone()).await?;
        let restored = self.trials.restore(&self.of, &file).await?;
        if restored.count < before {
            return Err(Refusal::Fewer { coins: restored.count, before }.into());
        }
        let copy = CopyName::new(self.of.clone(), now, restored.count);
        let (folder, name) = (folder.clone(), copy.clone());
        blocking(move || folder.add(&file, &checksum, &name)).await?;
        Ok(copy)
    }

    /// Gets a copy; gives how much it has to hold at least.
    async fn fetch(&self, file: &Path) -> Result<u64, TakeError> {
        match &self.place {
            Place::Redis { address, ledger } => {
                // Coins never become fewer: what the ledger has now, a copy of it must have as well.
                let before = ledger.figures().await?.blocks;
                ledger::fetch(address, file).await.map_err(TakeError::Fetch)?;
                Ok(before)
            }
            Place::Node { client, address } => {
                journal::fetch(client, address, file).await.map_err(TakeError::Fetch)?;
                Ok(0)
            }
        }
    }
}

/// The nodes of `CHAT_NODES`, and their addresses.
pub(crate) fn chat_nodes(setting: &str) -> Result<Vec<(Original, String)>, String> {
    let nodes = peer_nodes::parse(setting, "").map_err(|error| format!("CHAT_NODES: {error}"))?.nodes;
    let node = |PeerNode { id, address }| match id.parse() {
        Ok(Original::Journal(node)) => Ok((Original::Journal(node), address)),
        _ => Err(format!("CHAT_NODES: {id:?} cannot be a copy's name: accepted are letters, digits, -, _ and .")),
    };
    nodes.into_iter().map(node).collect()
}

/// The SHA-256 of a file.
pub(crate) async fn checksum(file: PathBuf) -> io::Result<String> {
    blocking(move || sha256(&file)).await
}

/// Waits for the disk where nobody else has to.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
