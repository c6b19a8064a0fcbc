//! What answers the calls (protocol, section 6). Reading takes what the original gives, and lets keys
//! be missing that nothing depends on.

use crate::server_message::Room;

use super::fault::Fault;
use super::fields::{Fields, Unexpected, boolean, list, readable};
use super::records::{room, room_value};
use super::value::Value;

/// What answers a call.
pub trait Reply: Sized {
    /// The reply as a value.
    fn to_value(&self) -> Value<'_>;

    /// Reads the reply.
    ///
    /// # Errors
    /// [`Unexpected`], when the value answers another call.
    fn from_value(value: Value<'_>) -> Result<Self, Unexpected>;
}

/// Answers `heartbeat`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeartbeatReply {
    /// Always `ok`.
    pub status: String,
    /// The node's id.
    pub node_id: String,
    /// The node's time.
    pub timestamp: String,
}

impl Reply for HeartbeatReply {
    fn to_value(&self) -> Value<'_> {
        let Self { status, node_id, timestamp } = self;
        Value::fields([("status", status.into()), ("node_id", node_id.into()), ("timestamp", timestamp.into())])
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unexpected> {
        let mut fields = Fields::of(value, "the reply to heartbeat")?;
        Ok(Self {
            status: fields.text("status")?,
            node_id: fields.text("node_id")?,
            timestamp: fields.optional_text("timestamp")?.unwrap_or_default(),
        })
    }
}

/// Answers `get_hosted_rooms`.
impl Reply for Vec<Room> {
    fn to_value(&self) -> Value<'_> {
        Value::Array(self.iter().map(room_value).collect())
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unexpected> {
        readable(value, "the list of rooms", room)
    }
}

/// Answers the broadcasts: always true.
impl Reply for bool {
    fn to_value(&self) -> Value<'_> {
        Value::Boolean(*self)
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unexpected> {
        boolean(&value, "the reply")
    }
}

/// Answers `system.multicall`: for each call, in their order, what it gave, or its fault. As is usual
/// for this method, a value stands alone in an array, and so differs from a fault, which is a struct.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MulticallReply(pub Vec<Result<Value<'static>, Fault>>);

impl Reply for MulticallReply {
    fn to_value(&self) -> Value<'_> {
        let results = self.0.iter().map(|result| match result {
            Ok(value) => Value::Array(vec![value.clone()]),
            Err(fault) => fault.to_value(),
        });
        Value::Array(results.collect())
    }

    fn from_value(value: Value<'_>) -> Result<Self, Unexpected> {
        let results = list(value, "the reply to system.multicall", |result| match result {
            Value::Array(values) => match <[_; 1]>::try_from(values) {
                Ok([value]) => Ok(Ok(value.into_owned())),
                Err(values) => Err(Unexpected::Type(format!("a result has {} values, not one", values.len()))),
            },
            fault => Fault::from_value(fault).map(Err),
        });
        results.map(Self)
    }
}
