//! Whether the journal can be written: said when that changes, and counted while it lasts.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use service::Readiness;

/// Tells the log, `/readyz` and `/metrics`.
pub(super) struct Condition {
    /// What the journal is called in messages.
    name: String,
    readiness: Readiness,
    failing: Option<Failing>,
}

struct Failing {
    reason: String,
    batches: u64,
}

impl Condition {
    /// It can be written.
    pub(super) fn new(name: String, readiness: Readiness) -> Self {
        describe_counter!("chat_journal_commits_total", Unit::Count, "Batches that the journal has written");
        describe_counter!("chat_journal_failures_total", Unit::Count, "Batches that the journal could not write");
        describe_gauge!("chat_journal_writable", Unit::Count, "Whether the journal could be written the last time");
        gauge!("chat_journal_writable").set(1);
        Self { name, readiness, failing: None }
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// A batch was written.
    pub(super) fn written(&mut self) {
        counter!("chat_journal_commits_total").increment(1);
        self.works();
    }

    /// It could be written.
    pub(super) fn works(&mut self) {
        let Some(Failing { batches, .. }) = self.failing.take() else { return };
        gauge!("chat_journal_writable").set(1);
        self.readiness.set_ready();
        let name = &self.name;
        tracing::info!(count = batches, "{name} can be written again; {batches} batches were refused meanwhile");
    }

    /// A batch could not be written.
    pub(super) fn refused(&mut self, reason: &str) {
        counter!("chat_journal_failures_total").increment(1);
        self.fails(reason);
        if let Some(failing) = &mut self.failing {
            failing.batches += 1;
        }
    }

    /// It could not be written.
    pub(super) fn fails(&mut self, reason: &str) {
        if self.failing.as_ref().is_some_and(|failing| failing.reason == reason) {
            return;
        }
        let batches = self.failing.as_ref().map_or(0, |failing| failing.batches);
        self.failing = Some(Failing { reason: reason.to_owned(), batches });
        gauge!("chat_journal_writable").set(0);
        let name = &self.name;
        self.readiness.set_unready(format!("{name} cannot be written: {reason}"));
        tracing::error!("{name} cannot be written: {reason}; messages are refused until it can");
    }

    /// Why it cannot be written.
    pub(super) fn reason(&self) -> Option<&str> {
        self.failing.as_ref().map(|failing| &*failing.reason)
    }
}
