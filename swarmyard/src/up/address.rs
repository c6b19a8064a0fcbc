//! A port that somebody else has.

use listeners::{Protocol, get_process_by_port};
use service::server::ListenError;

use super::instance::Instance;

/// Says of a start that failed for want of a port who has it, where the system tells, and what to do.
pub(crate) fn explain(instance: Instance, error: anyhow::Error) -> anyhow::Error {
    let port = match error.downcast_ref::<ListenError>() {
        Some(error) if error.is_taken() => error.address.port(),
        _ => return error.context(instance.to_string()),
    };
    let holder = match get_process_by_port(port, Protocol::TCP) {
        Ok(process) => format!("{} (process {}) has it", process.name, process.pid),
        // Of other people's processes, the system does not tell.
        Err(_) => "another program has it".to_owned(),
    };
    anyhow::anyhow!(
        "port {port}, which {instance} needs, is taken: {holder}; stop that, or move all ports, as with --port-offset 100"
    )
}
