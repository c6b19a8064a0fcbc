//! The files in `k8s`, as Kubernetes reads them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{engine::output_of, images};

/// Without their ending, in the order in which they are applied.
pub const FILES: [&str; 7] = ["namespace", "db-secret", "pvc", "statefulsets", "services", "deployments", "ingress"];

/// Prints the documents of a YAML file as JSON.
const READ: &str = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";

/// Python with what pip brought into `e2e/NAME`, ready for its arguments.
#[must_use]
pub fn python_with(name: &str) -> Command {
    let mut command = Command::new("python3");
    // Compiled files would be one more thing that a test leaves behind.
    command.env("PYTHONPATH", images::root().join("e2e").join(name)).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Where one of [`FILES`] is.
#[must_use]
pub fn path(file: &str) -> PathBuf {
    images::root().join("k8s").join(file).with_extension("yaml")
}

/// The documents of a YAML file.
///
/// # Errors
/// When `kubernetes-validate`, which brings the reader, is missing, or the file is no YAML.
pub fn read(file: &Path) -> Result<Vec<Value>> {
    let text = output_of(python_with("kubernetes-validate").args(["-c", READ]).arg(file))?;
    serde_json::from_str(&text).context("the reader prints JSON")
}

/// The objects of one of [`FILES`].
///
/// # Errors
/// As [`read`].
pub fn objects(file: &str) -> Result<Vec<Value>> {
    read(&path(file))
}

/// The objects of all files.
///
/// # Errors
/// As [`read`].
pub fn all_objects() -> Result<Vec<Value>> {
    FILES.iter().map(|file| objects(file)).collect::<Result<Vec<_>>>().map(|all| all.concat())
}

/// The items of a list; none where there is none.
pub fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A text that the schema wants.
///
/// # Errors
/// When it is missing.
pub fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("not a text: {value}"))
}

/// The name of an object, or of a part of one.
///
/// # Errors
/// When it has none.
pub fn name(object: &Value) -> Result<&str> {
    text(if object["metadata"].is_null() { &object["name"] } else { &object["metadata"]["name"] })
}
