//! What only somebody at the chat page does.

use anyhow::Result;
use e2e::browser::{Browser, Driver, LAPTOP};

use crate::cluster::Cluster;

/// The verbs of who chats.
pub(crate) trait Person {
    /// Answers the question for the name.
    async fn is_called(&self, name: &str) -> Result<()>;

    /// Opens a room, which joins it too.
    async fn opens_room(&self, name: &str, description: &str) -> Result<()>;

    /// Joins the only room of this name in the list, with one click.
    async fn joins(&self, name: &str) -> Result<()>;

    /// Sends a message, or tries to.
    async fn says(&self, text: &str) -> Result<()>;
}

impl Person for Browser {
    async fn is_called(&self, name: &str) -> Result<()> {
        self.types("#name", name).await?;
        self.presses("#name-form [type=submit]").await?;
        self.shows("#your-name", &[name]).await
    }

    async fn opens_room(&self, name: &str, description: &str) -> Result<()> {
        self.presses("#new-room").await?;
        self.types("#room-name-input", name).await?;
        self.types("#description-input", description).await?;
        self.presses("#create-submit").await?;
        self.shows("#room-name", &[name]).await
    }

    async fn joins(&self, name: &str) -> Result<()> {
        self.presses("#refresh").await?;
        self.shows(".room-row-name", &[name]).await?;
        self.presses(".room-row").await?;
        self.shows("#room-name", &[name]).await?;
        self.waits_for("the history", "document.querySelector('#log').ariaLive === 'polite'").await
    }

    async fn says(&self, text: &str) -> Result<()> {
        self.types("#text", text).await?;
        self.presses("#composer [type=submit]").await
    }
}

/// Alice at the first node, who opened the room `general` there, and Bob at the second, who joined it.
pub(crate) async fn two_in_a_room(driver: &Driver, cluster: &Cluster) -> Result<(Browser, Browser)> {
    let alice = driver.open(LAPTOP, &cluster.url(1)).await?;
    let bob = driver.open(LAPTOP, &cluster.url(2)).await?;
    alice.is_called("alice").await?;
    bob.is_called("bob").await?;
    alice.opens_room("general", "What has no other place").await?;
    bob.joins("general").await?;
    Ok((alice, bob))
}
