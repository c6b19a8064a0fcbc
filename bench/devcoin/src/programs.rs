//! Finding the programs that are measured, and those that measure.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// A program of this workspace: the one that was named, else the one that was built beside this program.
///
/// # Errors
/// When it is not there.
pub(crate) fn built(name: &str, named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => env::current_exe().context("cannot tell where this program is")?.with_file_name(name),
    };
    ensure!(
        path.is_file(),
        "there is no {}: run `cargo build --release -p {name}`, or name the program with --{name}",
        path.display()
    );
    Ok(path)
}

/// Makes sure that a program is installed.
///
/// # Errors
/// When it is in none of the folders of `PATH`.
pub(crate) fn need(name: &str, package: &str) -> anyhow::Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = env::split_paths(&path).any(|folder| folder.join(name).is_file());
    ensure!(is_there, "{name} is missing: install it (on Debian: apt-get install {package})");
    Ok(())
}
