//! What answers the calls about deletions.

use super::fields::{Fields, Unexpected};
use super::reply::Reply;
use super::value::Value;

/// Answers `prepare_delete_room`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Vote {
    /// Whether the room may be deleted: `READY`, not `ABORT`.
    pub ready: bool,
    /// The node's id.
    pub node_id: String,
    /// The deletion's id.
    pub transaction_id: String,
    /// Why the room may not be deleted.
    pub reason: Option<String>,
}

impl Reply for Vote {
    fn to_value(&self) -> Value<'_> {
        let mut fields = vec![
            ("vote".into(), if self.ready { "READY" } else { "ABORT" }.into()),
            ("node_id".into(), (&self.node_id).into()),
            ("transaction_id".into(), (&self.transaction_id).into()),
        ];
        fields.extend(self.reason.as_ref().map(|reason| ("reason".into(), reason.into())));
        Value::Struct(fields)
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unexpected> {
        let mut fields = Fields::of(value, "the reply to prepare_delete_room")?;
        Ok(Self {
            ready: fields.text("vote")? == "READY",
            node_id: fields.optional_text("node_id")?.unwrap_or_default(),
            transaction_id: fields.optional_text("transaction_id")?.unwrap_or_default(),
            reason: fields.optional_text("reason")?,
        })
    }
}

/// Answers `commit_delete_room` and `rollback_delete_room`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// Whether it was done.
    pub success: bool,
    /// The node's id.
    pub node_id: String,
}

impl Reply for Outcome {
    fn to_value(&self) -> Value<'_> {
        Value::fields([("success", self.success.into()), ("node_id", (&self.node_id).into())])
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unexpected> {
        let mut fields = Fields::of(value, "the outcome of a deletion")?;
        let success = fields.boolean("success")?;
        Ok(Self { success, node_id: fields.optional_text("node_id")?.unwrap_or_default() })
    }
}
