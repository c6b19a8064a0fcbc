//! Watching from outside: asking, as users do.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use service::logging::colour_is_welcome;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::counts::{Counts, Source};
use super::options::UrlOptions;
use crate::figures::thousands;
use crate::http_client::connection::End;
use crate::http_client::{Addresses, Answer, Connection, Failure, NoAnswer, Target};
use crate::stdout::print;

/// Requests that are on their way or wait to be counted; further ones wait for these.
const REQUESTS_MAX: usize = 10_000;

/// Longest wait for a replica to say its version; then it is what it was.
const WHOAMI_TIMEOUT: Duration = Duration::from_secs(1);

/// Longest text in which a replica may say its version; a longer one says nothing.
const WHOAMI_BYTES_MAX: usize = 64 * 1024;

/// Replicas whose versions are remembered; those of others are not known.
const VERSIONS_MAX: usize = 1000;

const SECOND: Duration = Duration::from_secs(1);

/// A URL that is watched.
struct Watched {
    target: Target,
    addresses: Arc<Addresses>,
    timeout: Duration,
    versions: Versions,
}

/// The versions of replicas, as far as they are known; shared by all URLs.
#[derive(Clone, Debug, Default)]
struct Versions(Arc<Mutex<HashMap<String, String>>>);

/// What became of a request: who answered, or what failed.
type Outcome = Result<Source, String>;

/// What a replica says of itself at `whoami`.
#[derive(Deserialize)]
struct Whoami {
    served_by: String,
    version: String,
}

/// Watches until the time is over, or `signal`; a line for each second, and the sum at the end.
pub(super) async fn watch(options: UrlOptions, signal: &CancellationToken) -> anyhow::Result<()> {
    let (sender, mut outcomes) = mpsc::channel(REQUESTS_MAX);
    let (versions, end) = (Versions::default(), CancellationToken::new());
    for target in &options.targets {
        let addresses = Addresses::of(target).await.with_context(|| format!("cannot ask {target}"))?;
        let (target, timeout, versions) = (target.clone(), options.timeout, versions.clone());
        let watched = Arc::new(Watched { target, addresses, timeout, versions });
        tokio::spawn(watched.ask_on_and_on(options.rate, sender.clone(), end.clone()));
    }
    drop(sender);
    let has_colours = colour_is_welcome(&io::stdout());
    let show = |counts: &Counts| -> anyhow::Result<()> {
        let line = if options.json { serde_json::to_string(counts)? } else { counts.line(has_colours) };
        print(&format!("{line}\n")).context("cannot write what there is to say")
    };
    let start = Instant::now();
    let mut seconds = interval_at(start + SECOND, SECOND);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut second, mut sum) = (Counts::of_second(1), Counts::default());
    loop {
        tokio::select! {
            biased;
            () = over(start, options.duration), if !end.is_cancelled() => end.cancel(),
            () = signal.cancelled(), if !end.is_cancelled() => end.cancel(),
            _ = seconds.tick() => {
                show(&second)?;
                sum.add(&second);
                second = Counts::of_second(second.number + 1);
            }
            outcome = outcomes.recv() => match outcome {
                Some(Ok(source)) => second.count_answer(source),
                Some(Err(failure)) => second.count_failure(failure),
                None => break,
            },
        }
    }
    if second.answers + second.failed > 0 {
        show(&second)?;
        sum.add(&second);
    }
    sum.number = second.number;
    if !options.json {
        print("\n")?;
    }
    show(&sum)?;
    let Counts { answers, failed, .. } = sum;
    ensure!(failed == 0, "{} of {} requests failed", thousands(failed), thousands(answers + failed));
    Ok(())
}

/// Waits until the time is over, for ever without one.
pub(super) async fn over(start: Instant, duration: Option<Duration>) {
    match duration {
        Some(duration) => sleep_until(start + duration).await,
        None => std::future::pending().await,
    }
}

impl Watched {
    /// Asks so many times a second until the end, whatever becomes of each request.
    async fn ask_on_and_on(self: Arc<Self>, rate: f64, outcomes: mpsc::Sender<Outcome>, end: CancellationToken) {
        let mut turns = interval(Duration::from_secs_f64(1.0 / rate));
        turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while end.run_until_cancelled(turns.tick()).await.is_some() {
            // Nobody counts any more when what there is to say cannot be written.
            let Ok(place) = outcomes.clone().reserve_owned().await else { break };
            let watched = self.clone();
            tokio::spawn(async move {
                let outcome = watched.ask().await;
                place.send(outcome.map_err(|failure| format!("{}: {failure}", watched.target)));
            });
        }
    }

    /// Asks once, as a new user: on a connection of its own.
    async fn ask(&self) -> Result<Source, Failure> {
        let connecting = timeout(self.timeout, Connection::open(&self.addresses, End::Reset));
        let started = Instant::now();
        let mut connection = connecting.await.unwrap_or(Err(Failure::NotConnected))?;
        let left = self.timeout.saturating_sub(started.elapsed());
        let answer = match timeout(left, connection.ask(self.target.request())).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(NoAnswer::Failed(failure))) => return Err(failure),
            Ok(Err(NoAnswer::NotAsked)) => return Err(Failure::Closed),
            Err(_) => return Err(Failure::TimedOut),
        };
        if let Some(failure) = answer.failure() {
            return Err(failure);
        }
        Ok(self.source(&answer, connection).await)
    }

    /// Who gave an answer. The same connection leads to the same replica, which may say its version; behind a proxy
    /// it may be another one, which then says its own.
    async fn source(&self, answer: &Answer, connection: Connection) -> Source {
        let Some(replica) = answer.served_by() else { return Source::default() };
        let whoami = timeout(WHOAMI_TIMEOUT, self.whoami(connection)).await.unwrap_or_default();
        let own_version = whoami.as_ref().filter(|whoami| whoami.served_by == replica).map(|it| it.version.clone());
        if let Some(whoami) = whoami {
            self.versions.learn(whoami);
        }
        Source { version: own_version.or_else(|| self.versions.of(replica)), replica: Some(replica.to_owned()) }
    }

    async fn whoami(&self, mut connection: Connection) -> Option<Whoami> {
        if !connection.is_usable().await {
            return None;
        }
        let request = self.target.sibling("whoami")?.closing().request();
        let body = connection.send(request).await.ok()?.into_body();
        let body = Limited::new(body, WHOAMI_BYTES_MAX).collect().await.ok()?;
        serde_json::from_slice(&body.to_bytes()).ok()
    }
}

impl Versions {
    fn learn(&self, whoami: Whoami) {
        let mut versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if versions.len() < VERSIONS_MAX || versions.contains_key(&whoami.served_by) {
            versions.insert(whoami.served_by, whoami.version);
        }
    }

    fn of(&self, replica: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(replica).cloned()
    }
}
