//! The backups of a cluster, as who wants a copy sees them.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use reqwest::Client;
use service::cluster_secret::ClusterSecret;
use service::identity::X_SERVED_BY;
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::copy::CopyName;
use crate::http::{self, Coming};
use crate::routes::{Listed, Listing};
use crate::trial::COPY_BYTES_MAX;

/// Longest wait for the addresses of all backups.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Most bytes of a list of copies.
const LISTING_BYTES_MAX: u64 = 1024 * 1024;

/// A copy that a backup has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Offer {
    pub(crate) copy: CopyName,
    /// Of the bytes that were restored.
    pub(crate) sha256: String,
    /// What the backup says that it is.
    pub(crate) backup: String,
    address: SocketAddr,
}

/// Asks backups for what they have.
#[derive(Debug)]
pub(crate) struct Peers {
    client: Client,
    addresses: Vec<SocketAddr>,
}

impl Peers {
    /// All backups that are at this name, `HOST:PORT`.
    ///
    /// # Errors
    /// When it has no addresses.
    pub(crate) async fn find(name: &str, secret: Option<&ClusterSecret>) -> anyhow::Result<Self> {
        let client = http::client(secret)?;
        let found = timeout(LOOKUP_TIMEOUT, lookup_host(name)).await.context("the name server does not answer");
        let addresses = found.and_then(|found| found.context("it has no address"));
        let addresses = addresses.with_context(|| format!("no backup is at {name} (BACKUP_PEERS)"))?;
        Ok(Self { client, addresses: addresses.collect() })
    }

    /// What all of them have, the oldest first, and why some do not say so.
    pub(crate) async fn offers(&self) -> (Vec<Offer>, Vec<String>) {
        let (mut offers, mut silent) = (Vec::new(), Vec::new());
        for address in &self.addresses {
            match self.offers_of(*address).await {
                Ok(more) => offers.extend(more),
                Err(error) => silent.push(format!("the backup at {address} does not tell what it has: {error:#}")),
            }
        }
        offers.sort_by(|one, other| (&one.copy, &one.backup).cmp(&(&other.copy, &other.backup)));
        (offers, silent)
    }

    async fn offers_of(&self, address: SocketAddr) -> anyhow::Result<Vec<Offer>> {
        let response = http::get(&self.client, &format!("http://{address}/copies")).await?;
        let backup = response.headers().get(X_SERVED_BY).and_then(|name| name.to_str().ok());
        let backup = backup.map_or_else(|| address.to_string(), str::to_owned);
        let (mut coming, mut text) = (Coming::new(response, LISTING_BYTES_MAX), Vec::new());
        while let Some(part) = coming.next().await? {
            text.extend_from_slice(&part);
        }
        let listing: Listing = serde_json::from_slice(&text).context("its answer is no list of copies")?;
        let offer = |listed: Listed| {
            // A newer backup may have copies of which this one knows nothing.
            let copy = listed.name.parse().ok()?;
            Some(Offer { copy, sha256: listed.sha256, backup: backup.clone(), address })
        };
        Ok(listing.copies.into_iter().filter_map(offer).collect())
    }

    /// Writes a copy's bytes to a file.
    ///
    /// # Errors
    /// When not all of it comes.
    pub(crate) async fn download(&self, offer: &Offer, file: &Path) -> anyhow::Result<()> {
        let Offer { copy, address, backup, .. } = offer;
        let download = async {
            let response = http::get(&self.client, &format!("http://{address}/copies/{copy}")).await?;
            http::write(Coming::new(response, COPY_BYTES_MAX), file).await
        };
        download.await.with_context(|| format!("{copy} does not come from {backup}"))
    }
}
