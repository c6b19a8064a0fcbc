//! All instances: which there are, and which of them run.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::command::{Command, HELP};
use super::console::Console;
use super::instance::{Instance, Site};
use super::options::{Demo, MINERS_MAX};
use super::thread::{End, Surroundings};
use super::{address, table, thread};

/// Ends that wait to be noted; further threads wait with theirs, which holds nobody up.
const ENDS_WAITING_MAX: usize = 16;

/// The instances, in the order of their start.
#[derive(Debug)]
pub(crate) struct Yard {
    instances: BTreeMap<Instance, State>,
    surroundings: Surroundings,
    ends: mpsc::Receiver<End>,
}

#[derive(Debug)]
enum State {
    /// The token stops it.
    Running(CancellationToken),
    Stopping,
    /// It will not be there any more when it has stopped.
    Leaving,
    Stopped,
}

impl Yard {
    pub(crate) fn new(site: Arc<Site>, console: Console, clock: Clock) -> Self {
        let (sender, ends) = mpsc::channel(ENDS_WAITING_MAX);
        Self { instances: BTreeMap::new(), surroundings: Surroundings { site, console, clock, ends: sender }, ends }
    }

    /// Starts them: all of them have their ports before the first one runs, so that nobody finds another one
    /// missing.
    ///
    /// # Errors
    /// When one cannot be started; then none of them runs.
    pub(crate) async fn start(&mut self, instances: &[Instance]) -> anyhow::Result<()> {
        let mut starting = Vec::new();
        for &instance in instances {
            starting.push((instance, thread::start(instance, self.surroundings.clone())?));
        }
        let offset = self.surroundings.site.options.port_offset;
        for (instance, starting) in &mut starting {
            starting.bound().await.map_err(|error| address::explain(*instance, error, offset))?;
        }
        let running = starting.into_iter().map(|(instance, starting)| (instance, State::Running(starting.run())));
        self.instances.extend(running);
        Ok(())
    }

    /// Stops all, a service at a time, in the reverse order of their start.
    pub(crate) async fn stop(mut self) {
        let order: Vec<_> = self.instances.keys().rev().copied().collect();
        for service in order.chunk_by(|one, next| mem::discriminant(one) == mem::discriminant(next)) {
            for &instance in service {
                self.begin_to_stop(instance, State::Stopping);
            }
            for instance in service {
                while !matches!(self.instances.get(instance), None | Some(State::Stopped)) {
                    self.note_end().await;
                }
            }
        }
    }

    /// Waits until an instance has ended, by itself or because it was stopped, and notes it.
    pub(crate) async fn note_end(&mut self) {
        // This holds a sender itself, so that there is always an end in the end.
        let Some((instance, end)) = self.ends.recv().await else { return };
        if let Err(error) = end {
            tracing::error!("{instance} has failed: {error:#}; `start {instance}` starts it again");
        }
        match self.instances.remove(&instance) {
            None | Some(State::Leaving) => {}
            Some(_) => drop(self.instances.insert(instance, State::Stopped)),
        }
    }

    /// Carries a command out, and gives the answer; an `Err` says why not.
    pub(crate) async fn carry_out(&mut self, command: Command) -> Result<String, String> {
        match command {
            Command::Stop(name) => {
                let instance = self.find(&name)?;
                match self.instances.get(&instance) {
                    Some(State::Running(_)) => self.begin_to_stop(instance, State::Stopping),
                    _ => return Err(format!("{instance} does not run")),
                }
                Ok(format!("{instance} is told to stop"))
            }
            Command::Start(name) => {
                let instance = self.find(&name)?;
                // It takes its time-outs at most.
                while matches!(self.instances.get(&instance), Some(State::Stopping)) {
                    self.note_end().await;
                }
                match self.instances.get(&instance) {
                    Some(State::Stopped) => self.start_one(instance).await,
                    Some(State::Running(_)) => Err(format!("{instance} runs already")),
                    _ => Err(format!("{instance} is on its way out")),
                }
            }
            Command::AddMiner if !self.surroundings.site.options.only.contains(&Demo::Devcoin) => {
                Err("there is nothing to mine for: the demo devcoin does not run".to_owned())
            }
            Command::AddMiner => {
                let free = (1..=MINERS_MAX).map(Instance::Miner).find(|miner| !self.instances.contains_key(miner));
                self.start_one(free.ok_or_else(|| format!("{MINERS_MAX} miners are the most"))?).await
            }
            Command::RemoveMiner => self.remove_miner(),
            Command::List => Ok(self.table()),
            Command::Help => Ok(HELP.to_owned()),
            Command::Nothing => Ok(String::new()),
        }
    }

    /// What runs, and where.
    pub(crate) fn table(&self) -> String {
        let site = &self.surroundings.site;
        table::table(
            site,
            self.instances.iter().map(|(instance, state)| match state {
                State::Running(_) => (*instance, site.shown_url(instance.port())),
                State::Stopping | State::Leaving => (*instance, "stopping".to_owned()),
                State::Stopped => (*instance, "stopped".to_owned()),
            }),
        )
    }

    async fn start_one(&mut self, instance: Instance) -> Result<String, String> {
        self.start(&[instance]).await.map_err(|error| format!("{error:#}"))?;
        let address = self.surroundings.site.shown_url(instance.port());
        Ok(format!("{instance} is started, at {address}"))
    }

    /// Takes away the last one that is not on its way out already.
    fn remove_miner(&mut self) -> Result<String, String> {
        let last = self.instances.iter().rev().find_map(|(instance, state)| match (instance, state) {
            (Instance::Miner(_), State::Running(_) | State::Stopped) => Some(*instance),
            _ => None,
        });
        let miner = last.ok_or("there is no miner")?;
        match self.instances.get(&miner) {
            Some(State::Running(_)) => self.begin_to_stop(miner, State::Leaving),
            _ => drop(self.instances.remove(&miner)),
        }
        Ok(format!("{miner} is removed"))
    }

    fn begin_to_stop(&mut self, instance: Instance, next: State) {
        if let Some(state) = self.instances.get_mut(&instance)
            && let State::Running(token) = state
        {
            token.cancel();
            *state = next;
        }
    }

    fn find(&self, name: &str) -> Result<Instance, String> {
        let found = self.instances.keys().find(|instance| instance.to_string() == name);
        found.copied().ok_or_else(|| {
            let names: Vec<_> = self.instances.keys().map(ToString::to_string).collect();
            format!("there is no {}; there are {}", name.escape_debug(), names.join(", "))
        })
    }
}
