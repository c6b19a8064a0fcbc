//! What one client of `GET /events` gets next.

use std::time::Duration;

use axum::response::sse::Event;
use devcoin::ledger::{CoinId, LedgerError};
use serde::Serialize;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Slot;
use crate::App;
use crate::answer::{Staleness, Stats};
use crate::ledger::Knowledge;
use crate::recent::Recent;

/// Most coins of an event; further ones are in the next.
const EVENT_COINS_MAX: usize = 100;

/// Shortest time between two events with coins. With [`EVENT_COINS_MAX`] it bounds what a client costs to
/// about 120 KB a second; coins that come faster are left out.
const COINS_INTERVAL: Duration = Duration::from_millis(250);

/// One client.
pub(super) struct Listener {
    knowledge: Knowledge,
    served_by: String,
    /// The last coin that it has.
    place: CoinId,
    /// When it may get the next ones.
    coins_from: Instant,
    /// [`Recent::catch_ups`] when it was sent coins last, or came.
    catch_ups: u64,
    /// What it was told of the ledger.
    told_stale: bool,
    closing: CancellationToken,
    _slot: Slot,
}

impl Listener {
    pub(super) fn new(app: &App, place: CoinId, closing: CancellationToken, slot: Slot) -> Self {
        let mut knowledge = app.knowledge.clone();
        // It begins with the figures as they are.
        knowledge.observed.mark_changed();
        let catch_ups = knowledge.recent.borrow().value().map_or(0, Recent::catch_ups);
        Self {
            knowledge,
            served_by: app.served_by(),
            place,
            coins_from: Instant::now(),
            catch_ups,
            told_stale: false,
            closing,
            _slot: slot,
        }
    }

    /// Waits for what it is to get next; nothing at the service's end.
    pub(super) async fn next(&mut self) -> Option<Event> {
        let closing = self.closing.clone();
        closing.run_until_cancelled(self.next_event()).await.flatten()
    }

    async fn next_event(&mut self) -> Option<Event> {
        let Self { knowledge: Knowledge { observed, recent }, place, coins_from, catch_ups, .. } = self;
        loop {
            let has_coins = async {
                sleep_until(*coins_from).await;
                recent.wait_for(|known| known.value().is_some_and(|recent| is_next(recent, *place, *catch_ups))).await
            };
            tokio::select! {
                changed = observed.changed() => {
                    changed.ok()?;
                    let error = observed.borrow().staleness().cloned();
                    if error.is_some() != self.told_stale {
                        self.told_stale = error.is_some();
                        observed.mark_changed();
                        return event("stale", &staleness(error));
                    }
                    if let Ok((observed, freshness)) = observed.borrow().get() {
                        return event("stats", &Stats::new(&observed.figures, freshness, self.served_by.clone()));
                    }
                }
                known = has_coins => {
                    let known = known.ok()?;
                    let recent = known.value()?;
                    if is_ahead(recent, *place) {
                        *place = CoinId::default();
                    }
                    *catch_ups = recent.catch_ups();
                    let coins: Vec<_> = recent.after(*place, EVENT_COINS_MAX).collect();
                    let Some((last, _)) = coins.last() else { continue };
                    *place = *last;
                    *coins_from = Instant::now() + COINS_INTERVAL;
                    let coins: Vec<_> = coins.iter().map(|(_, coin)| coin).collect();
                    return event("coins", &coins).map(|event| event.id(place.to_string()));
                }
            }
        }
    }
}

/// Whether a client at `place` is to be sent something, or is at a place that the ledger does not have.
///
/// It may come from a replica that has read more; that is over once all was read that there was when it
/// came. The first of two readings may have begun before.
fn is_next(recent: &Recent, place: CoinId, catch_ups: u64) -> bool {
    if is_ahead(recent, place) { recent.catch_ups() >= catch_ups + 2 } else { recent.last() > Some(place) }
}

fn is_ahead(recent: &Recent, place: CoinId) -> bool {
    place > recent.last().unwrap_or_default()
}

fn staleness(error: Option<LedgerError>) -> Staleness {
    Staleness { stale: error.is_some(), reason: error.map(|error| error.to_string()) }
}

fn event(name: &str, data: &impl Serialize) -> Option<Event> {
    // Numbers and texts always serialise.
    Event::default().event(name).json_data(data).ok()
}

#[cfg(test)]
mod tests {
    use devcoin::ledger::RecordedCoin;
    use devcoin::{Coin, Difficulty, MinerId};
    use service::config::{Invocation, parse};
    use service::{Identity, Settings};
    use tokio::sync::watch;

    use super::*;
    use crate::known::{Known, Source};

    #[tokio::test(start_paused = true)]
    async fn coins_come_four_times_a_second_at_most() {
        let coin = |number| RecordedCoin {
            id: CoinId { milliseconds: 1, number },
            coin: Coin { miner: MinerId::new("pi"), nonce: number },
            difficulty: Difficulty::MIN,
        };
        let (mut recent, mut known) = (Recent::default(), Known::nothing());
        recent.add(&(0..300).map(coin).collect::<Vec<_>>(), true);
        known.learn(Source::Primary, recent);
        let (_observed, observed) = watch::channel(Known::nothing());
        let (_recent, recent) = watch::channel(known);
        let Ok(Invocation::Run(config)) = parse::<crate::Config>(&crate::ABOUT, ["api"]) else { panic!() };
        let app = App {
            knowledge: Knowledge { observed, recent },
            event_slots: crate::events::slots(),
            identity: Identity::new(&crate::ABOUT, config.service()),
        };
        let slot = Slot::new(app.event_slots.clone().try_acquire_owned().unwrap());
        let mut listener = Listener::new(&app, CoinId::default(), CancellationToken::new(), slot);
        // The clock stands still but for what is waited for: these times are exact.
        let start = Instant::now();
        for (number, last) in [(0, 99), (1, 199), (2, 299)] {
            assert!(listener.next().await.is_some());
            assert_eq!((start.elapsed(), listener.place.number), (COINS_INTERVAL * number, last));
        }
    }
}
