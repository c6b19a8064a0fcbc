//! Opening the journal's file, and explaining why it cannot be opened.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context, anyhow};
use redb::{Builder, Database, DatabaseError, StorageError};

use super::SavedRoom;
use super::load::LoadError;
use super::store::Store;

/// The file in the directory.
const FILE: &str = "chat.redb";

/// The file while it is made: a stop in the middle leaves none that looks damaged.
const NEW_FILE: &str = "chat.redb.new";

/// A copy that is to be brought back: the next start begins with it.
const RESTORED_FILE: &str = "restore.redb";

/// The file that was there before such a copy.
const REPLACED_FILE: &str = "chat.redb.replaced";

/// How the file of a copy begins, while it is written.
const COPY_FILE: &str = "chat.redb.copy-";

/// Memory for parts of the file. Writing needs little, and reading happens at the start only; a
/// Raspberry Pi 3 has 1 GB for everything. With less, large transactions are written twice.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// Opens a database file; tests put a broken disk in its place.
type Opener = Box<dyn Fn(&Path) -> Result<Database, DatabaseError> + Send>;

/// A directory with the journal's file, in use by this process alone as long as this lives.
pub(super) struct Place {
    directory: PathBuf,
    opener: Opener,
    lock: File,
}

impl Place {
    /// Takes the directory into use; makes it if it is not there.
    pub(super) fn in_directory(directory: &Path) -> anyhow::Result<Self> {
        Self::with_opener(directory, Box::new(open_database))
    }

    pub(super) fn with_opener(directory: &Path, opener: Opener) -> anyhow::Result<Self> {
        let lock = fs::create_dir_all(directory).and_then(|()| File::open(directory));
        let lock = lock.map_err(|error| explain_io(directory, &error))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(in_use(directory)),
            // Not every file system locks directories. Then redb's own lock on the file has to do.
            Err(TryLockError::Error(error)) => tracing::debug!("{} is not locked: {error}", directory.display()),
            Ok(()) => {}
        }
        let place = Self { directory: directory.to_owned(), opener, lock };
        place.prepare().map_err(|error| explain_io(directory, &error))?;
        Ok(place)
    }

    /// Removes copies whose writing was broken off, and puts one that is to be brought back in the file's place. A stop
    /// in between is harmless: the next start goes on.
    fn prepare(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(COPY_FILE) {
                fs::remove_file(entry.path())?;
            }
        }
        let (restored, path) = (self.directory.join(RESTORED_FILE), self.directory.join(FILE));
        if !restored.try_exists()? {
            return Ok(());
        }
        let replaced = self.directory.join(REPLACED_FILE);
        if path.try_exists()? {
            fs::rename(&path, &replaced)?;
        }
        fs::rename(&restored, &path)?;
        tracing::info!("beginning with the copy that was put here; what was there before is {}", replaced.display());
        File::open(&self.directory)?.sync_all()
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The path for a new copy.
    pub(super) fn copy_path(directory: &Path) -> PathBuf {
        static COPIES: AtomicU64 = AtomicU64::new(0);
        directory.join(format!("{COPY_FILE}{}", COPIES.fetch_add(1, Relaxed)))
    }

    /// For messages.
    pub(super) fn display(&self) -> std::path::Display<'_> {
        self.directory.display()
    }

    /// Opens the file, or makes it. The one opened before must be closed.
    pub(super) fn open(&self) -> anyhow::Result<(Store, Vec<SavedRoom>)> {
        let path = self.directory.join(FILE);
        if !path.try_exists().map_err(|error| explain_io(&self.directory, &error))? {
            self.make(&path)?;
        }
        let database = (self.opener)(&path).map_err(|error| self.explain_database(&path, error))?;
        Store::load(database).map_err(|error| match error {
            LoadError::Database(error) => damaged(&path, &error),
            LoadError::Content { .. } => damaged(&path, &error),
            LoadError::Newer(_) => anyhow!(
                "DATA_DIR: cannot read {}: {error}: run the version that wrote it, or a newer one, or move the file \
                 away to start without rooms",
                path.display()
            ),
            LoadError::Foreign => {
                anyhow!(
                    "DATA_DIR: {} is not the journal of a chat-node: {error}: choose another directory",
                    path.display()
                )
            }
        })
    }

    fn make(&self, path: &Path) -> anyhow::Result<()> {
        let new = self.directory.join(NEW_FILE);
        let removed = match fs::remove_file(&new) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        };
        removed.map_err(|error| explain_io(&self.directory, &error))?;
        drop((self.opener)(&new).map_err(|error| self.explain_database(&new, error))?);
        // The directory's own entry has to reach the disk as well.
        let named = fs::rename(&new, path).and_then(|()| File::open(&self.directory)?.sync_all());
        named.map_err(|error| explain_io(&self.directory, &error))
    }

    fn explain_database(&self, path: &Path, error: DatabaseError) -> anyhow::Error {
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => in_use(&self.directory),
            DatabaseError::Storage(StorageError::Io(error))
                if !matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
            {
                explain_io(&self.directory, &error)
            }
            error => damaged(path, &error),
        }
    }
}

impl Drop for Place {
    /// A process that was started a moment ago, and is not yet the program that it is to be, has the file open as well,
    /// and would keep the lock.
    fn drop(&mut self) {
        // Not every file system locks directories.
        let _ = self.lock.unlock();
    }
}

fn open_database(path: &Path) -> Result<Database, DatabaseError> {
    builder().create(path)
}

/// How the file is used.
pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    // All of it is read at the start anyway, and what is damaged must not be trusted.
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

fn in_use(directory: &Path) -> anyhow::Error {
    anyhow!(
        "DATA_DIR: {} is in use by another process: each node needs a directory of its own, and one process at a time",
        directory.display()
    )
}

fn damaged(path: &Path, error: &dyn std::error::Error) -> anyhow::Error {
    anyhow!(
        "DATA_DIR: {} is damaged, or not the journal of a chat-node: {error}: it is left as it is; put a sound copy in \
         its place, or move it away to start without rooms",
        path.display()
    )
}

pub(super) fn explain_io(directory: &Path, error: &io::Error) -> anyhow::Error {
    let place = directory.display();
    match error.kind() {
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => anyhow!("DATA_DIR: {place} is not a directory"),
        ErrorKind::PermissionDenied => {
            let user = user().map_or_else(|_| "this program's user".to_owned(), |uid| format!("user {uid}"));
            let owner = fs::metadata(directory).map_or_else(
                |_| String::new(),
                |metadata| {
                    format!(", which belongs to user {} with mode {:03o}", metadata.uid(), metadata.mode() & 0o777)
                },
            );
            anyhow!("DATA_DIR: {user} may not write to {place}{owner}: give it to that user (chown), or choose another")
        }
        ErrorKind::ReadOnlyFilesystem => {
            anyhow!("DATA_DIR: {place} is read-only: mount a volume there that can be written, or choose another")
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            anyhow!("DATA_DIR: no space is left for the journal in {place}: make room, or choose another directory")
        }
        _ => anyhow!("DATA_DIR: cannot keep the journal in {place}: {error}"),
    }
}

/// The user that this process runs as.
fn user() -> anyhow::Result<u32> {
    Ok(fs::metadata("/proc/self").context("no /proc")?.uid())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_directory_that_is_given_up_is_free_whoever_else_still_has_it_open() {
        let directory = TempDir::new().unwrap();
        let place = Place::in_directory(directory.path()).unwrap();
        assert!(Place::in_directory(directory.path()).is_err());
        let inherited = place.lock.try_clone().unwrap();
        drop(place);
        assert!(Place::in_directory(directory.path()).is_ok());
        drop(inherited);
    }
}
