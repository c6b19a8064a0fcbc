//! A disk that can be full or break.

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::{fs, io};

use redb::StorageBackend;
use redb::backends::FileBackend;
use service::Readiness;

use crate::open::{Place, builder};
use crate::{Journal, SavedRoom};

/// Breaks as it is told, and counts how often it was waited for.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) full: Arc<AtomicBool>,
    pub(super) fails_to_sync: Arc<AtomicBool>,
    pub(super) syncs: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct File {
    backend: FileBackend,
    disk: Disk,
}

impl Disk {
    /// A journal on this disk.
    pub(super) fn journal(&self, directory: &Path) -> (Journal, Vec<SavedRoom>) {
        self.journal_that_tells(directory, Readiness::ready())
    }

    /// The same, which tells this whether it can be written.
    pub(super) fn journal_that_tells(&self, directory: &Path, readiness: Readiness) -> (Journal, Vec<SavedRoom>) {
        let disk = self.clone();
        let opener = move |path: &Path| {
            let file = fs::File::options().read(true).write(true).create(true).truncate(false).open(path)?;
            let backend = FileBackend::new(file)?;
            builder().create_with_backend(File { backend, disk: disk.clone() })
        };
        Journal::open_at(Place::with_opener(directory, Box::new(opener)).unwrap(), readiness).unwrap()
    }

    fn check(&self) -> io::Result<()> {
        if self.full.load(SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for File {
    fn len(&self) -> io::Result<u64> {
        self.backend.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.backend.read(offset, out)
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        self.disk.check()?;
        self.backend.set_len(length)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.disk.syncs.fetch_add(1, SeqCst);
        if self.disk.fails_to_sync.swap(false, SeqCst) {
            return Err(io::Error::other("the disk is on fire"));
        }
        self.backend.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.check()?;
        self.backend.write(offset, data)
    }
    fn close(&self) -> io::Result<()> {
        self.backend.close()
    }
    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, redb::BackendError> {
        self.backend.try_lock_range(start, end)
    }
    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), redb::BackendError> {
        self.backend.unlock_range(start, end)
    }
}
