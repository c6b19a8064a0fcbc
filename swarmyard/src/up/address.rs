//! An address that cannot be had.

use std::io::ErrorKind;

use listeners::{Protocol, get_process_by_port};
use service::server::ListenError;

use super::instance::Instance;
use super::options::PORT_OFFSET_MAX;

/// What is added to the offset that did not do: with it, no port is one of those that were wanted before.
const FURTHER: u16 = 1000;

/// Says of a start that failed for want of an address who has it, where the system tells, and which option helps.
/// `offset` is the one that was tried.
pub(crate) fn explain(instance: Instance, error: anyhow::Error, offset: u16) -> anyhow::Error {
    let Some(listen) = error.downcast_ref::<ListenError>() else { return error.context(instance.to_string()) };
    let (address, port) = (listen.address, listen.address.port());
    match listen.kind() {
        ErrorKind::AddrInUse => {
            let holder = match get_process_by_port(port, Protocol::TCP) {
                Ok(process) => format!("{} (process {}) has it", process.name, process.pid),
                // Of other people's processes, the system does not tell.
                Err(_) => "another program has it".to_owned(),
            };
            let advice = further(offset);
            anyhow::anyhow!("port {port}, which {instance} needs, is taken: {holder}; stop that, or {advice}")
        }
        ErrorKind::PermissionDenied => {
            anyhow::anyhow!("port {port}, which {instance} needs, needs root: {}", further(offset))
        }
        ErrorKind::AddrNotAvailable => {
            anyhow::anyhow!("{}: set --host to an address that this machine has", address.ip())
        }
        _ => error.context(instance.to_string()),
    }
}

fn further(offset: u16) -> String {
    let offset = offset.checked_add(FURTHER).filter(|offset| *offset <= PORT_OFFSET_MAX).unwrap_or(FURTHER);
    format!("move all ports, as with --port-offset {offset}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::up::options::MINERS_MAX;

    #[test]
    fn no_port_of_the_offset_that_is_advised_is_a_port_without_it() {
        let miners = (1..=MINERS_MAX).map(Instance::Miner);
        let nodes = (1..=3).map(Instance::Node);
        let others = [Instance::Producer, Instance::Consumer, Instance::Api, Instance::Webui];
        let instances = miners.chain(nodes).chain(others);
        let ports: BTreeSet<_> = instances.flat_map(|instance| [instance.port(), instance.ops_port()]).collect();
        assert!(ports.iter().all(|port| !ports.contains(&(port + FURTHER))), "{ports:?}");
        assert!(further(0).ends_with("--port-offset 1000") && further(PORT_OFFSET_MAX).ends_with("--port-offset 1000"));
        assert!(further(1400).ends_with("--port-offset 2400"));
    }
}
