//! Looks up the programs that tests start. Cargo runs this again when one of them goes or comes, and then
//! compiles the tests again, so that they are ignored, or not, by what is there.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a build script talks to cargo, and fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// By name; for some, other names that will do as well.
const PROGRAMS: [(&str, &[&str]); 6] = [
    ("chromedriver", &["chromedriver"]),
    ("chromium", &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]),
    ("python3", &["python3"]),
    ("redis-cli", &["redis-cli"]),
    ("redis-server", &["redis-server"]),
    ("script", &["script"]),
];

/// What pip brings into a folder of this name in the checkout's `e2e`.
const OF_PIP: [&str; 3] = ["axe-core", "checkov", "kubernetes-validate"];

/// The oldest Redis whose commands and log lines the tests know.
const REDIS: u32 = 7;

fn main() {
    println!("cargo::rerun-if-env-changed=PATH");
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    // The name of each program, and what to install if it is missing or too old.
    let mut table = Vec::new();
    for (name, names) in PROGRAMS {
        let mut paths = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        let found = paths.find(|path| path.is_file());
        let lacking = match &found {
            None => Some(name.to_owned()),
            Some(path) if name == "redis-server" => too_old(path),
            Some(_) => None,
        };
        if let Some(path) = found {
            watch(&path);
        }
        table.push((name, lacking));
    }
    if table.iter().any(|(_, lacking)| lacking.is_some()) {
        folders.iter().filter(|folder| may_get_programs(folder)).for_each(|folder| watch(folder));
    }
    table.extend(OF_PIP.map(|name| (name, lacking_of_pip(name))));
    fs::write(Path::new(&env::var_os("OUT_DIR").unwrap()).join("programs.rs"), format!("&{table:?}")).unwrap();
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

fn lacking_of_pip(name: &str) -> Option<String> {
    let folder = Path::new("../../e2e").join(name);
    if folder.is_dir() {
        watch(&folder);
    }
    // pip makes it last.
    let is_record = |entry: fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "dist-info");
    let is_there = fs::read_dir(folder).is_ok_and(|mut entries| entries.any(|entry| entry.is_ok_and(is_record)));
    (!is_there).then(|| name.to_owned())
}

/// Whether a program may be installed here. Cargo takes a path that does not exist for one that changes all
/// the time; and it would take minutes to look through Windows' folders, which WSL has in its `PATH`.
fn may_get_programs(folder: &Path) -> bool {
    folder.is_absolute() && folder.is_dir() && !folder.starts_with("/mnt")
}

/// What to install instead of this Redis, if it is too old.
fn too_old(server: &Path) -> Option<String> {
    let output = Command::new(server).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    // `Redis server v=7.0.15 sha=00000000:0 …`
    let version = text.split_whitespace().find_map(|word| word.strip_prefix("v=")).unwrap_or("an unknown version");
    let is_new =
        version.split('.').next().and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= REDIS);
    (!is_new).then(|| format!("redis-server {REDIS} or later, not {version}"))
}
