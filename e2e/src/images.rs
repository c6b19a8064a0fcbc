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

/// Builds the images of `docker-compose.yml` for this machine, at most once in a test binary.
///
/// # Errors
/// What `docker compose build` says when it fails.
pub fn build() -> Result<()> {
    static OUTCOME: OnceLock<Result<(), String>> = OnceLock::new();
    OUTCOME
        .get_or_init(|| {
            let mut command = Engine::local().command();
            command.args(["compose", "build", "--quiet"]).current_dir(root());
            output_of(&mut command).map(drop).map_err(|error| format!("{error:#}"))
        })
        .clone()
        .map_err(|error| anyhow!("the images cannot be built: {error}"))
}
