//! A node's name in the cluster.

use std::sync::Arc;

/// What `NODE_ID` says, shared by all that speak of the node.
pub(crate) type NodeId = Arc<str>;
