//! Names to addresses, anew for every connection and in random order.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rand::seq::SliceRandom;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::timeout;

/// The system's resolver, with a time limit and the order of its answers shuffled.
///
/// A Swarm service without a VIP (`dnsrr`), and a scaled Compose service, are several addresses
/// under one name. The C library sorts them by closeness to its own address (RFC 6724, rule 9), so
/// the first would nearly always be the same replica.
#[derive(Debug)]
pub(crate) struct ShuffledResolver {
    /// Longest wait for the name server.
    pub(crate) timeout: Duration,
}

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    #[error("name {0} not found (is there a service of that name in this network?)")]
    NotFound(String),
    #[error("name lookup of {name} timed out after {} s", .limit.as_secs_f64())]
    TimedOut { name: String, limit: Duration },
}

impl Resolve for ShuffledResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let limit = self.timeout;
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let Ok(found) = timeout(limit, lookup(&name)).await else {
                return Err(LookupError::TimedOut { name, limit }.into());
            };
            // The C library tells a learner no more than this; its words differ from system to system.
            let mut addresses = found.unwrap_or_default();
            if addresses.is_empty() {
                return Err(LookupError::NotFound(name).into());
            }
            addresses.shuffle(&mut rand::rng());
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

async fn lookup(name: &str) -> io::Result<Vec<SocketAddr>> {
    // The port is not looked up; the URL's takes its place.
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}
