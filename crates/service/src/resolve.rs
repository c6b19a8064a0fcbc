//! Names to addresses, anew for every connection and in random order.

use std::net::SocketAddr;
use std::time::Duration;

use rand::seq::SliceRandom;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::timeout;

/// The system's resolver, with a time limit and the order of its answers shuffled.
///
/// A Swarm service without a VIP (`dnsrr`), and a scaled Compose service, are several addresses
/// under one name. C libraries sort them by closeness to their own address (RFC 6724, rule 9; musl
/// only where there is IPv6), and then the first would nearly always be the same replica.
#[derive(Debug)]
pub struct ShuffledResolver {
    /// Longest wait for the name server.
    pub timeout: Duration,
}

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The name server knows no such name.
    #[error("name {0} not found (is there a service of that name in this network?)")]
    NotFound(String),
    /// The name server does not answer in time.
    #[error("name lookup of {name} timed out after {} s", .limit.as_secs_f64())]
    TimedOut {
        /// What was looked up.
        name: String,
        /// The longest wait.
        limit: Duration,
    },
}

impl Resolve for ShuffledResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let limit = self.timeout;
        Box::pin(async move { Ok(Box::new(look_up(name.as_str(), limit).await?.into_iter()) as Addrs) })
    }
}

/// The addresses of a name, at least one, in random order; their port is 0. A C library may know no more than 48 of
/// one name at a time; whoever wants more, asks again.
///
/// # Errors
/// When there are none, or not within `limit`.
pub async fn look_up(name: &str, limit: Duration) -> Result<Vec<SocketAddr>, LookupError> {
    let Ok(found) = timeout(limit, tokio::net::lookup_host((name, 0))).await else {
        return Err(LookupError::TimedOut { name: name.to_owned(), limit });
    };
    // The C library tells a learner no more than this; its words differ from system to system.
    let addresses: Vec<_> = found.into_iter().flatten().collect();
    if addresses.is_empty() {
        return Err(LookupError::NotFound(name.to_owned()));
    }
    Ok(in_random_order(addresses))
}

fn in_random_order(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    addresses.shuffle(&mut rand::rng());
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_address_is_the_first_now_and_then() {
        let addresses: Vec<SocketAddr> = (1..=3).map(|host| ([10, 0, 1, host], 0).into()).collect();
        // One of three is missed in a hundred draws once in 10^17 runs.
        let firsts: BTreeSet<_> = (0..100).map(|_| in_random_order(addresses.clone())[0]).collect();
        assert_eq!(firsts, addresses.into_iter().collect());
    }
}
