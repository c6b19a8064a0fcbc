//! Waiting until all are ready.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Client, StatusCode};
use tokio::time::{sleep, timeout};

use super::instance::{Instance, Site};

/// Longest wait for all to be ready; then who is not is said, and everything goes on.
pub(crate) const READY_TIMEOUT: Duration = Duration::from_secs(3);

/// How often one that is not ready is asked.
const ASK_INTERVAL: Duration = Duration::from_millis(10);

/// Waits until all of them are ready, [`READY_TIMEOUT`] at most; gives those that are not.
pub(crate) async fn wait_for(instances: &[Instance], site: &Site) -> anyhow::Result<Vec<Instance>> {
    let client = Client::builder().no_proxy().build()?;
    let waits = instances.iter().map(async |instance| {
        let url = format!("{}/readyz", site.url(instance.ops_port()));
        let ready = timeout(READY_TIMEOUT, wait_for_one(&client, &url)).await;
        ready.is_err().then_some(*instance)
    });
    Ok(join_all(waits).await.into_iter().flatten().collect())
}

async fn wait_for_one(client: &Client, url: &str) {
    while !client.get(url).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK) {
        sleep(ASK_INTERVAL).await;
    }
}
