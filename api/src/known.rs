//! What was learnt from the ledger, and how old it is.

use devcoin::ledger::LedgerError;
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

/// Which Redis has said something.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// The one that holds the ledger.
    Primary,
    /// The one that copies it, which is asked while the primary is away. It may lack the last coins.
    Replica,
}

/// What is known of a part of the ledger.
#[derive(Debug)]
pub(crate) struct Known<T> {
    value: Option<(T, Instant, Source)>,
    /// Why the primary said nothing the last time.
    error: Option<LedgerError>,
    /// Whether the replica said nothing, either.
    lacks_replica: bool,
}

/// How far an answer can be trusted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct Freshness {
    /// Whether nobody could be asked the last time: these are the last known figures then.
    pub(crate) stale: bool,
    /// Whole seconds since the ledger gave them.
    pub(crate) age_seconds: u64,
    /// Who gave them.
    pub(crate) source: Source,
}

impl<T> Known<T> {
    /// Nothing, as nobody was asked.
    pub(crate) fn nothing() -> Self {
        Self { value: None, error: None, lacks_replica: false }
    }

    /// This one has said so.
    pub(crate) fn learn(&mut self, source: Source, value: T) {
        self.value = Some((value, Instant::now(), source));
        match source {
            Source::Primary => self.error = None,
            Source::Replica => self.lacks_replica = false,
        }
    }

    /// This one did not say anything.
    pub(crate) fn fail(&mut self, source: Source, error: LedgerError) {
        match source {
            Source::Primary => self.error = Some(error),
            Source::Replica => self.lacks_replica = true,
        }
    }

    /// What was said last, and by whom, for what is said now.
    pub(crate) fn take(&mut self) -> Option<(T, Source)> {
        self.value.take().map(|(value, _, source)| (value, source))
    }

    /// The last known value, and how fresh it is.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn get(&self) -> Result<(&T, Freshness), LedgerError> {
        match (&self.value, &self.error) {
            (Some((value, learnt, source)), _) => {
                let (stale, age_seconds) = (self.staleness().is_some(), learnt.elapsed().as_secs());
                Ok((value, Freshness { stale, age_seconds, source: *source }))
            }
            (None, Some(error)) => Err(error.clone()),
            (None, None) => Err(LedgerError::Away("the ledger was not asked yet: try again in a second".to_owned())),
        }
    }

    /// The last known value.
    pub(crate) fn value(&self) -> Option<&T> {
        self.value.as_ref().map(|(value, ..)| value)
    }

    /// Who gave it.
    pub(crate) fn source(&self) -> Option<Source> {
        self.value.as_ref().map(|(_, _, source)| *source)
    }

    /// Why the primary said nothing the last time.
    pub(crate) fn error(&self) -> Option<&LedgerError> {
        self.error.as_ref()
    }

    /// Why the last known value is not what the ledger says now, if that is so.
    pub(crate) fn staleness(&self) -> Option<&LedgerError> {
        let is_of_replica = self.source() == Some(Source::Replica) && !self.lacks_replica;
        self.error().filter(|_| !is_of_replica)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Source::{Primary, Replica};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failure_makes_it_stale_and_older_until_the_ledger_answers_again() {
        let mut known = Known::nothing();
        assert!(matches!(known.get(), Err(LedgerError::Away(_))));
        known.fail(Primary, LedgerError::Refused("no".to_owned()));
        assert_eq!(known.get(), Err(LedgerError::Refused("no".to_owned())));
        known.learn(Primary, 1);
        assert_eq!(known.get(), Ok((&1, Freshness { stale: false, age_seconds: 0, source: Primary })));
        known.fail(Primary, LedgerError::Away("gone".to_owned()));
        tokio::time::advance(Duration::from_millis(7900)).await;
        assert_eq!(known.get(), Ok((&1, Freshness { stale: true, age_seconds: 7, source: Primary })));
        known.learn(Primary, 2);
        assert_eq!(known.get(), Ok((&2, Freshness { stale: false, age_seconds: 0, source: Primary })));
    }

    #[test]
    fn what_the_replica_says_is_stale_only_once_it_is_away_as_well() {
        let away = |who: &str| LedgerError::Away(who.to_owned());
        let mut known = Known::nothing();
        known.learn(Primary, 1);
        known.fail(Primary, away("primary"));
        known.fail(Replica, away("replica"));
        assert_eq!(known.staleness(), Some(&away("primary")));
        known.learn(Replica, 2);
        assert_eq!((known.staleness(), known.error()), (None, Some(&away("primary"))));
        known.fail(Primary, away("still"));
        assert_eq!(known.get(), Ok((&2, Freshness { stale: false, age_seconds: 0, source: Replica })));
        known.fail(Replica, away("replica"));
        assert_eq!(known.get(), Ok((&2, Freshness { stale: true, age_seconds: 0, source: Replica })));
        known.learn(Primary, 3);
        assert_eq!(known.get(), Ok((&3, Freshness { stale: false, age_seconds: 0, source: Primary })));
    }
}
