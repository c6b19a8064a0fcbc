//! Requests to other services of the network: their client, and why one has no answer.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};

use crate::resolve::{LookupError, ShuffledResolver};

/// A client for services in a network of containers: it finds their names anew each time, in `lookup` at most, asks
/// their addresses in random order, and connects within `connect`, the lookup included.
pub fn client(lookup: Duration, connect: Duration) -> ClientBuilder {
    Client::builder()
        .dns_resolver(ShuffledResolver { timeout: lookup })
        .connect_timeout(connect)
        // A proxy of the machine's owner cannot know names of a container network.
        .no_proxy()
        // A service has no other place; a detour would hide who failed.
        .redirect(Policy::none())
}

/// `host:port` of a URL, without the user and password that it may hold.
#[must_use]
pub fn server(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

/// Why a request has no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NoAnswer {
    /// The server's name was not found; holds which, and what to look at.
    NameNotFound(String),
    /// Nobody listens there.
    Refused,
    /// There was no connection within the client's time for it.
    NotConnected,
    /// There can be no connection; holds why.
    Unreachable(String),
    /// There was a connection, but no answer within the client's time.
    TimedOut,
    /// The answer broke off, or was no HTTP; holds how.
    Broken(String),
}

impl From<&reqwest::Error> for NoAnswer {
    fn from(error: &reqwest::Error) -> Self {
        if let Some(error) = cause::<LookupError>(error) {
            return Self::NameNotFound(error.to_string());
        }
        match cause::<io::Error>(error) {
            Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => Self::Refused,
            _ if error.is_timeout() && error.is_connect() => Self::NotConnected,
            _ if error.is_timeout() => Self::TimedOut,
            // The last cause says the most: `connection reset by peer`.
            _ if error.is_connect() => Self::Unreachable(innermost(error)),
            _ => Self::Broken(innermost(error)),
        }
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The first cause of this type, the error itself included; none if there is none.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// The text of the last cause: the one nearest to what happened.
fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}
