//! `swarmyard break`: what goes wrong on purpose, and for a while.

use anyhow::ensure;
use service::chaos::Knob;
use service::program::say;
use service::time::for_people;
use tokio::runtime;

mod instance;
mod options;
mod place;

pub(crate) use options::{MANUAL, Options};

use crate::stdout::print;
use instance::Instance;

/// Turns knobs, takes them back, or tells which are on, as `options` say.
///
/// # Errors
/// When nobody is there, or an instance refuses.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(carry_out(options));
    // A thread may hang in a name lookup.
    runtime.shutdown_background();
    result
}

async fn carry_out(options: &Options) -> anyhow::Result<()> {
    let instances = options.place.instances(options.all, options.token()?.as_ref()).await?;
    if let [instance] = &instances[..] {
        return carry_out_at(instance, options).await;
    }
    let mut failed = 0;
    for instance in &instances {
        if let Err(error) = carry_out_at(instance, options).await {
            say(&format!("{}: {error:#}", crate::ABOUT.name));
            failed += 1;
        }
    }
    ensure!(failed == 0, "{failed} of {} instances did not do it", instances.len());
    Ok(())
}

async fn carry_out_at(instance: &Instance, options: &Options) -> anyhow::Result<()> {
    let knobs = options.knobs.all();
    if options.end {
        let name = instance.take_all_back().await?;
        print(&format!("{name}: nothing is broken any more\n"))?;
    } else if knobs.is_empty() {
        let (name, turned) = instance.list().await?;
        if turned.is_empty() {
            print(&format!("{name}: nothing is broken\n"))?;
        }
        for knob in turned {
            let left = std::time::Duration::try_from_secs_f64(knob.ends_in_seconds).unwrap_or_default();
            print(&format!("{name}: {}, for another {}\n", knob.effect, for_people(left)))?;
        }
    }
    for knob in knobs {
        let (name, turned) = instance.turn_on(knob, options.time).await?;
        let time = match knob {
            Knob::Exit { .. } => String::new(),
            _ => format!(", for {}", for_people(options.time)),
        };
        print(&format!("{name}: {}{time}\n", turned.effect))?;
    }
    Ok(())
}
