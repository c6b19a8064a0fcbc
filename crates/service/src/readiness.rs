//! Whether a service can serve right now, and if not, why.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A cloneable handle on one service's readiness: `/readyz` reads it, the service writes it.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Mutex<Shared>>);

#[derive(Debug)]
struct Shared {
    state: State,
    /// A reason not to be ready, whatever the service says of itself.
    withheld: Option<&'static str>,
}

#[derive(Debug)]
enum State {
    Ready,
    Unready(String),
    Stopping,
}

impl Readiness {
    /// Not ready yet, because of `reason`.
    #[must_use]
    pub fn unready(reason: impl Into<String>) -> Self {
        Self::new(State::Unready(reason.into()))
    }

    /// Ready from the start: for a service that depends on nobody.
    #[must_use]
    pub fn ready() -> Self {
        Self::new(State::Ready)
    }

    fn new(state: State) -> Self {
        Self(Arc::new(Mutex::new(Shared { state, withheld: None })))
    }

    /// The service can serve, unless it is stopping.
    pub fn set_ready(&self) {
        self.set(State::Ready);
    }

    /// The service cannot serve, because of `reason`.
    pub fn set_unready(&self, reason: impl Into<String>) {
        self.set(State::Unready(reason.into()));
    }

    /// The service is stopping: it does not become ready again.
    pub fn set_stopping(&self) {
        self.set(State::Stopping);
    }

    /// Has the service be unready for this reason, or without one as it is.
    pub(crate) fn withhold(&self, reason: Option<&'static str>) {
        self.lock().withheld = reason;
    }

    /// Nothing, when the service can serve.
    ///
    /// # Errors
    /// The reason why it cannot.
    pub fn check(&self) -> Result<(), String> {
        let shared = self.lock();
        match (&shared.state, shared.withheld) {
            (State::Stopping, _) => Err("stopping".to_owned()),
            (_, Some(reason)) => Err(reason.to_owned()),
            (State::Unready(reason), None) => Err(reason.clone()),
            (State::Ready, None) => Ok(()),
        }
    }

    fn set(&self, new: State) {
        let state = &mut self.lock().state;
        if !matches!(state, State::Stopping) {
            *state = new;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_told_until_the_service_is_ready() {
        let readiness = Readiness::unready("waiting for redis");
        assert_eq!(readiness.check(), Err("waiting for redis".to_owned()));
        readiness.set_ready();
        assert_eq!(readiness.check(), Ok(()));
    }

    #[test]
    fn a_service_that_is_withheld_is_as_it_was_afterwards_and_says_that_it_stops() {
        let readiness = Readiness::ready();
        readiness.withhold(Some("asked for"));
        readiness.set_ready();
        assert_eq!(readiness.check(), Err("asked for".to_owned()));
        readiness.set_unready("waiting for redis");
        readiness.withhold(None);
        assert_eq!(readiness.check(), Err("waiting for redis".to_owned()));
        readiness.withhold(Some("asked for"));
        readiness.set_stopping();
        assert_eq!(readiness.check(), Err("stopping".to_owned()));
    }

    #[test]
    fn a_stopping_service_never_becomes_ready_again() {
        let readiness = Readiness::ready();
        readiness.set_stopping();
        readiness.set_ready();
        assert_eq!(readiness.check(), Err("stopping".to_owned()));
    }
}
