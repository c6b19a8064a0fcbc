//! Names to addresses, anew for every connection and in random order.

use std::io;

use rand::seq::SliceRandom;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The system's resolver, with the order of its answers shuffled.
///
/// A Swarm service without a VIP (`dnsrr`), and a scaled Compose service, are several addresses
/// under one name. The C library sorts them by closeness to its own address (RFC 6724, rule 9), so
/// the first would nearly always be the same replica.
#[derive(Debug)]
pub(crate) struct ShuffledResolver;

/// A name that nobody answers to.
#[derive(Debug, thiserror::Error)]
#[error("name {0} not found")]
pub(crate) struct NameNotFound(String);

impl Resolve for ShuffledResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let mut addresses: Vec<_> = lookup(name.as_str()).await.unwrap_or_default();
            if addresses.is_empty() {
                return Err(NameNotFound(name.as_str().to_owned()).into());
            }
            addresses.shuffle(&mut rand::rng());
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

async fn lookup(name: &str) -> io::Result<Vec<std::net::SocketAddr>> {
    // The port is not looked up; the URL's takes its place.
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}
