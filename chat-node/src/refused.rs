//! Other nodes that this one refuses to answer: each is logged once, and counted every time.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::figures;

/// Nodes that are remembered as refused; when there are more, all are logged again.
const REFUSED_MAX: usize = 1000;

/// Longest name of a node that the log repeats, in bytes.
const NAME_BYTES_MAX: usize = 100;

/// Why a node is refused.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Reason {
    /// It does not know the cluster's secret.
    Secret,
    /// It is not in `PEER_NODES`.
    Unknown,
}

/// Who was refused so far.
#[derive(Debug, Default)]
pub(crate) struct Refused(Mutex<HashSet<(String, Reason)>>);

impl Refused {
    /// Counts a refusal, and logs it unless the same node was refused for the same reason before.
    pub(crate) fn note(&self, node: &str, reason: Reason) {
        figures::refused(match reason {
            Reason::Secret => "secret",
            Reason::Unknown => "unknown_node",
        });
        let node = &node[..node.floor_char_boundary(NAME_BYTES_MAX)];
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() >= REFUSED_MAX {
            refused.clear();
        }
        if !refused.insert((node.to_owned(), reason)) {
            return;
        }
        drop(refused);
        match reason {
            Reason::Secret => tracing::warn!(
                peer = node,
                "refusing calls from {node}: its CLUSTER_SECRET is missing or another one than here"
            ),
            Reason::Unknown => tracing::warn!(
                peer = node,
                "refusing clients of a node that calls itself {node:?}: it is not in PEER_NODES here"
            ),
        }
    }
}
