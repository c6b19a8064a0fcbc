//! What is wrong with a body.

use std::borrow::Cow;

/// Why a body is not XML-RPC.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not XML-RPC: {reason}, at byte {position}")]
pub struct NotXmlRpc {
    /// Bytes before the place where that was noticed.
    pub position: u64,
    /// What is wrong.
    pub reason: Cow<'static, str>,
}
