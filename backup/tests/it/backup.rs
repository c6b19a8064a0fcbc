//! The backup's program, and the service in this process.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backup::{Clock, Config, CopyName};
use tempfile::TempDir;
use testing::Program;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::ledger::Ledger;

pub(crate) const BACKUP: &str = env!("CARGO_BIN_EXE_backup");

/// The settings of a backup for this ledger, as arguments.
pub(crate) fn arguments(ledger: &Ledger, folder: &Path) -> Vec<String> {
    let folder = folder.display();
    let (redis, folder) = (format!("--redis-url={}", ledger.server.url()), format!("--backup-dir={folder}"));
    vec![redis, folder, "--ops-host=127.0.0.1".to_owned(), "--ops-port=0".to_owned()]
}

/// Carries out a command of the program; gives exit code, stdout and stderr.
pub(crate) fn command(name: &str, arguments: &[impl AsRef<str>]) -> (Option<i32>, String, String) {
    let arguments: Vec<&str> = [name].into_iter().chain(arguments.iter().map(AsRef::as_ref)).collect();
    start(&arguments).output()
}

/// Starts the program, which finds Redis's own ones.
pub(crate) fn start(arguments: &[&str]) -> Program {
    let path = std::env::var("PATH").unwrap_or_default();
    testing::start(BACKUP, arguments, &[("PATH", &path)])
}

/// The service in this process, whose time is the test's.
pub(crate) struct Backup {
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
    task: JoinHandle<anyhow::Result<()>>,
    shutdown: DropGuard,
}

impl Backup {
    pub(crate) fn start(ledger: &Ledger, clock: Arc<dyn Clock>, folder: TempDir, settings: &[&str]) -> Self {
        let arguments = arguments(ledger, folder.path());
        let all = ["backup"].into_iter().chain(arguments.iter().map(String::as_str)).chain(settings.iter().copied());
        let config: Config = service::config::parse_arguments(&backup::ABOUT, all).unwrap();
        let backup = backup::bind_with(&config, clock).unwrap();
        let (address, shutdown) = (backup.address(), CancellationToken::new());
        let task = tokio::spawn(backup.run(shutdown.clone()));
        Self { folder, address, task, shutdown: shutdown.drop_guard() }
    }

    /// The answer to a GET, its head included; with this header line, if it is not empty.
    pub(crate) async fn get(&self, path: &str, header: &str) -> String {
        let (address, path, header) = (self.address, path.to_owned(), header.to_owned());
        tokio::task::spawn_blocking(move || get(address, &path, &header)).await.unwrap()
    }

    /// Why it is not ready, if it is not.
    pub(crate) async fn unready(&self) -> Option<String> {
        let answer = self.get("/readyz", "").await;
        if answer.starts_with("HTTP/1.1 200 ") {
            return None;
        }
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        Some(answer)
    }

    /// The copies, the oldest first.
    pub(crate) fn copies(&self) -> Vec<CopyName> {
        copies(self.folder.path())
    }

    /// Stops it, and gives its folder.
    pub(crate) async fn stop(self) -> TempDir {
        drop(self.shutdown);
        self.task.await.unwrap().unwrap();
        self.folder
    }
}

/// The answer to a GET, its head included; with this header line, if it is not empty.
pub(crate) fn get(address: SocketAddr, path: &str, header: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{header}\r\n");
    connection.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The copies in a folder, the oldest first.
pub(crate) fn copies(folder: &Path) -> Vec<CopyName> {
    let mut copies: Vec<CopyName> = names(folder).iter().filter_map(|name| name.parse().ok()).collect();
    copies.sort_unstable();
    copies
}

/// All that is in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

/// Waits until it is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < testing::LIMIT, "it is still not so");
        sleep(Duration::from_millis(5)).await;
    }
}
