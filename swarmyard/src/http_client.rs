//! The client of `load` and `watch`: HTTP/1.1, one request after the other on a connection.

pub(crate) mod addresses;
pub(crate) mod connection;
pub(crate) mod failure;
pub(crate) mod target;

pub(crate) use addresses::Addresses;
pub(crate) use connection::{Answer, Connection, NoAnswer};
pub(crate) use failure::Failure;
pub(crate) use target::Target;
