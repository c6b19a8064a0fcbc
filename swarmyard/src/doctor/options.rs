//! The options of `swarmyard doctor`.

use std::path::PathBuf;
use std::time::Duration;

use service::value::positive_duration;

/// What `--help` says beside the options.
pub(crate) const MANUAL: &str = "\
Without a file, it looks at this machine: Docker, the kernel, ports, the Swarm that it is in, clocks, Docker Hub. With
files, it looks at them as `docker stack deploy` would, and holds them against the rules of docs/troubleshooting.md.

Each finding says what was looked at, what was found, what that will do, the line that mends it, and where there is
more to read. What cannot be known here is said, and is no finding. It changes nothing, and takes less than 2 seconds
unless --timeout says otherwise.

Exit codes: 0 nothing found, or warnings only; 1 warnings, with --strict; 2 errors, or wrong usage.";

/// The options of `swarmyard doctor`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Options {
    /// Compose or stack files to look at, instead of this machine
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Try the ports that a Swarm needs at this other node, too; may be given again
    #[arg(long, value_name = "HOST", conflicts_with = "files")]
    pub(crate) peer: Vec<String>,

    /// Where the machine's files are, as in /host for a container that has its disk there
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub(crate) root: PathBuf,

    /// Longest wait for an answer, of Docker or anybody else; all are asked at once
    #[arg(long, value_name = "TIME", default_value = "1700ms", value_parser = positive_duration)]
    pub(crate) timeout: Duration,

    /// End with 1 when there are warnings
    #[arg(long)]
    pub(crate) strict: bool,

    /// Say also what is fine, and what was not looked at because of something else
    #[arg(long, short)]
    pub(crate) verbose: bool,

    /// Print all of it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
