//! The control room: what it shows of real services that come, go, and do not feel well.

use anyhow::{Result, ensure};
use e2e::browser::{Browser, Driver, LAPTOP, PHONE};
use fantoccini::key::Key;
use testing::needs;

use crate::crowd::Crowd;
use crate::yard::Yard;

/// The tile of an instance, as an expression of the page.
fn tile(name: &str) -> String {
    format!("[...document.querySelectorAll('.tile')].find((tile) => tile.children[1].textContent === '{name}')")
}

/// Waits until a tile's text contains this.
async fn tile_says(page: &Browser, name: &str, text: &str) -> Result<()> {
    page.waits_for(&format!("{name} to say {text:?}"), &format!("{}?.textContent.includes({text:?})", tile(name))).await
}

/// There is no ledger.
const ABSENT: &[&str] = &["/api/"];

const ALL: [&str; 6] = ["consumer.1", "node1", "node2", "producer.1", "producer.2", "webui.1"];

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn every_instance_has_a_tile_on_its_machine_with_version_state_and_requests() -> Result<()> {
    let yard = Yard::start()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &yard.url()).await?;
    page.shows_all(".tile-name", &ALL).await?;
    page.shows(".machine-name", &["pi1", "pi2", "pi3"]).await?;
    page.shows(".machine:first-child .tile-name", &["node1", "producer.1"]).await?;
    page.says_that(".machine:first-child .machine-facts", "2 instances").await?;
    for name in ALL {
        tile_says(&page, name, "0.1.0").await?;
        tile_says(&page, name, "ready · up ").await?;
    }
    page.says_that("#versions", "0.1.0 6 of 6").await?;
    page.says_that("#yard-summary", "6 instances on 3 machines, all ready.").await?;
    page.hides("#absent").await?;
    page.hides("#gone").await?;
    // Ten requests a second go to the first producer, none to the other.
    page.waits_for("a rate", &format!("parseFloat({}.children[2].textContent) > 1", tile("producer.1"))).await?;
    page.waits_for("no rate", &format!("{}.children[2].textContent === ''", tile("producer.2"))).await?;
    page.waits_for("a drawing", &format!("{}.querySelector('canvas') !== null", tile("producer.1"))).await?;
    let fills = "[...document.querySelectorAll('#producers .row-fill')].map((fill) => fill.style.transform)";
    page.waits_for("bars", &format!("{fills}.join() === 'scaleX(1),scaleX(0)'")).await?;
    page.shows("#producers .row-name", &["producer.1 on pi1", "producer.2 on pi2"]).await?;
    page.says_that("#last-from", "from yard_producer.1@pi1").await?;
    page.waits_for("a number", "Number(document.querySelector('#last-number').textContent) >= 1").await?;
    page.expect_complaints_of(ABSENT).await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn a_killed_replica_is_gone_and_a_new_one_is_there_in_its_own_version() -> Result<()> {
    let mut yard = Yard::start()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &yard.url()).await?;
    page.shows_all(".tile-name", &ALL).await?;
    let colour = "return getComputedStyle(document.querySelector('#versions .version')).backgroundColor";
    let before = page.run(colour).await?;
    yard.producer(2).kill();
    page.shows_all(".tile-name", &["consumer.1", "node1", "node2", "producer.1", "webui.1"]).await?;
    page.says_that("#gone-count", "1 instance fell silent in the last minute").await?;
    page.says_that("#yard-announcer", "producer.2 on pi2 is gone").await?;
    page.says_that("#absent", "Nobody answers at ").await?;
    // Folded, and to be opened without a mouse.
    page.hides("#gone-list").await?;
    page.tabs_until("document.activeElement.id === 'gone-count'").await?;
    page.presses_key(Key::Enter).await?;
    page.says_that("#gone-list", "producer.2 on pi2, version 0.1.0 silent for ").await?;

    yard.producer(2).update("2.0.0")?;
    tile_says(&page, "producer.2", "2.0.0").await?;
    page.says_that("#yard-announcer", "producer.2 is there").await?;
    page.says_that("#versions", "5 of 6").await?;
    page.says_that("#versions", "2.0.0 1 of 6").await?;
    page.hides("#gone").await?;
    page.hides("#absent").await?;
    let versions = "[...document.querySelectorAll('#versions .version')]\
                    .map((chip) => getComputedStyle(chip).backgroundColor)";
    ensure!(page.run(&format!("return {versions}[0]")).await? == before, "the colour of a version has changed");
    page.waits_for("another colour", &format!("{versions}[1] !== {versions}[0]")).await?;
    page.expect_complaints_of(ABSENT).await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn who_is_not_ready_says_why_by_shape_and_words() -> Result<()> {
    let mut yard = Yard::start()?;
    let driver = Driver::start()?;
    let page = driver.open(PHONE, &yard.url()).await?;
    page.shows_all(".tile-name", &ALL).await?;
    yard.producer(1).kill();
    tile_says(&page, "consumer.1", "not ready: connection refused by ").await?;
    page.says_that("#yard-summary", "1 not ready").await?;
    let shape = |name: &str| format!("getComputedStyle({}.firstChild).clipPath", tile(name));
    page.waits_for("two shapes", &format!("{} !== {}", shape("consumer.1"), shape("webui.1"))).await?;
    page.fits("a reason").await?;
    page.can_be_read("a reason").await?;
    yard.producer(1).start()?;
    tile_says(&page, "consumer.1", "ready · up ").await?;
    page.expect_complaints_of(ABSENT).await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn who_has_the_token_breaks_an_instance_from_the_page_which_shows_it_until_it_is_over() -> Result<()> {
    let yard = Yard::start()?;
    let driver = Driver::start()?;
    let page = driver.open(PHONE, &yard.url()).await?;
    page.presses("#break > summary").await?;
    page.shows("#break-instance option", &["producer.1 on pi1", "producer.2 on pi2"]).await?;
    page.types("#break-knob", "Says that").await?;
    page.types("#break-token", "sal").await?;
    page.presses("#break-form > button").await?;
    page.says_that("#break-outcome", "producer.1 on pi1: this takes the token of the service").await?;
    page.types("#break-token", "mon").await?;
    page.presses("#break-form > button").await?;
    page.says_that("#break-outcome", "producer.1 on pi1: /readyz says that it is not ready, for 30 s.").await?;
    tile_says(&page, "producer.1", "Broken on purpose: /readyz says that it is not ready, for another ").await?;
    tile_says(&page, "producer.1", "not ready: this was asked for").await?;
    page.says_that("#yard-summary", "1 not ready, 1 broken on purpose.").await?;
    page.says_that("#yard-announcer", "producer.1 is broken on purpose").await?;
    page.fits("a broken instance").await?;
    page.can_be_read("a broken instance").await?;
    page.presses("#break-end").await?;
    page.says_that("#break-outcome", "producer.1 on pi1: nothing is broken any more.").await?;
    page.says_that("#yard-summary", "all ready.").await?;
    page.waits_for("an empty line", &format!("!{}.textContent.includes('on purpose')", tile("producer.1"))).await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn where_nothing_can_be_broken_there_is_no_button() -> Result<()> {
    let crowd = Crowd::start(1).await?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &crowd.url()).await?;
    page.shows(".tile-name", &["producer.1"]).await?;
    page.hides("#break").await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn the_chat_shows_which_node_hosts_which_room_and_who_does_not_hear_whom() -> Result<()> {
    let mut yard = Yard::start()?;
    yard.makes_a_room("<b>general</b>").await?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &yard.url()).await?;
    page.shows(".chat-node b", &["node1", "node2"]).await?;
    page.shows(".chat-node:first-child .chat-room", &["<b>general</b>"]).await?;
    page.says_that(".chat-node:first-child", "0 members").await?;
    page.says_that(".chat-node:last-child", "hosts no room").await?;
    page.says_that("#chat-summary", "2 nodes, 1 room.").await?;
    yard.node(2).kill();
    page.shows(".chat-node b", &["node1"]).await?;
    page.says_that(".chat-node:first-child", "does not hear node2").await?;
    yard.node(2).start()?;
    page.shows(".chat-node b", &["node1", "node2"]).await?;
    page.expect_complaints_of(ABSENT).await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn demos_that_do_not_run_take_no_room() -> Result<()> {
    let crowd = Crowd::start(1).await?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &crowd.url()).await?;
    page.shows(".tile-name", &["producer.1"]).await?;
    page.says_that("#last-from", "Nobody fetches numbers here.").await?;
    page.hides("#chat").await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn a_lost_page_server_is_told_and_the_yard_comes_back_by_itself() -> Result<()> {
    let mut yard = Yard::start()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &yard.url()).await?;
    page.shows_all(".tile-name", &ALL).await?;
    yard.webui().kill();
    page.says_that("#yard-summary", "No news of the yard.").await?;
    yard.producer(2).kill();
    yard.webui().start()?;
    page.shows_all(".tile-name", &["consumer.1", "node1", "node2", "producer.1", "webui.1"]).await?;
    page.says_that("#yard-summary", "5 instances on 3 machines").await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn two_hundred_instances_are_drawn_and_only_what_changes_is_written() -> Result<()> {
    let crowd = Crowd::start(200).await?;
    let driver = Driver::start()?;
    for size in [LAPTOP, PHONE] {
        let page = driver.open(size, &crowd.url()).await?;
        page.waits_for("all tiles", "document.querySelectorAll('.tile').length === 200").await?;
        page.says_that("#yard-summary", "200 instances on 20 machines, all ready.").await?;
        page.says_that("#versions", "1.0.0 67 of 200").await?;
        let watch = "window.writes = 0; window.rounds = 0; \
            new MutationObserver((list) => window.writes += list.length)\
                .observe(document.querySelector('#yard'), { subtree: true, childList: true, characterData: true }); \
            new EventSource('yard/events').addEventListener('yard', () => window.rounds += 1)";
        page.run(watch).await?;
        page.waits_for("three rounds", "window.rounds >= 3").await?;
        ensure!(page.run("return window.writes").await? == 0, "something is written while nothing changes");
        crowd.answers(7, 50);
        page.waits_for("a rate", &format!("{}.children[2].textContent !== ''", tile("producer.8"))).await?;
        let writes = page.run("return window.writes").await?;
        ensure!(writes.as_u64().is_some_and(|writes| writes <= 3), "a change of one tile is {writes} writes");
    }
    Ok(())
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn two_hundred_instances_fit_a_phone_and_can_be_read() -> Result<()> {
    let crowd = Crowd::start(200).await?;
    let driver = Driver::start()?;
    let page = driver.open(PHONE, &crowd.url()).await?;
    page.waits_for("all tiles", "document.querySelectorAll('.tile').length === 200").await?;
    page.fits("the crowd").await?;
    page.can_be_read("the crowd").await
}

#[needs("chromium", "chromedriver")]
#[tokio::test]
async fn requests_pulse_and_nothing_moves_for_who_does_not_want_it() -> Result<()> {
    let yard = Yard::start()?;
    let driver = Driver::start()?;
    let page = driver.open(LAPTOP, &yard.url()).await?;
    let moves = "document.getAnimations().some((one) => one.effect.target?.className === 'mark')";
    page.waits_for("a pulse", moves).await?;
    page.prefers(&[("prefers-reduced-motion", "reduce")]).await?;
    page.waits_for("the last pulse", &format!("!({moves})")).await?;
    page.run(
        "window.rounds = 0; window.moved = false; \
              new EventSource('yard/events').addEventListener('yard', () => window.rounds += 1)",
    )
    .await?;
    while page.run("return window.rounds").await?.as_u64() < Some(3) {
        ensure!(page.run(&format!("return {moves}")).await? == false, "something moves");
    }
    Ok(())
}

#[needs("chromium", "chromedriver", "axe-core")]
#[tokio::test]
async fn axe_finds_nothing_in_any_state_of_the_yard() -> Result<()> {
    let mut yard = Yard::start()?;
    yard.makes_a_room("general").await?;
    let driver = Driver::start()?;
    let pages = [driver.open(LAPTOP, &yard.url()).await?, driver.open(PHONE, &yard.url()).await?];
    for page in &pages {
        page.shows_all(".tile-name", &ALL).await?;
        page.shows(".chat-room", &["general"]).await?;
        page.presses("#break > summary").await?;
        page.types("#break-token", "salmon").await?;
        page.presses("#break-form > button").await?;
        tile_says(page, "producer.1", "Broken on purpose: ").await?;
        page.is_accessible("everybody is there, and one is broken").await?;
    }
    yard.producer(1).kill();
    for page in &pages {
        tile_says(page, "consumer.1", "not ready: ").await?;
        page.presses("#gone-count").await?;
        page.says_that("#gone-list", "producer.1 on pi1").await?;
        page.is_accessible("one is gone, one is not ready").await?;
    }
    yard.consumer().kill();
    yard.webui().kill();
    for page in &pages {
        page.says_that("#yard-summary", "No news of the yard.").await?;
        page.is_accessible("no news come").await?;
    }
    let crowd = Crowd::start(200).await?;
    let page = driver.open(LAPTOP, &crowd.url()).await?;
    page.waits_for("all tiles", "document.querySelectorAll('.tile').length === 200").await?;
    page.is_accessible("many are there").await
}
