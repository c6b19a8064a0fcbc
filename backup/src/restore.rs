//! Bringing a copy back: it is put where its owner, Redis or a node of the chat, finds it at its next start.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use devcoin::Ledger;
use tempfile::TempDir;

use crate::config::Config;
use crate::copy::{CopyName, Original};
use crate::keep;
use crate::peers::{Offer, Peers};
use crate::take::{blocking, checksum};
use crate::trial::{Refusal, Restored, Trials};

/// What is to be brought back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Wanted {
    /// Of all copies of this that the backups have, the best: of the ledger, the one with the most coins; of a journal,
    /// the newest.
    Best(Original),
    /// The copy of this name.
    Named(CopyName),
    /// This file, whatever it is called, as a copy of this.
    File(Original, PathBuf),
}

impl Wanted {
    /// What it is a copy of.
    pub(crate) fn of(&self) -> &Original {
        match self {
            Self::Best(of) | Self::File(of, _) | Self::Named(CopyName { of, .. }) => of,
        }
    }
}

/// The folder, in that of Redis's data, of which `deploy/configs/redis.sh` makes the ledger.
const LEDGER: &str = "restore";

/// Its one file, as Redis names it.
const BASE: &str = "appendonly.aof.1.base.rdb";

/// The file, in the folder of a chat node's data, with which the node begins.
const JOURNAL: &str = "restore.redb";

/// The copy while it is tried.
const FILE: &str = "copy";

/// What was brought back.
#[derive(Debug)]
pub(crate) struct Placed {
    /// What it was called, or where it came from.
    pub(crate) copy: String,
    pub(crate) restored: Restored,
}

/// Restores a copy as a trial, and puts it into the folder of its owner's data. Whatever goes wrong, what was there
/// before is as it was.
///
/// # Errors
/// When there is no such copy, or it is refused; also, unless it is to be done `anyway`, when the ledger that answers has
/// more coins than the copy.
pub(crate) async fn restore(config: &Config, wanted: &Wanted, data: &Path, anyway: bool) -> anyhow::Result<Placed> {
    let attempt = TempDir::with_prefix_in(".restoring-", data)
        .with_context(|| format!("{} cannot be written", data.display()))?;
    let file = attempt.path().join(FILE);
    let copy = match wanted {
        Wanted::File(_, path) => {
            fs::copy(path, &file).with_context(|| format!("{} cannot be copied", path.display()))?;
            path.display().to_string()
        }
        Wanted::Best(_) | Wanted::Named(_) => bring(config, wanted, &file).await?,
    };
    let of = wanted.of();
    let restored = Trials::new(config).map_err(anyhow::Error::msg)?.restore(of, &file).await;
    let restored = restored.with_context(|| format!("{copy} is refused"))?;
    ensure!(restored.count > 0, "{copy} is refused: it has no {}", of.counted());
    if *of == Original::Ledger && !anyway {
        compare(config, &copy, restored.count).await?;
    }
    let (data, place) = (data.to_owned(), if *of == Original::Ledger { place_ledger } else { place_journal });
    blocking(move || place(&file, &data)).await.context("it cannot be put into the folder of the data")?;
    Ok(Placed { copy, restored })
}

/// Gets a copy from the backup that has it.
async fn bring(config: &Config, wanted: &Wanted, file: &Path) -> anyhow::Result<String> {
    let secret = config.cluster_secret.read().map_err(anyhow::Error::msg)?;
    let peers = Peers::find(&config.backup_peers, secret.as_ref()).await?;
    let (offers, silent) = peers.offers().await;
    let fitting = |offer: &&Offer| match wanted {
        Wanted::Named(name) => offer.copy == *name,
        _ => offer.copy.of == *wanted.of(),
    };
    let best = keep::best(offers.iter().filter(fitting).map(|offer| &offer.copy));
    let Some(offer) = offers.iter().find(|offer| Some(&offer.copy) == best) else {
        let nothing = match wanted {
            Wanted::Named(name) => format!("no backup has {name}"),
            _ => format!("no backup has a copy of {}", wanted.of().title()),
        };
        bail!([nothing].into_iter().chain(silent).collect::<Vec<_>>().join("; "));
    };
    peers.download(offer, file).await?;
    let (found, expected) = (checksum(file.to_owned()).await?, offer.sha256.clone());
    if found != expected {
        let refusal = Refusal::Changed { found, expected };
        return Err(refusal).with_context(|| format!("{} of {} is refused", offer.copy, offer.backup));
    }
    Ok(format!("{} of {}", offer.copy, offer.backup))
}

/// Whether the ledger has lost coins, or would lose some by this copy. While it is away, nobody knows.
async fn compare(config: &Config, copy: &str, coins: u64) -> anyhow::Result<()> {
    let ledger = config.ledger.ledger().map_err(anyhow::Error::msg)?;
    let Ok(figures) = ledger.figures().await else { return Ok(()) };
    ensure!(
        figures.blocks <= coins,
        "{copy} has {coins} coins, and the ledger has {}: it would lose {}; say --force if it shall",
        figures.blocks,
        figures.blocks - coins
    );
    Ok(())
}

/// Makes the folder with which Redis begins, in one step.
fn place_ledger(file: &Path, data: &Path) -> io::Result<()> {
    let (new, ready) = (data.join(format!("{LEDGER}.new")), data.join(LEDGER));
    // One that was left behind, and one that Redis has not taken yet.
    for old in [&new, &ready] {
        match fs::remove_dir_all(old) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::create_dir(&new)?;
    File::open(file)?.sync_all()?;
    fs::rename(file, new.join(BASE))?;
    File::open(&new)?.sync_all()?;
    fs::rename(&new, &ready)?;
    File::open(data)?.sync_all()
}

/// Puts the file there with which a node of the chat begins, in one step.
fn place_journal(file: &Path, data: &Path) -> io::Result<()> {
    File::open(file)?.sync_all()?;
    fs::rename(file, data.join(JOURNAL))?;
    File::open(data)?.sync_all()
}
