//! Asking everybody, once a second, for as long as somebody looks.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use reqwest::Client;
use service::outgoing;
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::Viewers;
use super::instances::{Instances, Snapshot};
use super::lookup::Lookup;
use super::place::Place;
use super::report::{ANSWER_TIMEOUT, ask};

/// Time between two rounds.
const ROUND_INTERVAL: Duration = Duration::from_secs(1);

/// Most addresses that are asked in a round; of further ones only the number is told.
const ADDRESSES_MAX: usize = 500;

/// So long a connection is kept for the next round. When nobody looks any more, they are closed soon.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest wait for the first addresses; then the first round begins with those that are known.
const FIRST_LOOKUP_TIMEOUT: Duration = Duration::from_millis(500);

/// Asks the instances, and shows viewers what they say.
#[derive(Debug)]
pub(crate) struct Rounds {
    places: Vec<Place>,
    client: Client,
    viewers: Arc<Viewers>,
}

impl Rounds {
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub(crate) fn new(places: Vec<Place>, viewers: Arc<Viewers>) -> anyhow::Result<Self> {
        let client = outgoing::client(ANSWER_TIMEOUT, ANSWER_TIMEOUT)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()?;
        Ok(Self { places, client, viewers })
    }

    /// Goes on for ever.
    pub(crate) async fn run(self) {
        loop {
            self.viewers.wait_for_one().await;
            tokio::select! {
                () = self.ask_for_ever() => {}
                () = self.viewers.wait_for_none() => {}
            }
            self.viewers.show(None);
        }
    }

    async fn ask_for_ever(&self) {
        let lookups: Vec<_> = self.places.iter().map(Lookup::new).collect();
        let found_once = Semaphore::new(0);
        let looking = join_all(lookups.iter().map(|lookup| lookup.keep_looking(|| found_once.add_permits(1))));
        let asking = async {
            // There are as few places as somebody has written down.
            let all = u32::try_from(lookups.len()).unwrap_or(u32::MAX);
            let _ = timeout(FIRST_LOOKUP_TIMEOUT, found_once.acquire_many(all)).await;
            self.keep_asking(&lookups).await;
        };
        join(looking, asking).await;
    }

    async fn keep_asking(&self, lookups: &[Lookup<'_>]) {
        let mut instances = Instances::default();
        let mut ticks = interval(ROUND_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let found: Vec<_> = lookups.iter().map(|lookup| (lookup.place, lookup.found())).collect();
            let mut addresses: BTreeSet<SocketAddr> = instances.addresses().collect();
            addresses.extend(found.iter().flat_map(|(_, found)| found));
            let beyond = addresses.len().saturating_sub(ADDRESSES_MAX);
            let answer = async |address| Some((address, ask(&self.client, address).await?));
            let answers = join_all(addresses.into_iter().take(ADDRESSES_MAX).map(answer)).await;
            let answers: Vec<_> = answers.into_iter().flatten().collect();
            let answered: BTreeSet<_> = answers.iter().map(|(address, _)| *address).collect();
            let absent = found.iter().filter(|(_, found)| !found.iter().any(|address| answered.contains(address)));
            let absent = absent.map(|(place, _)| place.to_string()).collect();
            let at = Instant::now();
            instances.note(answers, at);
            self.viewers.show(Some(Snapshot { instances: instances.all(), absent, beyond, at }));
        }
    }
}
