//! Copying again and again, and saying how old the newest copies are.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use service::Readiness;

use crate::clock::Clock;
use crate::copy::CopyName;
use crate::folder::Folder;
use crate::keep;
use crate::take::{Source, TakeError, blocking};

/// Longest time between two looks at the clock: it may be set, as that of a Raspberry Pi is some time after the start. It
/// is also how soon a copy that failed is tried again.
const GLANCE: Duration = Duration::from_mins(1);

/// The part of the interval by which the newest copy may be older than that, before the service is not ready any more.
const GRACE: u32 = 16;

/// The endless work of the service.
pub(crate) struct Rounds {
    watched: Vec<Watched>,
    folder: Folder,
    clock: Arc<dyn Clock>,
    interval: Duration,
    readiness: Readiness,
}

/// Something that copies are taken of.
struct Watched {
    source: Source,
    /// Why there was no copy the last time, and how often.
    failing: Option<(String, u64)>,
}

impl Rounds {
    pub(crate) fn new(
        sources: Vec<Source>,
        folder: Folder,
        clock: Arc<dyn Clock>,
        interval: Duration,
        readiness: Readiness,
    ) -> Self {
        describe_counter!("backup_attempts_total", Unit::Count, "Tries to take a copy, by what became of them");
        describe_counter!("backup_damaged_total", Unit::Count, "Copies that were found damaged, and set aside");
        describe_gauge!("backup_copies", Unit::Count, "Copies that were restored and are kept");
        describe_gauge!("backup_newest_timestamp_seconds", Unit::Seconds, "When the newest of them was taken");
        describe_gauge!("backup_newest_count", Unit::Count, "Coins or messages of the newest of them");
        let watched = sources.into_iter().map(|source| Watched { source, failing: None }).collect();
        Self { watched, folder, clock, interval, readiness }
    }

    /// Goes on for ever.
    pub(crate) async fn run(mut self) {
        set_damaged_aside(&self.folder).await;
        loop {
            self.look().await;
            self.clock.sleep(self.interval.min(GLANCE)).await;
        }
    }

    /// Takes the copies that are due, and says how things are.
    async fn look(&mut self) {
        let mut reasons = Vec::new();
        for watched in &mut self.watched {
            let now = self.clock.now();
            if watched.newest(&self.folder, now).await.is_none_or(|(_, age)| age >= signed(self.interval)) {
                set_damaged_aside(&self.folder).await;
                match watched.source.take(&self.folder, now).await {
                    Ok(copy) => watched.note_copy(&copy, &self.folder).await,
                    Err(error) => watched.note_failure(&error, self.interval.min(GLANCE)),
                }
            }
            reasons.extend(watched.tell(&self.folder, now, self.interval + self.interval / GRACE).await);
        }
        match &reasons[..] {
            [] => self.readiness.set_ready(),
            reasons => self.readiness.set_unready(reasons.join("; ")),
        }
    }
}

impl Watched {
    /// Its copies, the oldest first. While the folder cannot be read, there are none.
    async fn copies(&self, folder: &Folder) -> Vec<CopyName> {
        let folder = folder.clone();
        let copies = blocking(move || folder.copies()).await.unwrap_or_else(|error| {
            tracing::error!("the folder of the copies cannot be read: {error}");
            Vec::new()
        });
        copies.into_iter().filter(|copy| copy.of == self.source.of).collect()
    }

    /// The newest copy and its age. One that a wrong clock has dated later than now says nothing of how old it is.
    async fn newest(&self, folder: &Folder, now: Timestamp) -> Option<(CopyName, SignedDuration)> {
        let newest = self.copies(folder).await.into_iter().rev().find(|copy| copy.taken <= now)?;
        let age = now.duration_since(newest.taken);
        Some((newest, age))
    }

    async fn note_copy(&mut self, copy: &CopyName, folder: &Folder) {
        let of = copy.of.to_string();
        counter!("backup_attempts_total", "of" => of, "result" => "good").increment(1);
        let (count, counted) = (copy.count, copy.of.counted());
        match self.failing.take() {
            None => tracing::info!(count, "{copy} was restored, and has {count} {counted}"),
            Some((_, tries)) => {
                tracing::info!(count, "{copy} was restored, and has {count} {counted}; {tries} tries failed before");
            }
        }
        let copies = self.copies(folder).await;
        if let Some(best) = keep::best(&copies).filter(|best| copy.of.only_grows() && best.count > count) {
            tracing::warn!(
                count,
                "{} has lost {counted}: {best} has {}, and {copy} {count}",
                copy.of.title(),
                best.count
            );
        }
        let (folder, surplus) = (folder.clone(), keep::surplus(&copies));
        let removed = blocking(move || surplus.iter().try_for_each(|copy| folder.remove(copy))).await;
        if let Err(error) = removed {
            tracing::error!("a copy that is not kept any more cannot be removed: {error}");
        }
    }

    fn note_failure(&mut self, error: &TakeError, delay: Duration) {
        let of = &self.source.of;
        counter!("backup_attempts_total", "of" => of.to_string(), "result" => error.kind()).increment(1);
        let reason = error.to_string();
        let (before, tries) = self.failing.take().unwrap_or_default();
        // It may go on for long: the log has its begin, its changes and its end, and the metric how often.
        if before != reason {
            tracing::warn!("no copy of {}: {reason}; trying again every {delay:?}", of.title());
        }
        self.failing = Some((reason, tries + 1));
    }

    /// Tells `/metrics`, and gives what is wrong, if the newest copy is older than this.
    async fn tell(&self, folder: &Folder, now: Timestamp, age_max: Duration) -> Option<String> {
        let of = &self.source.of;
        let copies = u32::try_from(self.copies(folder).await.len()).unwrap_or(u32::MAX);
        gauge!("backup_copies", "of" => of.to_string()).set(copies);
        let why = self.failing.as_ref().map_or(String::new(), |(reason, _)| format!(": {reason}"));
        let Some((newest, age)) = self.newest(folder, now).await else {
            return Some(format!("there is no copy of {} yet{why}", of.title()));
        };
        #[expect(clippy::cast_precision_loss, reason = "both stay far below the 2⁵³ that a float holds exactly")]
        let (taken, count) = (newest.taken.as_second() as f64, newest.count as f64);
        gauge!("backup_newest_timestamp_seconds", "of" => of.to_string()).set(taken);
        gauge!("backup_newest_count", "of" => of.to_string()).set(count);
        let (hours, minutes) = (age.as_hours(), age.as_mins() % 60);
        (age > signed(age_max))
            .then(|| format!("the newest copy of {} is {hours} h {minutes} min old{why}", of.title()))
    }
}

/// Looks at the bytes of all copies: a disk may go bad.
async fn set_damaged_aside(folder: &Folder) {
    let at_work = folder.clone();
    let look = move || {
        let mut damaged = Vec::new();
        for copy in at_work.copies()? {
            if !at_work.is_sound(&copy)? {
                damaged.push((at_work.set_aside(&copy)?, copy));
            }
        }
        Ok(damaged)
    };
    match blocking(look).await {
        Ok(damaged) => {
            for (name, copy) in damaged {
                counter!("backup_damaged_total", "of" => copy.of.to_string()).increment(1);
                tracing::error!("{copy} is damaged: its SHA-256 is not what stands beside it; it is {name} now");
            }
        }
        Err(error) => tracing::error!("the copies cannot be read: {error}"),
    }
}

fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}
