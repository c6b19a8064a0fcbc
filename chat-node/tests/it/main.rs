//! What the chat node promises, by its real program over real sockets. "Row n" in the comments is a row
//! of the protocol's section 12.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic: that is how it fails")]

#[macro_use]
mod harness;
mod chaos;
mod cluster;
mod deletion;
mod deletion_local;
mod events;
mod heartbeats;
mod inactivity;
mod journal;
mod limits;
mod order;
mod ordering;
mod pages;
mod process;
mod python_admin;
mod python_member;
mod python_peer;
mod requests;
mod restarts;
mod secret;
mod slow;
mod websocket;
mod xmlrpc;
mod xmlrpc_transport;
