//! The project's own images, built once for a run of the tests.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Result, anyhow};

use crate::engine::{Engine, output_of};

/// The folder that holds `docker-compose.yml`.
#[must_use]
pub fn root() -> PathBuf {
    // Asked for when a test runs, whose Cargo says it: checkouts that share their compiled output share this.
    let crate_folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    crate_folder.parent().map(Path::to_owned).unwrap_or_default()
}

/// What builds the images of `docker-compose.yml`, and the one that only a stack has.
const BUILDS: [&[&str]; 2] =
    [&["compose", "build", "--quiet"], &["build", "--quiet", "--file=Dockerfile.backup", "--tag=backup:latest", "."]];

/// Builds our images for this machine, at most once in a test binary.
///
/// # Errors
/// What Docker says when it fails.
pub fn build() -> Result<()> {
    static OUTCOME: OnceLock<Result<(), String>> = OnceLock::new();
    OUTCOME
        .get_or_init(|| {
            BUILDS.iter().try_for_each(|build| {
                let mut command = Engine::local().command();
                output_of(command.args(*build).current_dir(root())).map(drop).map_err(|error| format!("{error:#}"))
            })
        })
        .clone()
        .map_err(|error| anyhow!("the images cannot be built: {error}"))
}

/// The toolkit's image.
pub const TOOLKIT: &str = "swarmyard:latest";

/// Builds the toolkit's image for this machine; no Compose file names it.
///
/// # Errors
/// What `docker build` says when it fails.
pub fn build_toolkit() -> Result<()> {
    let mut build = Engine::local().command();
    build.args(["build", "--quiet", "--file=Dockerfile.swarmyard", "--tag", TOOLKIT, "."]).current_dir(root());
    output_of(&mut build).map(drop)
}
