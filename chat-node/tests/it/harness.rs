//! The real program as one or more nodes, and clients whose methods are what a user does. Every wait
//! ends at [`testing::LIMIT`] with a panic.

/// The data of the client's next message, which has to be of this kind:
/// `let event = expect!(client, MemberJoined);`
macro_rules! expect {
    ($client:expr, $kind:ident) => {
        match $client.next().await {
            chat_protocol::ServerMessage::$kind(data) => data,
            other => panic!("{} instead of {other:?}", stringify!($kind)),
        }
    };
}

/// As `expect!`, but passes over messages of other kinds, except refusals.
macro_rules! skip_to {
    ($client:expr, $kind:ident) => {
        loop {
            match $client.next().await {
                chat_protocol::ServerMessage::$kind(data) => break data,
                refused @ (chat_protocol::ServerMessage::Error(_)
                | chat_protocol::ServerMessage::JoinRoomError(_)
                | chat_protocol::ServerMessage::MessageError(_)) => {
                    panic!("{} instead of {refused:?}", stringify!($kind))
                }
                _ => {}
            }
        }
    };
}

mod client;
mod http;
mod node;

pub(crate) use client::{Client, accept, in_time};
pub(crate) use http::ask;
pub(crate) use node::{CHAT_NODE, Node, cluster, free_port, start};
