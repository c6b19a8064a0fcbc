//! The pages in a real browser, through the way in.

use anyhow::Result;
use e2e::{
    browser::{Browser, Driver, LAPTOP},
    yard::Yard,
};

/// Coins come and can be checked, and two people at two nodes of the chat talk to each other.
pub(crate) async fn check(yard: &Yard) -> Result<()> {
    let way_in = yard.way_in("node1")?;
    let driver = Driver::start()?;
    let coins = driver.open(LAPTOP, &format!("http://{way_in}/")).await?;
    let total = "Number(document.querySelector('#total').textContent.replaceAll(',', ''))";
    coins.waits_for("coins", &format!("{total} >= 20")).await?;
    coins.says_that("#events-by", "yard_api.").await?;
    coins.says_that("#answers", "yard_api.").await?;
    coins.says_that("#api-by", "yard_api.").await?;
    coins.says_that("#page-by", "yard_webui.").await?;
    let each = "['producer.', 'consumer.', 'node1', 'node2', 'node3', 'webui.', 'api.', 'miner.', 'redis']\
                .every((name) => [...document.querySelectorAll('.tile-name')]\
                .some((tile) => tile.textContent.startsWith(name)))";
    coins.waits_for("a tile for each service", each).await?;
    coins.hides("#absent").await?;
    coins.expect_no_complaints().await?;

    let alice = driver.open(LAPTOP, &format!("http://{way_in}/chat/node1/")).await?;
    let bob = driver.open(LAPTOP, &format!("http://{way_in}/chat/node2/")).await?;
    is_called(&alice, "alice").await?;
    is_called(&bob, "bob").await?;
    alice.presses("#new-room").await?;
    alice.types("#room-name-input", "general").await?;
    alice.presses("#create-submit").await?;
    alice.shows("#room-name", &["general"]).await?;
    bob.presses("#refresh").await?;
    bob.shows(".room-row-name", &["general"]).await?;
    bob.presses(".room-row").await?;
    bob.shows("#room-name", &["general"]).await?;
    bob.types("#text", "Hello through the way in").await?;
    bob.presses("#composer [type=submit]").await?;
    alice.shows("#log .content", &["Hello through the way in"]).await?;
    alice.expect_no_complaints().await?;
    bob.expect_no_complaints().await
}

async fn is_called(person: &Browser, name: &str) -> Result<()> {
    person.types("#name", name).await?;
    person.presses("#name-form [type=submit]").await?;
    person.shows("#your-name", &[name]).await
}
