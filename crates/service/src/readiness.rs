//! Whether a service can serve right now, and if not, why.

use std::sync::{Arc, Mutex, PoisonError};

/// A cloneable handle on one service's readiness: `/readyz` reads it, the service writes it.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Mutex<State>>);

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
        Self(Arc::new(Mutex::new(State::Unready(reason.into()))))
    }

    /// Ready from the start: for a service that depends on nobody.
    #[must_use]
    pub fn ready() -> Self {
        Self(Arc::new(Mutex::new(State::Ready)))
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

    /// Nothing, when the service can serve.
    ///
    /// # Errors
    /// The reason why it cannot.
    pub fn check(&self) -> Result<(), String> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Ready => Ok(()),
            State::Unready(reason) => Err(reason.clone()),
            State::Stopping => Err("stopping".to_owned()),
        }
    }

    fn set(&self, new: State) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*state, State::Stopping) {
            *state = new;
        }
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
    fn a_stopping_service_never_becomes_ready_again() {
        let readiness = Readiness::ready();
        readiness.set_stopping();
        readiness.set_ready();
        assert_eq!(readiness.check(), Err("stopping".to_owned()));
    }
}
