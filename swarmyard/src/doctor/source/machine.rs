//! Files of the machine, and of its kernel.

use std::fs;
use std::path::{Path, PathBuf};

/// The machine whose files are below a folder. Paths are given without the first `/`.
#[derive(Clone, Debug)]
pub(in crate::doctor) struct Machine {
    root: PathBuf,
}

impl Machine {
    /// The machine whose files are below `root`.
    pub(in crate::doctor) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Whether there is such a file or folder.
    pub(in crate::doctor) fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// A file's text.
    ///
    /// # Errors
    /// Why there is none.
    pub(in crate::doctor) fn read(&self, path: &str) -> Result<String, String> {
        let path = self.path(path);
        fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
    }

    /// The names in a folder; none where there is no such folder.
    pub(in crate::doctor) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// The version of the kernel that runs, as `uname -r` says.
    ///
    /// # Errors
    /// This is no Linux: then the engine is in a virtual machine, which is somebody else's business.
    pub(in crate::doctor) fn kernel(&self) -> Result<String, String> {
        let release = self.read("proc/sys/kernel/osrelease");
        release.map(|text| text.trim().to_owned()).map_err(|_| "there is no Linux kernel to look at".to_owned())
    }

    /// Whether these are a container's files.
    pub(in crate::doctor) fn is_container(&self) -> bool {
        self.has(".dockerenv")
    }

    /// How many bytes are free, for whoever is not root, where `path` is.
    ///
    /// # Errors
    /// Why that is not known: it may be the path of another machine.
    pub(in crate::doctor) fn free(&self, path: &str) -> Result<u64, String> {
        let path = self.path(path);
        let disk = rustix::fs::statvfs(&path);
        let disk = disk.map_err(|error| format!("cannot look at the disk of {}: {error}", path.display()))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}
