//! How nodes call each other (protocol, sections 5 and 6): the bodies of XML-RPC requests and responses.
//!
//! [`PeerCall`] is a request; what answers it is a type with [`Reply`], or a [`Fault`]. Between them and
//! the text stands [`Value`].
//!
//! Text is read with `quick-xml`, not with an XML-RPC library. `dxr`, which is made with `quick-xml` too,
//! takes more than twice as long to read the broadcasts of messages, and ten times as long to write them; it
//! lets control characters through, in both directions, which the parser of the Python original refuses;
//! it reads a fault's two fields in one order only; and its errors repeat the whole body.
//!
//! What is read is what Python's `xmlrpc` writes, and everything else that the format allows: values
//! without a type are text; `i4`, CDATA, character references, comments, white space between tags.
//! What is refused: a DTD, so that there are no entities to expand; characters that XML cannot carry;
//! and more bytes, values or depth than [`crate::limits`] says.

mod call;
mod deletion_replies;
mod fault;
mod fields;
mod membership_replies;
mod not_xmlrpc;
mod parameters;
mod parser;
mod read;
mod records;
mod reply;
mod value;
mod write;

pub use call::{PeerCall, PeerEvent, multicall_xml};
pub use deletion_replies::{Outcome, Vote};
pub use fault::Fault;
pub use fields::Unexpected;
pub use membership_replies::{Accepted, DisconnectReply, ForwardReply, JoinReply, Joined, LeaveReply};
pub use not_xmlrpc::NotXmlRpc;
pub use read::{ReplyError, read_reply, read_response};
pub use reply::{HeartbeatReply, MulticallReply, Reply};
pub use value::Value;
pub use write::{fault_xml, response_xml};
