//! Workers, in threads: each thread has a runtime and counts of its own, so that nobody waits for another.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::Context;
use tokio::runtime;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::tally::Tally;

/// Workers that have begun.
#[derive(Debug)]
pub(crate) struct Crew {
    start: Instant,
    tallies: Vec<Arc<Mutex<Tally>>>,
    news: Tally,
    /// Closed when the last thread has ended.
    at_work: mpsc::Receiver<()>,
}

impl Crew {
    /// Starts a worker for each number below `count`, in as many threads as there are processors. Each gets the
    /// counts that it adds to.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start<W>(
        start: Instant,
        count: usize,
        worker: impl Fn(usize, Arc<Mutex<Tally>>) -> W,
    ) -> anyhow::Result<Self>
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(count);
        let (sender, at_work) = mpsc::channel(1);
        let mut tallies = Vec::new();
        for thread in 0..threads {
            let tally = Arc::new(Mutex::new(Tally::new()));
            let workers = (thread..count).step_by(threads).map(|number| worker(number, tally.clone()));
            let (workers, sender): (Vec<_>, _) = (workers.collect(), sender.clone());
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            let work = move || {
                runtime.block_on(async {
                    let mut set = JoinSet::new();
                    for worker in workers {
                        set.spawn(worker);
                    }
                    while set.join_next().await.is_some() {}
                });
                drop(sender);
            };
            thread::Builder::new().name("load".to_owned()).spawn(work).context("the system gives no thread")?;
            tallies.push(tally);
        }
        Ok(Self { start, tallies, news: Tally::new(), at_work })
    }

    /// Starts workers on the runtime that this is called on. All add to the same counts.
    pub(crate) fn spawn<W>(start: Instant, workers: impl IntoIterator<Item = W>, tally: Arc<Mutex<Tally>>) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let (sender, at_work) = mpsc::channel(1);
        for worker in workers {
            let sender = sender.clone();
            tokio::spawn(async move {
                worker.await;
                drop(sender);
            });
        }
        Self { start, tallies: vec![tally], news: Tally::new(), at_work }
    }

    /// When it began.
    pub(crate) fn start_time(&self) -> Instant {
        self.start
    }

    /// What happened since this was asked last.
    pub(crate) fn news(&mut self) -> &Tally {
        self.news.clear();
        for tally in &self.tallies {
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            self.news.add(&tally);
            tally.clear();
        }
        &self.news
    }

    /// Waits until all workers have ended.
    pub(crate) async fn ended(&mut self) {
        while self.at_work.recv().await.is_some() {}
    }
}
