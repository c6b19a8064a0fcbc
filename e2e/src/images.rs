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
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap_or(crate_folder).to_owned()
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
