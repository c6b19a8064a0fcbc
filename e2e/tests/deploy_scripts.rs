//! `deploy/scripts` on a Swarm of three machines: what they refuse, what they say, and what they leave.

use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use e2e::{images, yard::Yard};

/// Two clusters at once would measure each other's load.
static ONE_CLUSTER_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn one_command_deploys_everything() -> Result<()> {
    let _turn = ONE_CLUSTER_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    images::build()?;
    Yard::deploy(&["node1"], &["node2", "node3"], &[])?;
    Ok(())
}
