//! What the program does beside running: `backup take`, `list`, `check`, `restore`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use jiff::Timestamp;
use service::{Settings, program};
use tempfile::TempDir;

use crate::config::Config;
use crate::copy::{CopyName, Original};
use crate::folder::Folder;
use crate::peers::Peers;
use crate::restore::{self, Placed, Wanted};
use crate::take::Source;
use crate::trial::{self, Trials};

const TAKE: &str = "take";
const LIST: &str = "list";
const CHECK: &str = "check";
const RESTORE: &str = "restore";

const FILE: &str = "file";
const COPY: &str = "copy";
const DATA: &str = "data";
const FORCE: &str = "force";
const OF: &str = "of";

/// The commands, for `--help`.
pub(crate) fn all() -> Vec<Command> {
    let file = Arg::new(FILE).value_name("FILE").required(true).value_parser(clap::value_parser!(PathBuf));
    let copy = Arg::new(COPY).value_name("COPY").help(
        "Its name, as `list` shows it, or the path of a file [default: of the ledger the one with the most coins, of a \
         node the newest]",
    );
    let data = Arg::new(DATA).long(DATA).value_name("FOLDER").default_value("/data");
    let data = data.value_parser(clap::value_parser!(PathBuf)).help("The folder of the data of Redis, or of the node");
    let of = Arg::new(OF).long(OF).value_name("NAME").default_value("ledger");
    let of = of.value_parser(str::parse::<Original>).help("What it is a copy of: the ledger, or a node of the chat");
    let force = Arg::new(FORCE).long(FORCE).action(ArgAction::SetTrue).help("Also when the ledger has more coins");
    vec![
        Command::new(TAKE).about("Take a copy of each now, restore them, and print their names"),
        Command::new(LIST).about("List the copies of all backups of this cluster"),
        Command::new(CHECK).about("Restore a file as a trial, and print what it holds, or why it is no copy").arg(file),
        Command::new(RESTORE)
            .about("Put a copy where Redis, or a node, finds it at its next start; deploy/scripts/restore.sh does all")
            .args([copy, of, data, force]),
    ]
}

/// Carries one of them out.
///
/// # Errors
/// When it fails, with the reason; or when stdout cannot be written.
pub async fn run(name: &str, arguments: &ArgMatches) -> anyhow::Result<()> {
    let config = Config::from_arg_matches(arguments)?;
    config.check().map_err(anyhow::Error::msg)?;
    let lines = match name {
        TAKE => take(&config).await?,
        LIST => list(&config).await?,
        CHECK => check(&config, arguments.get_one::<PathBuf>(FILE).context("no file is named")?).await?,
        RESTORE => restore(&config, arguments).await?,
        _ => bail!("there is no command {name}"),
    };
    print(&lines)
}

fn print(lines: &[String]) -> anyhow::Result<()> {
    lines.iter().try_for_each(|line| writeln!(std::io::stdout(), "{line}")).context("cannot write to stdout")
}

async fn take(config: &Config) -> anyhow::Result<Vec<String>> {
    let folder = Folder::open(&config.backup_dir)?;
    let (mut names, mut failures) = (Vec::new(), Vec::new());
    for source in Source::all(config).map_err(anyhow::Error::msg)? {
        match source.take(&folder, Timestamp::now()).await {
            Ok(copy) => names.push(copy.to_string()),
            Err(error) => failures.push(format!("no copy of {}: {error}", source.of.title())),
        }
    }
    if failures.is_empty() {
        return Ok(names);
    }
    // What was taken is there all the same.
    print(&names)?;
    bail!(failures.join("; "))
}

async fn list(config: &Config) -> anyhow::Result<Vec<String>> {
    let secret = config.cluster_secret.read().map_err(anyhow::Error::msg)?;
    let peers = Peers::find(&config.backup_peers, secret.as_ref()).await?;
    let (offers, silent) = peers.offers().await;
    for reason in &silent {
        program::say(reason);
    }
    Ok(offers.iter().map(|offer| format!("{} {}", offer.copy, offer.backup)).collect())
}

async fn check(config: &Config, file: &Path) -> anyhow::Result<Vec<String>> {
    // Redis gets a folder with a copy and nothing else.
    let place = TempDir::new().context("no folder for the trial")?;
    let copy = place.path().join("copy");
    fs::copy(file, &copy).with_context(|| format!("{} cannot be copied", file.display()))?;
    let of = trial::guess(&copy)?;
    let restored = Trials::new(config).map_err(anyhow::Error::msg)?.restore(&of, &copy).await;
    let restored = restored.with_context(|| format!("{} is refused", file.display()))?;
    Ok(vec![format!("{}: {}", file.display(), restored.told(&of))])
}

async fn restore(config: &Config, arguments: &ArgMatches) -> anyhow::Result<Vec<String>> {
    let of: &Original = arguments.get_one(OF).context("nothing is named")?;
    let wanted = match arguments.get_one::<String>(COPY) {
        None => Wanted::Best(of.clone()),
        Some(name) => match name.parse::<CopyName>() {
            Ok(copy) if copy.of != *of => bail!("{name} is no copy of {}", of.title()),
            Ok(copy) => Wanted::Named(copy),
            Err(error) if !name.contains('/') => bail!("{name}: {error}; a file of this folder is ./{name}"),
            Err(_) => Wanted::File(of.clone(), name.into()),
        },
    };
    let data: &PathBuf = arguments.get_one(DATA).context("no folder is named")?;
    let Placed { copy, restored } = restore::restore(config, &wanted, data, arguments.get_flag(FORCE)).await?;
    Ok(vec![format!("{copy}: {}; its owner begins with it when it is started next", restored.told(wanted.of()))])
}
