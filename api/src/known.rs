//! What was learnt from the ledger, and how old it is.

use devcoin::ledger::LedgerError;
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

/// What is known of a part of the ledger.
#[derive(Debug)]
pub(crate) struct Known<T> {
    value: Option<(T, Instant)>,
    error: Option<LedgerError>,
}

/// How far an answer can be trusted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct Age {
    /// Whether the ledger could not be asked the last time: these are the last known figures then.
    pub(crate) stale: bool,
    /// Whole seconds since the ledger gave them.
    pub(crate) age_seconds: u64,
}

impl<T> Known<T> {
    /// Nothing, as nobody was asked.
    pub(crate) fn nothing() -> Self {
        Self { value: None, error: None }
    }

    /// The ledger has said so.
    pub(crate) fn learn(&mut self, value: T) {
        *self = Self { value: Some((value, Instant::now())), error: None };
    }

    /// The ledger did not say anything.
    pub(crate) fn fail(&mut self, error: LedgerError) {
        self.error = Some(error);
    }

    /// What the ledger said last, for what it says now.
    pub(crate) fn take(&mut self) -> Option<T> {
        self.value.take().map(|(value, _)| value)
    }

    /// The last known value and its age.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn get(&self) -> Result<(&T, Age), LedgerError> {
        match (&self.value, &self.error) {
            (Some((value, learnt)), error) => {
                Ok((value, Age { stale: error.is_some(), age_seconds: learnt.elapsed().as_secs() }))
            }
            (None, Some(error)) => Err(error.clone()),
            (None, None) => Err(LedgerError::Away("the ledger was not asked yet: try again in a second".to_owned())),
        }
    }

    /// The last known value.
    pub(crate) fn value(&self) -> Option<&T> {
        self.value.as_ref().map(|(value, _)| value)
    }

    /// Why the ledger said nothing the last time.
    pub(crate) fn error(&self) -> Option<&LedgerError> {
        self.error.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failure_makes_it_stale_and_older_until_the_ledger_answers_again() {
        let mut known = Known::nothing();
        assert!(matches!(known.get(), Err(LedgerError::Away(_))));
        known.fail(LedgerError::Refused("no".to_owned()));
        assert_eq!(known.get(), Err(LedgerError::Refused("no".to_owned())));
        known.learn(1);
        assert_eq!(known.get(), Ok((&1, Age { stale: false, age_seconds: 0 })));
        known.fail(LedgerError::Away("gone".to_owned()));
        tokio::time::advance(Duration::from_millis(7900)).await;
        assert_eq!(known.get(), Ok((&1, Age { stale: true, age_seconds: 7 })));
        known.learn(2);
        assert_eq!(known.get(), Ok((&2, Age { stale: false, age_seconds: 0 })));
    }
}
