//! The thread that owns the file.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use redb::ReadTransaction;
use service::Readiness;
use tokio::sync::{mpsc, oneshot};

use super::condition::Condition;
use super::open::Place;
use super::store::Store;
use super::{JournalError, Outcome, QUEUE_WRITES_MAX, Record};

/// After a failure the file is opened anew; when that fails too, all writes fail for this long before
/// it is tried again, since it reads the whole file.
const REOPEN_DELAY: Duration = Duration::from_secs(1);

/// Who waits for a write.
type Waiting = oneshot::Sender<Outcome>;

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Command {
    /// To write records, all or none.
    Write { records: Vec<Record>, done: Waiting },
    /// To give what is written by then, and the directory of the file.
    Snapshot { done: oneshot::Sender<Result<(ReadTransaction, PathBuf), JournalError>> },
    /// To see whether it can be written again, if it could not.
    Probe,
    /// To write what came before, and to close the file.
    Close { done: oneshot::Sender<()> },
}

/// The open file, and the way to open it again.
pub(super) struct Writer {
    place: Place,
    /// Nothing after a failure, until it is opened again.
    store: Option<Store>,
    failed_at: Option<Instant>,
    condition: Condition,
}

impl Writer {
    pub(super) fn new(place: Place, store: Store, readiness: Readiness) -> Self {
        let condition = Condition::new(format!("the journal in {}", place.display()), readiness);
        Self { place, store: Some(store), failed_at: None, condition }
    }

    /// Works until it is told to close, or nobody is left who could tell.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        let mut commands = Vec::new();
        while queue.blocking_recv_many(&mut commands, QUEUE_WRITES_MAX) > 0 {
            let mut batch = Vec::new();
            let mut waiting = Vec::new();
            for command in commands.drain(..) {
                match command {
                    Command::Write { records, done } => {
                        batch.push(records);
                        waiting.push(done);
                    }
                    Command::Snapshot { done } => {
                        self.write(&std::mem::take(&mut batch), std::mem::take(&mut waiting));
                        // Who does not wait any more need not know.
                        let _ = done.send(self.snapshot());
                    }
                    Command::Probe => self.probe(),
                    Command::Close { done } => {
                        self.write(&batch, waiting);
                        self.close();
                        // Who does not wait any more need not know.
                        let _ = done.send(());
                        return;
                    }
                }
            }
            self.write(&batch, waiting);
        }
        self.close();
    }

    fn write(&mut self, batch: &[Vec<Record>], waiting: Vec<Waiting>) {
        if batch.is_empty() {
            return;
        }
        let outcomes = match self.try_write(batch) {
            Ok(outcomes) => {
                self.condition.written();
                outcomes
            }
            Err(reason) => {
                self.condition.refused(&reason);
                vec![Err(JournalError::NotWritten(reason)); batch.len()]
            }
        };
        for (done, outcome) in waiting.into_iter().zip(outcomes) {
            // Who does not wait any more need not know.
            let _ = done.send(outcome);
        }
    }

    /// Gives what became of each write, or why none was tried.
    fn try_write(&mut self, batch: &[Vec<Record>]) -> Result<Vec<Outcome>, String> {
        let store = match &mut self.store {
            Some(store) => store,
            None => self.reopen()?,
        };
        let committed = store.commits() + 1;
        let mut outcomes = Vec::new();
        match store.apply(batch, &mut outcomes) {
            Ok(()) => Ok(outcomes),
            Err(error) => {
                let reason = reason(&error);
                // The database is of no use after a failure; and its file has to be free.
                self.store = None;
                // When the last step failed, only the file can tell whether the batch is in it.
                match self.reopen() {
                    Ok(store) if store.commits() == committed => Ok(outcomes),
                    _ => Err(reason),
                }
            }
        }
    }

    fn snapshot(&mut self) -> Result<(ReadTransaction, PathBuf), JournalError> {
        let store = match &mut self.store {
            Some(store) => store,
            None => self.reopen().map_err(JournalError::NotCopied)?,
        };
        let snapshot = store.snapshot().map_err(|error| JournalError::NotCopied(reason(&error)))?;
        Ok((snapshot, self.place.directory().to_owned()))
    }

    /// Nobody may want to write for as long as the node is not ready: so the journal tries by itself.
    fn probe(&mut self) {
        if !self.condition.is_failing() {
            return;
        }
        let store = match &mut self.store {
            Some(store) => Ok(store),
            None => self.reopen(),
        };
        match store.and_then(|store| store.probe().map_err(|error| reason(&error))) {
            Ok(()) => self.condition.works(),
            Err(reason) => {
                self.store = None;
                self.condition.fails(&reason);
            }
        }
    }

    fn reopen(&mut self) -> Result<&mut Store, String> {
        if let Some(failed_at) = self.failed_at
            && failed_at.elapsed() < REOPEN_DELAY
        {
            let reason = self.condition.reason().unwrap_or("it could not be opened again a moment ago");
            return Err(reason.to_owned());
        }
        match self.place.open() {
            Ok((store, _)) => {
                self.failed_at = None;
                Ok(self.store.insert(store))
            }
            Err(error) => {
                self.failed_at = Some(Instant::now());
                Err(format!("{error:#}"))
            }
        }
    }

    fn close(self) {
        if let Some(Err(error)) = self.store.map(Store::close) {
            tracing::warn!("the journal in {} was not closed well: {error}", self.place.display());
        }
    }
}

/// Why something was not written, for people.
fn reason(error: &redb::Error) -> String {
    match error {
        redb::Error::Io(error) if error.kind() == ErrorKind::StorageFull => "the disk is full".to_owned(),
        redb::Error::Io(error) if error.kind() == ErrorKind::QuotaExceeded => "the disk's quota is used up".to_owned(),
        error => error.to_string(),
    }
}
