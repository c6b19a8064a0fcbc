//! The folder that keeps the copies: each with the SHA-256 of its bytes beside it, as `sha256sum --check` reads it.
//!
//! A copy is made in a folder of its own in there, and is renamed in one step, when its checksum is there already: what
//! has the name of a copy is whole, and was restored.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use axum::body::Bytes;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::copy::CopyName;

/// How the folder of an attempt begins.
const ATTEMPT: &str = ".attempt-";

/// What a copy is called more, once it is damaged. Nobody lists it then, and nobody removes it.
const DAMAGED: &str = ".damaged";

/// The folder; clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

/// A place to make a copy in, which is gone when this is dropped. There is one at a time.
#[derive(Debug)]
pub(crate) struct Attempt {
    place: TempDir,
    _lock: Lock,
}

/// The folder, locked until this is dropped.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    /// A process that was started a moment ago, and is not yet the program that it is to be, has the file open as well,
    /// and would keep the lock.
    fn drop(&mut self) {
        // Closed, the file is unlocked after all.
        let _ = self.0.unlock();
    }
}

impl Attempt {
    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }
}

impl Folder {
    /// Takes a folder into use, and makes it if it is not there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let written = fs::create_dir_all(path).and_then(|()| tempfile::tempfile_in(path));
        written.with_context(|| {
            format!(
                "BACKUP_DIR: {} cannot be written: mount a volume there that belongs to this program's user",
                path.display()
            )
        })?;
        Ok(Self(path.to_owned()))
    }

    /// Begins an attempt, and removes what one has left behind that was broken off; nothing while another is under way,
    /// in this process or another one.
    pub(crate) fn begin(&self) -> io::Result<Option<Attempt>> {
        let lock = File::open(&self.0)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let lock = Lock(lock);
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(ATTEMPT) {
                fs::remove_dir_all(entry.path())?;
            }
            if name.strip_suffix(".sha256").is_some_and(|copy| !self.0.join(copy).exists()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Some(Attempt { place: TempDir::with_prefix_in(ATTEMPT, &self.0)?, _lock: lock }))
    }

    /// The copies, those of one original together, the oldest first. What has no checksum beside it is none.
    pub(crate) fn copies(&self) -> io::Result<Vec<CopyName>> {
        let mut copies = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let Ok(name) = entry?.file_name().to_string_lossy().parse() else { continue };
            if self.checksum_path(&name).exists() {
                copies.push(name);
            }
        }
        copies.sort_unstable();
        Ok(copies)
    }

    /// Where a copy is.
    pub(crate) fn path(&self, copy: &CopyName) -> PathBuf {
        self.0.join(copy.to_string())
    }

    fn checksum_path(&self, copy: &CopyName) -> PathBuf {
        self.0.join(format!("{copy}.sha256"))
    }

    /// The checksum that stands beside a copy, of the bytes that were restored.
    pub(crate) fn checksum(&self, copy: &CopyName) -> io::Result<String> {
        let line = fs::read_to_string(self.checksum_path(copy))?;
        let sum = line.strip_suffix('\n').and_then(|line| line.strip_suffix(&format!("  {copy}")));
        sum.map(str::to_owned).ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "no line of sha256sum"))
    }

    /// Whether a copy still has the bytes that were restored.
    pub(crate) fn is_sound(&self, copy: &CopyName) -> io::Result<bool> {
        match self.checksum(copy) {
            Err(error) if error.kind() == ErrorKind::InvalidData => Ok(false),
            sum => Ok(sum? == sha256(&self.path(copy))?),
        }
    }

    /// Sets aside a copy that is damaged: it does not count any more, but somebody may still get something out of it.
    /// Gives what it is called now.
    pub(crate) fn set_aside(&self, copy: &CopyName) -> io::Result<String> {
        let name = format!("{copy}{DAMAGED}");
        fs::rename(self.path(copy), self.0.join(&name))?;
        Ok(name)
    }

    /// Gives a file of an attempt the name of a copy, by which it counts from now on; it has this checksum, and was
    /// restored. When this returns, it is on the disk.
    pub(crate) fn add(&self, file: &Path, checksum: &str, copy: &CopyName) -> io::Result<()> {
        let line = file.with_extension("sha256");
        let mut written = File::create_new(&line)?;
        written.write_all(format!("{checksum}  {copy}\n").as_bytes())?;
        written.sync_all()?;
        File::open(file)?.sync_all()?;
        fs::rename(&line, self.checksum_path(copy))?;
        fs::rename(file, self.path(copy))?;
        File::open(&self.0)?.sync_all()
    }

    /// Removes a copy.
    pub(crate) fn remove(&self, copy: &CopyName) -> io::Result<()> {
        fs::remove_file(self.path(copy))?;
        fs::remove_file(self.checksum_path(copy))
    }
}

/// The first bytes of a file, `count` at most.
pub(crate) fn start(path: &Path, count: usize) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    File::open(path)?.take(count as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    let (mut file, mut hash, mut buffer) = (File::open(path)?, Sha256::new(), vec![0; 64 * 1024]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(format!("{:x}", Bytes::copy_from_slice(&hash.finalize()))),
            count => hash.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"a copy";

    /// What `printf 'a copy' | sha256sum` prints.
    const SUM: &str = "c4d233fde303cd0980ad71f6a7707ccfa37550c119be061b566edceb9c671ad1";

    fn folder() -> (TempDir, Folder) {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(&place.path().join("copies")).unwrap();
        (place, folder)
    }

    fn add(folder: &Folder, name: &str) -> CopyName {
        let (attempt, copy) = (folder.begin().unwrap().unwrap(), name.parse().unwrap());
        let file = attempt.place().join("copy.rdb");
        fs::write(&file, TEXT).unwrap();
        folder.add(&file, &sha256(&file).unwrap(), &copy).unwrap();
        copy
    }

    #[test]
    fn a_copy_is_there_with_the_line_that_sha256sum_checks() {
        let (_place, folder) = folder();
        let copy = add(&folder, "ledger-20261128T040000Z-7.rdb");
        assert_eq!(fs::read(folder.path(&copy)).unwrap(), TEXT);
        let line = fs::read_to_string(folder.checksum_path(&copy)).unwrap();
        assert_eq!(line, format!("{SUM}  ledger-20261128T040000Z-7.rdb\n"));
        assert_eq!((folder.copies().unwrap(), folder.is_sound(&copy).unwrap()), (vec![copy.clone()], true));
        folder.remove(&copy).unwrap();
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
    }

    #[test]
    fn a_copy_whose_bytes_or_checksum_changed_is_set_aside_and_kept() {
        let (_place, folder) = folder();
        for (name, damaged) in [("ledger-20261128T040000Z-7.rdb", true), ("ledger-20261128T080000Z-8.rdb", false)] {
            let copy = add(&folder, name);
            if damaged {
                fs::write(folder.path(&copy), b"a cppy").unwrap();
            } else {
                fs::write(folder.checksum_path(&copy), "nothing").unwrap();
            }
            assert!(!folder.is_sound(&copy).unwrap());
            let aside = folder.set_aside(&copy).unwrap();
            assert_eq!(folder.copies().unwrap(), []);
            drop(folder.begin().unwrap().unwrap());
            assert!(folder.0.join(aside).exists() && !folder.checksum_path(&copy).exists());
        }
    }

    #[test]
    fn there_is_one_attempt_at_a_time_and_it_leaves_nothing() {
        let (_place, folder) = folder();
        let attempt = folder.begin().unwrap().unwrap();
        fs::write(attempt.place().join("copy.rdb"), TEXT).unwrap();
        assert!(folder.begin().unwrap().is_none());
        drop(attempt);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_attempt_left_is_no_copy_and_goes_with_the_next() {
        let (_place, folder) = folder();
        let copy = add(&folder, "ledger-20261128T040000Z-7.rdb");
        let left = [".attempt-x/copy.rdb", "ledger-20261128T080000Z-8.rdb.sha256"].map(|name| folder.0.join(name));
        fs::create_dir(folder.0.join(".attempt-x")).unwrap();
        for path in &left {
            fs::write(path, TEXT).unwrap();
        }
        assert_eq!(folder.copies().unwrap(), std::slice::from_ref(&copy));
        drop(folder.begin().unwrap().unwrap());
        assert!(left.iter().all(|path| !path.exists()));
        assert_eq!(folder.copies().unwrap(), [copy]);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_explained() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Folder::open(file.path()).unwrap_err().to_string();
        assert!(error.starts_with("BACKUP_DIR: ") && error.contains("mount a volume"), "{error}");
    }
}
