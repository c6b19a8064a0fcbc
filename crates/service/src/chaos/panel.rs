//! Which knobs are on, and what that does.

use std::collections::BTreeMap;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use axum::http::StatusCode;
use metrics::{describe_gauge, gauge};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::knob::{Knob, Turned};
use super::{AskedFor, Role, shown};
use crate::error::HttpError;
use crate::readiness::Readiness;

/// Pause before an exit, in which the answer gets to who asked for it.
const EXIT_DELAY: Duration = Duration::from_millis(100);

const MEBIBYTE: usize = 1024 * 1024;

/// What `/readyz` says.
const NOT_READY: &str = "this was asked for: the knob not-ready is on";

/// The knobs of one instance.
#[derive(Debug)]
pub(crate) struct Panel {
    token: SecretString,
    readiness: Readiness,
    pub(super) role: Role,
    /// Who hears of an exit instead of the process.
    exit: Option<mpsc::Sender<u8>>,
    on: watch::Sender<Knobs>,
    /// Whether one of them is about requests, which spares those a lock.
    concerns_requests: AtomicBool,
    /// They are turned on one after the other, so that no more memory is held than one may hold.
    turn: Mutex<()>,
}

/// Those that are on, by their names.
type Knobs = BTreeMap<&'static str, On>;

/// A knob that is on.
#[derive(Debug)]
struct On {
    knob: Knob,
    ends: Instant,
    /// What [`Knob::Memory`] holds.
    _memory: Option<Vec<u8>>,
}

impl Panel {
    pub(super) fn new(token: SecretString, readiness: Readiness, role: Role, exit: Option<mpsc::Sender<u8>>) -> Self {
        let (on, concerns_requests, turn) = (watch::Sender::default(), AtomicBool::new(false), Mutex::default());
        Self { token, readiness, role, exit, on, concerns_requests, turn }
    }

    /// Shows in the metrics that no knob is on.
    pub(super) fn describe(&self) {
        describe_gauge!("chaos_knob", "Whether a knob is on that breaks this instance for a while, by its name");
        self.change(|_| {});
    }

    /// Whether this is the token. How long that takes tells its length at most.
    pub(super) fn is_token(&self, given: &[u8]) -> bool {
        given.ct_eq(self.token.expose_secret().as_bytes()).into()
    }

    pub(super) fn concerns_requests(&self) -> bool {
        self.concerns_requests.load(Relaxed)
    }

    /// Waits until nothing hangs.
    pub(super) async fn hang_over(&self) {
        // It ends well: the sender is here.
        let _ = self.on.subscribe().wait_for(|on| !on.contains_key(Knob::Hang {}.name())).await;
    }

    /// Waits for as long as requests are to wait.
    pub(super) async fn wait(&self) {
        self.hang_over().await;
        let latency = |on: &Knobs| on.values().find_map(|on| on.knob.latency());
        let time = latency(&self.on.borrow());
        if let Some(time) = time {
            // A knob that is over holds nobody up.
            let _ = timeout(time, self.on.subscribe().wait_for(|on| latency(on).is_none())).await;
        }
    }

    /// Does the same, and then lets the request go on or fail.
    pub(super) async fn admit(&self) -> Result<(), AskedFor> {
        self.wait().await;
        let percent = self.on.borrow().values().find_map(|on| on.knob.errors()).unwrap_or_default();
        // An order has 100 at most.
        if rand::random_ratio(percent.into(), 100) { Err(AskedFor { percent }) } else { Ok(()) }
    }

    /// Turns a knob on, instead of one of the same kind that may be on.
    ///
    /// # Errors
    /// When there is not so much memory.
    pub(super) async fn turn_on(self: &Arc<Self>, knob: Knob, time: Duration) -> Result<Turned, HttpError> {
        let (name, effect) = (knob.name(), knob.effect(self.role));
        let duration_seconds = time.as_secs_f64();
        let _turn = self.turn.lock().await;
        // Before it is: holding memory may be the end of this process.
        tracing::warn!(knob = name, duration_seconds, "knob {name}: {effect}, for {}", shown(time));
        let memory = match knob {
            Knob::Memory { mebibytes } => {
                self.change(|on| drop(on.remove(name)));
                Some(hold(mebibytes).await?)
            }
            _ => None,
        };
        let ends = Instant::now() + time;
        self.change(|on| drop(on.insert(name, On { knob, ends, _memory: memory })));
        let panel = self.clone();
        tokio::spawn(async move {
            sleep_until(ends).await;
            // One that replaced it ends later.
            panel.turn_off(|other, on| other == name && on.ends == ends, "is over");
        });
        Ok(Turned { knob: name.to_owned(), effect, ends_in_seconds: duration_seconds })
    }

    /// Ends this instance, but for [`EXIT_DELAY`] at once: nothing is finished or saved.
    pub(super) fn exit(&self, code: u8) -> Turned {
        let knob = Knob::Exit { code };
        let (name, effect) = (knob.name(), knob.effect(self.role));
        tracing::warn!(knob = name, code, "knob {name}: {effect}");
        let exit = self.exit.clone();
        tokio::spawn(async move {
            sleep(EXIT_DELAY).await;
            match exit {
                // Full: it is told already.
                Some(exit) => drop(exit.try_send(code)),
                None => process::exit(code.into()),
            }
        });
        Turned { knob: name.to_owned(), effect, ends_in_seconds: 0.0 }
    }

    /// Takes the knob of this name back, or without a name all of them.
    pub(super) fn take_back(&self, name: Option<&str>) {
        self.turn_off(|other, _| name.is_none_or(|name| name == other), "is taken back");
    }

    /// Those that are on.
    pub(super) fn list(&self) -> Vec<Turned> {
        let now = Instant::now();
        let turned = |(name, on): (&&str, &On)| Turned {
            knob: (*name).to_owned(),
            effect: on.knob.effect(self.role),
            ends_in_seconds: on.ends.saturating_duration_since(now).as_secs_f64(),
        };
        self.on.borrow().iter().map(turned).collect()
    }

    fn turn_off(&self, which: impl Fn(&str, &On) -> bool, how: &str) {
        let mut off = Vec::new();
        self.change(|on| off.extend(on.extract_if(.., |name, on| which(name, on))));
        for (name, _) in off {
            tracing::info!(knob = name, "knob {name} {how}");
        }
    }

    /// Changes which knobs are on, and all that follows from it.
    fn change(&self, change: impl FnOnce(&mut Knobs)) {
        self.on.send_modify(|on| {
            change(on);
            let withheld = on.contains_key(Knob::NotReady {}.name()).then_some(NOT_READY);
            self.readiness.withhold(withheld);
            self.concerns_requests.store(on.values().any(|on| on.knob.concerns_requests()), Relaxed);
            for name in Knob::NAMES {
                gauge!("chaos_knob", "knob" => name).set(u8::from(on.contains_key(name)));
            }
        });
    }
}

/// Takes memory, and writes into all of it: what nobody has written to takes none.
async fn hold(mebibytes: u64) -> Result<Vec<u8>, HttpError> {
    let take = move || {
        let bytes = usize::try_from(mebibytes).ok()?.checked_mul(MEBIBYTE)?;
        let mut memory = Vec::new();
        memory.try_reserve_exact(bytes).ok()?;
        let written = vec![1; MEBIBYTE];
        for _ in 0..mebibytes {
            memory.extend_from_slice(&written);
        }
        Some(memory)
    };
    // It takes a tenth of a second and more.
    spawn_blocking(take).await.ok().flatten().ok_or_else(|| {
        tracing::error!("knob memory: the system gives no {mebibytes} MiB");
        HttpError::new(StatusCode::INSUFFICIENT_STORAGE, format!("the system gives no {mebibytes} MiB of memory"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel() -> Arc<Panel> {
        Arc::new(Panel::new("salmon".into(), Readiness::ready(), Role::Server, None))
    }

    #[test]
    fn a_token_is_known_as_a_whole_only() {
        let panel = panel();
        assert!(panel.is_token(b"salmon"));
        for wrong in ["", "salmo", "salmons", "Salmon", "trout!"] {
            assert!(!panel.is_token(wrong.as_bytes()), "{wrong}");
        }
        assert!(!format!("{panel:?}").contains("salmon"));
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_of_a_hundred_requests_fail() {
        let panel = panel();
        panel.turn_on(Knob::Errors { percent: 30 }, Duration::from_secs(1)).await.unwrap();
        let mut failed = 0;
        for _ in 0..10_000 {
            failed += u32::from(panel.admit().await.is_err());
        }
        // Eleven standard deviations.
        assert!((2_500..3_500).contains(&failed), "{failed}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_waits_goes_on_when_its_knob_is_over_or_taken_back() {
        for knob in [Knob::Latency { milliseconds: 30_000 }, Knob::Hang {}] {
            for is_taken_back in [false, true] {
                let (panel, start) = (panel(), Instant::now());
                panel.turn_on(knob, Duration::from_secs(9)).await.unwrap();
                let take_back = async {
                    sleep(Duration::from_secs(4)).await;
                    if is_taken_back {
                        panel.take_back(Some(knob.name()));
                    }
                };
                tokio::join!(panel.wait(), take_back);
                let seconds = if is_taken_back { 4 } else { 9 };
                assert_eq!(start.elapsed().as_secs(), seconds, "{knob:?}");
                assert!(!panel.concerns_requests());
            }
        }
    }

    #[tokio::test]
    async fn memory_that_is_held_is_written_to() {
        let memory = hold(3).await.unwrap();
        assert!(memory.len() == 3 * MEBIBYTE && memory.iter().all(|byte| *byte != 0));
    }
}
